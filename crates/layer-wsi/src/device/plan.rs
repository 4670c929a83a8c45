//! Which of the extensions that an application enables go down to the driver, and what we add.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char};

use ash::{ext, khr, vk};
use zerohop_layer::LayerError;
use zerohop_manifest::DEVICE_EXTENSIONS;

use super::extensions;
use crate::extensions::ExtensionSet;
use crate::newer::{PresentId2Features, PresentWait2Features};

/// Feature structures that we answer; the driver never sees them.
pub(super) const OURS: &[vk::StructureType] = &[
    vk::StructureType::PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT,
    vk::StructureType::PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR,
    vk::StructureType::PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR,
    <PresentId2Features<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
    <PresentWait2Features<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
];

/// What we add when the driver has it, in groups that are of use only whole.
const WANTED: &[&[&CStr]] = &[
    &[khr::external_memory::NAME],
    &[khr::external_memory_fd::NAME],
    &[khr::get_memory_requirements2::NAME],
    &[khr::dedicated_allocation::NAME],
    &[khr::bind_memory2::NAME],
    &[khr::image_format_list::NAME],
    &[
        ext::image_drm_format_modifier::NAME,
        ext::external_memory_dma_buf::NAME,
        ext::queue_family_foreign::NAME,
    ],
    &[khr::external_semaphore::NAME, khr::external_semaphore_fd::NAME],
    &[
        khr::timeline_semaphore::NAME,
        khr::external_semaphore::NAME,
        khr::external_semaphore_fd::NAME,
    ],
    &[khr::external_fence::NAME, khr::external_fence_fd::NAME],
    &[ext::external_memory_host::NAME],
];

/// Which extension goes where.
pub(super) struct Plan {
    /// Those of ours that the application enabled.
    pub(super) ours: ExtensionSet,
    /// What goes down, each name once.
    down: BTreeSet<CString>,
}

impl Plan {
    /// We add something only where it `adds`: what is wanted needs more than Vulkan 1.0.
    ///
    /// Ours stay here, but for `VK_KHR_swapchain`: where the driver has it, it goes down too, since
    /// the layout `PRESENT_SRC_KHR` and extensions of the driver's depend on it.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_EXTENSION_NOT_PRESENT` for one that we hide.
    pub(super) fn new(
        asked: &[&CStr],
        driver: &BTreeSet<CString>,
        adds: bool,
    ) -> Result<Self, LayerError> {
        let mut ours = ExtensionSet::of(DEVICE_EXTENSIONS);
        let mut down = BTreeSet::new();
        for name in asked {
            if extensions::is_hidden(name) {
                let what = format!("{} is not offered under this layer", name.to_string_lossy());
                return Err(LayerError::refused(vk::Result::ERROR_EXTENSION_NOT_PRESENT, what));
            }
            let kept = ours.insert(name);
            if !kept || (*name == khr::swapchain::NAME && driver.contains(*name)) {
                down.insert((*name).to_owned());
            }
        }
        for group in WANTED.iter().filter(|_| adds) {
            if group.iter().all(|name| driver.contains(*name)) {
                down.extend(group.iter().map(|name| (*name).to_owned()));
            }
        }
        Ok(Self { ours, down })
    }

    /// What the application asked for, each as it came: we have no part in it.
    pub(super) fn passing(asked: &[&CStr]) -> Self {
        let down = asked.iter().map(|name| (*name).to_owned()).collect();
        Self { ours: ExtensionSet::of(DEVICE_EXTENSIONS), down }
    }

    /// For `ppEnabledExtensionNames`; valid as long as the plan.
    pub(super) fn names(&self) -> Vec<*const c_char> {
        self.down.iter().map(|name| name.as_ptr()).collect()
    }

    /// Whether the driver's extension called `name` is enabled.
    pub(super) fn has(&self, name: &CStr) -> bool {
        self.down.contains(name)
    }

    /// Whether the application means to present.
    pub(super) fn presents(&self) -> bool {
        self.ours.contains(khr::swapchain::NAME)
    }

    /// What the driver sees where the application says `PRESENT_SRC_KHR`.
    pub(super) fn present_layout(&self) -> vk::ImageLayout {
        if self.presents() && !self.has(khr::swapchain::NAME) {
            vk::ImageLayout::GENERAL
        } else {
            vk::ImageLayout::PRESENT_SRC_KHR
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(asked: &[&CStr], driver: &[&CStr]) -> Result<Vec<String>, LayerError> {
        let driver = driver.iter().map(|name| (*name).to_owned()).collect();
        let plan = Plan::new(asked, &driver, true)?;
        Ok(plan.down.iter().map(|name| name.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn an_extension_asked_for_twice_goes_down_once() {
        let name = khr::maintenance3::NAME;
        let down = plan(&[name, name], &[name]).unwrap();
        assert_eq!(down, ["VK_KHR_maintenance3"]);
    }

    #[test]
    fn ours_stay_here_but_for_a_swapchain_that_the_driver_has() {
        let asked = [khr::swapchain::NAME, khr::present_id::NAME];
        assert_eq!(plan(&asked, &asked).unwrap(), ["VK_KHR_swapchain"]);
        assert!(plan(&asked, &[]).unwrap().is_empty());
        let lacks = Plan::new(&asked, &BTreeSet::new(), true).unwrap();
        assert_eq!(lacks.present_layout(), vk::ImageLayout::GENERAL);
    }

    #[test]
    fn modifiers_are_enabled_whole_or_not_at_all() {
        let modifier = ext::image_drm_format_modifier::NAME;
        let dma_buf = ext::external_memory_dma_buf::NAME;
        assert!(plan(&[], &[modifier, dma_buf]).unwrap().is_empty());
        let foreign = ext::queue_family_foreign::NAME;
        assert_eq!(plan(&[], &[modifier, dma_buf, foreign]).unwrap().len(), 3);
    }

    #[test]
    fn what_is_hidden_is_refused_by_name() {
        let err = plan(&[ext::hdr_metadata::NAME], &[ext::hdr_metadata::NAME]).unwrap_err();
        assert_eq!(err.to_string(), "VK_EXT_hdr_metadata is not offered under this layer");
        assert_eq!(err.code(), vk::Result::ERROR_EXTENSION_NOT_PRESENT);
    }
}
