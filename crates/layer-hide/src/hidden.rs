//! What is hidden.

use std::ffi::CStr;
use std::sync::OnceLock;

use ash::vk;

use crate::VARIABLE;

/// What the environment asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    extensions: Vec<String>,
    /// The newest Vulkan that is left, without a patch.
    newest: Option<u32>,
    /// Whether no queue presents.
    pub(crate) present: bool,
    /// Whether no device is a CPU.
    cpu: bool,
    /// How many submissions of a device succeed before it is lost.
    pub(crate) lost: Option<u64>,
    /// How often a device gets memory.
    pub(crate) memory: Option<u64>,
}

impl Hidden {
    /// What is hidden in this process.
    pub(crate) fn get() -> &'static Self {
        static HIDDEN: OnceLock<Hidden> = OnceLock::new();
        HIDDEN.get_or_init(|| Self::parse(&std::env::var(VARIABLE).unwrap_or_default()))
    }

    fn parse(words: &str) -> Self {
        let mut hidden = Self::default();
        for word in words.split(',').filter(|word| !word.is_empty()) {
            match word {
                "present" => hidden.present = true,
                "cpu" => hidden.cpu = true,
                "1.0" => hidden.newest = Some(vk::API_VERSION_1_0),
                "1.1" => hidden.newest = Some(vk::API_VERSION_1_1),
                "1.2" => hidden.newest = Some(vk::API_VERSION_1_2),
                lost if lost.starts_with("lost=") => hidden.lost = lost[5..].parse().ok(),
                memory if memory.starts_with("memory=") => {
                    hidden.memory = memory[7..].parse().ok();
                }
                extension => hidden.extensions.push(extension.to_owned()),
            }
        }
        hidden
    }

    /// Whether the device extension called `name` is.
    pub(crate) fn has(&self, name: &CStr) -> bool {
        self.extensions.iter().any(|one| one.as_bytes() == name.to_bytes())
    }

    /// What is left of a device's properties.
    pub(crate) fn trim(&self, properties: &mut vk::PhysicalDeviceProperties) {
        properties.api_version = self.version(properties.api_version);
        if self.cpu && properties.device_type == vk::PhysicalDeviceType::CPU {
            properties.device_type = vk::PhysicalDeviceType::OTHER;
        }
    }

    /// What is left of a driver's version.
    fn version(&self, version: u32) -> u32 {
        self.newest.map_or(version, |newest| version.min(newest | 0xfff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_hides_one_thing() {
        let hidden = Hidden::parse("VK_KHR_swapchain,1.1,present");
        assert!(hidden.has(c"VK_KHR_swapchain") && !hidden.has(c"VK_KHR_maintenance1"));
        assert!(hidden.present && hidden.lost.is_none());
        let device_type = vk::PhysicalDeviceType::CPU;
        let mut cpu = vk::PhysicalDeviceProperties { device_type, ..Default::default() };
        Hidden::parse("cpu").trim(&mut cpu);
        assert_eq!(cpu.device_type, vk::PhysicalDeviceType::OTHER);
        assert_eq!(Hidden::parse("lost=7").lost, Some(7));
        assert_eq!(Hidden::parse("memory=8").memory, Some(8));
        assert_eq!(hidden.version(vk::make_api_version(0, 1, 4, 7)) >> 12, 0x401);
        let old = vk::make_api_version(0, 1, 0, 9);
        assert_eq!(hidden.version(old), old);
        assert_eq!(Hidden::parse(""), Hidden::default());
    }
}
