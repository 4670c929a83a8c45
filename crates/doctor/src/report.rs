//! All that was tried on a machine, for people and for programs.

use std::fmt;

use serde::Serialize;
use zerohop_manifest::Takeover;
use zerohop_vulkan::{Error, Instance, InstanceOptions};

use crate::check::count;
use crate::{
    CardReport, Check, DeviceReport, EglReport, LayerProbe, Matrix, Trouble, cuda, encoder,
};

/// The version of the JSON object's keys.
pub const SCHEMA: u32 = 1;

/// What the doctor cannot find out by itself, because it is policy.
pub struct Machine {
    /// What became of starting a private display.
    pub display: Check,
    /// Where the program that decodes is.
    pub decoder: Check,
    /// Runs [`LayerProbe::of_this_process`] in a process that is started as an application is.
    pub layer: Result<LayerProbe, Trouble>,
    /// Whether the layer's surfaces and swapchains are to take the place of a driver's.
    pub wsi: Takeover,
}

/// A machine, tried.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    schema: u32,
    version: &'static str,
    /// Whether a recording works.
    ready: bool,
    checks: Vec<Check>,
    devices: Vec<DeviceReport>,
    cards: Vec<CardReport>,
    egl: Vec<EglReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codecs: Vec<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matrix: Option<Matrix>,
}

impl Report {
    /// Tries everything.
    pub fn of(machine: Machine) -> Self {
        let (loader, devices) = loader(machine.wsi);
        let mut checks = vec![loader];
        match machine.layer {
            Ok(probe) => checks.extend(probe.verdict()),
            Err(trouble) => checks.push(Check::required("layer", Err(trouble))),
        }
        checks.extend(encoder::check());
        checks.push(cuda::check(&devices));
        checks.extend([machine.decoder, machine.display]);
        let (check, egl) = EglReport::all();
        checks.push(check);
        let ready = !checks.iter().any(Check::blocks) && devices.iter().any(DeviceReport::works);
        let (version, cards) = (env!("CARGO_PKG_VERSION"), CardReport::all());
        let (codecs, matrix) = (Vec::new(), None);
        Self { schema: SCHEMA, version, ready, checks, devices, cards, egl, codecs, matrix }
    }

    /// With what takes longer: every way that pictures go, and every codec.
    #[must_use]
    pub fn with_matrix(self, matrix: Matrix, codecs: Vec<Check>) -> Self {
        Self { codecs, matrix: Some(matrix), ..self }
    }

    /// Whether a recording works on this machine.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The JSON text.
    ///
    /// # Errors
    ///
    /// Never for a report that [`of`](Self::of) made.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn loader(wsi: Takeover) -> (Check, Vec<DeviceReport>) {
    let missing = "install the Vulkan loader (Debian: apt-get install libvulkan1)";
    let without = "install a Vulkan driver (Debian: apt-get install mesa-vulkan-drivers, which \
                   has one that needs no GPU)";
    let found = Instance::new(InstanceOptions::default()).and_then(|instance| {
        let devices = instance.devices()?;
        Ok((instance.loader_version()?, devices))
    });
    match found {
        Err(err @ Error::Loader(_)) => {
            (Check::required("vulkan loader", Err(Trouble::of(&err, missing))), Vec::new())
        }
        Err(err) => (Check::required("vulkan driver", Err(Trouble::of(&err, without))), Vec::new()),
        Ok((_, devices)) if devices.is_empty() => {
            (Check::required("vulkan driver", Err(Trouble::new("no device", without))), Vec::new())
        }
        Ok(((major, minor, patch), devices)) => {
            let found = format!("{major}.{minor}.{patch}, {}", count(devices.len(), "device"));
            let tried = devices.iter().map(|device| DeviceReport::of(device, wsi)).collect();
            (Check::required("vulkan loader", Ok(found)), tried)
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        for device in &self.devices {
            writeln!(f, "\ndevice {}: {} ({})", device.index, device.name, device.kind)?;
            writeln!(f, "     {:<18}{}", "driver", device.driver)?;
            writeln!(f, "     {:<18}{}", "uuid", device.uuid)?;
            writeln!(f, "     {:<18}{}", "vulkan", device.vulkan)?;
            for (word, there) in [("has", true), ("lacks", false)] {
                let names = device.extensions.iter().filter(|(_, has)| **has == there);
                for (index, (name, _)) in names.enumerate() {
                    writeln!(f, "     {:<18}{name}", if index == 0 { word } else { "" })?;
                }
            }
            for check in &device.checks {
                writeln!(f, "{check}")?;
            }
            let whose = if device.wsi.replaced { "the layer's" } else { "the driver's" };
            writeln!(f, "     {:<18}{whose}: {}", "swapchains", device.wsi.why)?;
            writeln!(f, "     {:<18}{}", "handover", device.handover)?;
            let why = device.sync_reason.map(|why| format!(": {why}")).unwrap_or_default();
            writeln!(f, "     {:<18}{}{why}", "sync tier", device.sync_tier)?;
            writeln!(f, "     {:<18}looked at by the {}", "still pictures", device.look)?;
        }
        self.cards.iter().try_for_each(|card| write!(f, "{card}"))?;
        self.egl.iter().try_for_each(|egl| write!(f, "{egl}"))?;
        if let Some(matrix) = &self.matrix {
            writeln!(f, "\ncodecs")?;
            self.codecs.iter().try_for_each(|check| writeln!(f, "{check}"))?;
            write!(f, "{matrix}")?;
        }
        let works = if self.ready { "works" } else { "does not work" };
        writeln!(f, "\na recording {works} here")
    }
}
