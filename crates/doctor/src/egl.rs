//! What EGL takes: each place where it has a driver, and which dma-bufs that imports.

use std::fmt;

use serde::Serialize;
use zerohop_gl::{Context, Importable, Platform, Target, platforms};

use crate::check::count;
use crate::{Check, Trouble};

/// A place where EGL has a driver, tried.
#[derive(Clone, Debug, Serialize)]
pub struct EglReport {
    /// Which, as in "device 0 /dev/dri/renderD128" or "surfaceless".
    pub platform: String,
    /// The driver of OpenGL ES and its version; empty where there is none.
    pub driver: String,
    /// The Vulkan devices that it shares memory with, by `deviceUUID`.
    pub devices: Vec<String>,
    /// What was tried on it. Nothing of it is needed for a recording.
    pub checks: Vec<Check>,
    /// The dma-bufs that it imports.
    pub formats: Vec<EglFormat>,
}

/// A format of dma-bufs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EglFormat {
    /// `DRM_FORMAT_*`, as in "XR24".
    pub fourcc: String,
    /// Modifiers whose textures are like any other.
    pub modifiers: Vec<String>,
    /// Modifiers whose textures shaders read in ways of their own (`external_only`).
    pub external_only: Vec<String>,
}

/// The formats that applications draw in, which people are told of. Programs are told of all.
const TOLD: [&str; 6] = ["AR24", "XR24", "AB24", "XB24", "NV12", "P010"];

impl EglReport {
    /// All places on this machine, and what is missing where there is none.
    pub(crate) fn all() -> (Check, Vec<Self>) {
        let todo = "install EGL (Debian: apt-get install libegl1 libgles2), or do without: it is one \
                    of the ways by which dma-bufs come into CUDA";
        match platforms() {
            Ok(all) => {
                let found = count(all.len(), "platform");
                (Check::useful("egl", Ok(found)), all.iter().map(Self::of).collect())
            }
            Err(err) => (Check::useful("egl", Err(Trouble::of(&err, todo))), Vec::new()),
        }
    }

    fn of(platform: &Platform) -> Self {
        let mut report = Self {
            platform: platform.to_string(),
            driver: String::new(),
            devices: Vec::new(),
            checks: Vec::new(),
            formats: Vec::new(),
        };
        let todo = "another platform may do";
        match Context::on(platform) {
            Ok(context) => report.look(&context),
            Err(err) => {
                report.checks.push(Check::useful("opengl es", Err(Trouble::of(&err, todo))));
            }
        }
        report
    }

    fn look(&mut self, context: &Context) {
        let facts = context.facts();
        self.driver.clone_from(&facts.gl);
        let hex = |uuid: &[u8; 16]| uuid.iter().map(|byte| format!("{byte:02x}")).collect();
        self.devices = facts.devices.iter().map(hex).collect();
        let dma_bufs = context.importable().map(|formats| {
            self.formats = formats.iter().map(EglFormat::of).collect();
            count(formats.len(), "format")
        });
        let todo = "dma-bufs come into CUDA over Vulkan, by one copy of the GPU's";
        let dma_bufs = dma_bufs.map_err(|err| Trouble::of(&err, todo));
        self.checks.push(Check::useful("dma-bufs", dma_bufs));
        let fences = if facts.native_fences {
            Ok("pass in and out as sync_file".to_owned())
        } else {
            let why = "the driver lacks EGL_ANDROID_native_fence_sync";
            Err(Trouble::new(why, "the CPU waits for what is drawn"))
        };
        self.checks.push(Check::useful("fences", fences));
    }
}

impl EglFormat {
    fn of(format: &Importable) -> Self {
        let of = |wanted| {
            let all = format.modifiers.iter().filter(move |(_, target)| *target == wanted);
            all.map(|(modifier, _)| modifier.to_string()).collect()
        };
        let (modifiers, external_only) = (of(Target::Flat), of(Target::External));
        Self { fourcc: format.fourcc.to_string(), modifiers, external_only }
    }
}

impl fmt::Display for EglReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\negl {}: {}", self.platform, self.driver)?;
        for (index, uuid) in self.devices.iter().enumerate() {
            writeln!(f, "     {:<18}{uuid}", if index == 0 { "memory of" } else { "" })?;
        }
        self.checks.iter().try_for_each(|check| writeln!(f, "{check}"))?;
        for format in self.formats.iter().filter(|one| TOLD.contains(&&*one.fourcc)) {
            writeln!(f, "     {format}")?;
        }
        Ok(())
    }
}

impl fmt::Display for EglFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<18}{}", self.fourcc, self.modifiers.join(" "))?;
        if self.external_only.is_empty() {
            return Ok(());
        }
        let space = if self.modifiers.is_empty() { "" } else { ", " };
        write!(f, "{space}external only: {}", self.external_only.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_which_modifiers_are_read_in_a_way_of_their_own() {
        let names = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        let format = EglFormat {
            fourcc: "XR24".into(),
            modifiers: names(&["0x300000000606010", "0x300000000606011"]),
            external_only: names(&["LINEAR"]),
        };
        let text = format.to_string();
        let wanted = "XR24              0x300000000606010 0x300000000606011, external only: LINEAR";
        assert_eq!(text, wanted);
    }

    #[test]
    fn people_are_told_of_the_formats_that_applications_draw_in() {
        let format = |name: &str| EglFormat {
            fourcc: name.into(),
            modifiers: vec!["LINEAR".into()],
            external_only: Vec::new(),
        };
        let report = EglReport {
            platform: "surfaceless".into(),
            driver: "a driver".into(),
            devices: vec!["00".into(), "11".into()],
            checks: vec![Check::useful("dma-bufs", Ok("2 formats".into()))],
            formats: vec![format("XR24"), format("Y210")],
        };
        let text = report.to_string();
        assert!(text.contains("egl surfaceless: a driver\n     memory of         00\n"), "{text}");
        assert!(text.contains("XR24              LINEAR") && !text.contains("Y210"), "{text}");
    }
}
