//! Whether a Vulkan loader loads our layer, and what an application then sees.

use std::ffi::CString;
use std::fs;

use serde::{Deserialize, Serialize};
use zerohop_manifest::{DEVICE_EXTENSIONS, Extension, INSTANCE_EXTENSIONS, LAYER_NAME, LIBRARY};
use zerohop_vulkan::{Error, Instance};

use crate::check::count;
use crate::{Check, Trouble};

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

    /// What that means. An older loader hides extensions that it does not know: an application that
    /// asks for none of them is recorded all the same.
    pub(crate) fn verdict(&self) -> [Check; 2] {
        let loaded = match self.loaded {
            true => Ok(format!("loaded on {}", count(self.devices, "device"))),
            false => {
                let todo = "set VK_LOADER_DEBUG=layer and run zerohop doctor again to see why";
                Err(Trouble::new("the Vulkan loader did not load it", todo))
            }
        };
        let all = INSTANCE_EXTENSIONS.len() + DEVICE_EXTENSIONS.len();
        let offered = match &self.missing[..] {
            [] if self.loaded => Ok(format!("all {all} are offered")),
            [] => Err(Trouble::new("none is offered without the layer", "see the layer")),
            missing => Err(Trouble::new(
                format!("not offered: {}", missing.join(", ")),
                "nothing has to be done, unless an application asks for them: use a newer Vulkan \
                 loader then (Debian: apt-get install libvulkan1)",
            )),
        };
        [Check::required("layer", loaded), Check::useful("layer extensions", offered)]
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
        let [loaded, offered] = probe.verdict();
        assert!(loaded.blocks() && loaded.found.contains("did not load") && !offered.ok);
        let probe = LayerProbe { loaded: true, missing: vec!["VK_KHR_x".into()], devices: 1 };
        let [loaded, offered] = probe.verdict();
        assert!(!loaded.blocks() && offered.found.contains("VK_KHR_x") && !offered.blocks());
        let probe = LayerProbe { loaded: true, missing: Vec::new(), devices: 2 };
        let [loaded, offered] = probe.verdict();
        assert!(loaded.found.contains("2 devices") && offered.ok);
    }
}
