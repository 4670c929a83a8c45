//! Whether a Vulkan loader loads our layer, and what an application then sees.

use std::ffi::CString;
use std::fs;

use serde::{Deserialize, Serialize};
use zerohop_manifest::{DEVICE_EXTENSIONS, Extension, INSTANCE_EXTENSIONS, LAYER_NAME, LIBRARY};
use zerohop_vulkan::{Error, Instance};

use crate::Trouble;

/// What a process with the layer in its environment found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerProbe {
    /// Whether the layer's library is in the process.
    pub loaded: bool,
    /// What the layer provides and the process did not see.
    pub missing: Vec<String>,
    /// How many devices it saw.
    pub devices: usize,
}

impl LayerProbe {
    /// Looks from inside this process, whose environment says where the layer is.
    ///
    /// # Errors
    ///
    /// When no instance can be made.
    pub fn of_this_process() -> Result<Self, Error> {
        let instance = Instance::under_own_layer()?;
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let name = CString::new(LAYER_NAME).ok();
        let found = instance.extensions(name.as_deref())?;
        let mut missing = lacking(INSTANCE_EXTENSIONS, &found);
        let devices = instance.devices()?;
        for device in &devices {
            let lacks = lacking(DEVICE_EXTENSIONS, &device.extensions()?);
            missing.extend(lacks.into_iter().map(|name| format!("{name} of {}", device.name())));
        }
        Ok(Self { loaded: maps.contains(LIBRARY), missing, devices: devices.len() })
    }

    /// What that means.
    pub(crate) fn verdict(&self) -> Result<String, Trouble> {
        if !self.loaded {
            let todo = "set VK_LOADER_DEBUG=layer and run zerohop doctor again to see why";
            return Err(Trouble::new("the Vulkan loader did not load it", todo));
        }
        let all = INSTANCE_EXTENSIONS.len() + DEVICE_EXTENSIONS.len();
        match &self.missing[..] {
            [] => Ok(format!("loaded, {all} extensions offered on {} devices", self.devices)),
            missing => Err(Trouble::new(
                format!("loaded, but it does not offer {}", missing.join(", ")),
                "use a newer Vulkan loader (Debian: apt-get install libvulkan1)",
            )),
        }
    }
}

fn lacking(wanted: &[Extension], found: &[String]) -> Vec<String> {
    let wanted = wanted.iter().filter(|one| !found.iter().any(|name| name == one.name));
    wanted.map(|one| one.name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_is_not_loaded_is_told_from_one_that_offers_too_little() {
        let probe = LayerProbe { loaded: false, missing: Vec::new(), devices: 1 };
        assert!(probe.verdict().unwrap_err().why.contains("did not load"));
        let probe = LayerProbe { loaded: true, missing: vec!["VK_KHR_x".into()], devices: 1 };
        assert!(probe.verdict().unwrap_err().why.contains("VK_KHR_x"));
        let probe = LayerProbe { loaded: true, missing: Vec::new(), devices: 2 };
        assert!(probe.verdict().unwrap().contains("2 devices"));
    }
}
