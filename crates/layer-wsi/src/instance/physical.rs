//! What a physical device can do for pictures of ours, asked once.

use std::sync::{Arc, OnceLock};

use ash::{ext, khr, vk};
use zerohop_layer::LayerError;
use zerohop_manifest::WsiDecision;

use super::InstanceState;
use crate::device;
use crate::extensions::name;

/// The formats that surfaces may offer, whether or not a device has them.
const CANDIDATES: [vk::Format; 7] = [
    vk::Format::B8G8R8A8_SRGB,
    vk::Format::B8G8R8A8_UNORM,
    vk::Format::R8G8B8A8_SRGB,
    vk::Format::R8G8B8A8_UNORM,
    vk::Format::A2R10G10B10_UNORM_PACK32,
    vk::Format::A2B10G10R10_UNORM_PACK32,
    vk::Format::R5G6B5_UNORM_PACK16,
];

/// A usage that surfaces may offer, and the feature of a format that it needs.
const USAGES: [(vk::ImageUsageFlags, vk::FormatFeatureFlags); 6] = {
    use vk::{FormatFeatureFlags as F, ImageUsageFlags as U};
    [
        (U::TRANSFER_SRC, F::TRANSFER_SRC),
        (U::TRANSFER_DST, F::TRANSFER_DST),
        (U::SAMPLED, F::SAMPLED_IMAGE),
        (U::STORAGE, F::STORAGE_IMAGE),
        (U::COLOR_ATTACHMENT, F::COLOR_ATTACHMENT),
        (U::INPUT_ATTACHMENT, F::COLOR_ATTACHMENT),
    ]
};

/// One `VkPhysicalDevice`.
#[derive(Debug)]
pub(crate) struct PhysicalState {
    /// What each queue family can do.
    families: Vec<vk::QueueFlags>,
    /// Pixels in a row or column of the largest image.
    pub(crate) largest: u32,
    /// Those of [`CANDIDATES`] that the device can render to and hand over; where there is none,
    /// those that it can render to.
    formats: Vec<vk::Format>,
    /// Usages that some of `formats` can have.
    pub(crate) usage: vk::ImageUsageFlags,
    /// Whether the driver has `VK_KHR_swapchain`.
    pub(crate) lists_swapchain: bool,
    /// What was decided on its surfaces, once that was told.
    pub(super) decision: OnceLock<WsiDecision>,
}

impl PhysicalState {
    /// Whether pictures can be presented from the queue family: it must be able to write them.
    pub(crate) fn presents_from(&self, family: u32) -> bool {
        let writes = vk::QueueFlags::GRAPHICS | vk::QueueFlags::COMPUTE | vk::QueueFlags::TRANSFER;
        self.families.get(family as usize).is_some_and(|flags| flags.intersects(writes))
    }

    /// Whether queues of the family run compute shaders.
    pub(crate) fn computes_from(&self, family: u32) -> bool {
        let flags = self.families.get(family as usize);
        flags.is_some_and(|flags| flags.contains(vk::QueueFlags::COMPUTE))
    }

    /// All of those families, as far as a mask of 32 bits can name them.
    pub(crate) fn writing_families(&self) -> Vec<u32> {
        (0..u32::BITS).filter(|family| self.presents_from(*family)).collect()
    }

    /// Whether the device can render to `format` and hand it over.
    pub(crate) fn has_format(&self, format: vk::Format) -> bool {
        self.formats.contains(&format)
    }

    /// How many queue families there are.
    pub(super) fn family_count(&self) -> u32 {
        u32::try_from(self.families.len()).unwrap_or(u32::MAX)
    }

    fn ask(instance: &InstanceState, handle: vk::PhysicalDevice) -> Result<Self, LayerError> {
        let raw = &instance.raw;
        // SAFETY: the handle is the instance's.
        let families = unsafe { raw.get_physical_device_queue_family_properties(handle) };
        // SAFETY: the handle is the instance's.
        let limits = unsafe { raw.get_physical_device_properties(handle) }.limits;
        let extensions = device::extensions_below(instance, handle)?;
        let has = |wanted| extensions.iter().any(|one| name(one) == wanted);
        let exports = instance.has_properties2 && has(khr::external_memory_fd::NAME);
        let able = |exports| -> Vec<_> {
            let fits = |format: &vk::Format| can_present(instance, handle, *format, exports);
            CANDIDATES.into_iter().filter(fits).collect()
        };
        let mut formats = able(exports);
        if formats.is_empty() {
            // The application goes on, with pictures that nobody else sees.
            formats = able(false);
        }
        let mut usage = usages(instance, handle, &formats);
        if has(ext::attachment_feedback_loop_layout::NAME) {
            usage |= vk::ImageUsageFlags::ATTACHMENT_FEEDBACK_LOOP_EXT;
        }
        let families = families.iter().map(|family| family.queue_flags).collect();
        Ok(Self {
            families,
            largest: limits.max_image_dimension2_d,
            formats,
            usage,
            lists_swapchain: has(khr::swapchain::NAME),
            decision: OnceLock::new(),
        })
    }
}

/// Whether an image of `format` can be rendered to, read back by a pass, and exported.
fn can_present(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    format: vk::Format,
    exports: bool,
) -> bool {
    let usage = vk::ImageUsageFlags::COLOR_ATTACHMENT | vk::ImageUsageFlags::TRANSFER_SRC;
    let (kind, tiling) = (vk::ImageType::TYPE_2D, vk::ImageTiling::OPTIMAL);
    let raw = &instance.raw;
    if !exports {
        let flags = vk::ImageCreateFlags::empty();
        // SAFETY: the handle is the instance's.
        let answer = unsafe {
            raw.get_physical_device_image_format_properties(
                physical, format, kind, tiling, usage, flags,
            )
        };
        return answer.is_ok();
    }
    let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default()
        .handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
    let info = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(format)
        .ty(kind)
        .tiling(tiling)
        .usage(usage)
        .push_next(&mut external);
    let mut memory = vk::ExternalImageFormatProperties::default();
    let mut out = vk::ImageFormatProperties2::default().push_next(&mut memory);
    // SAFETY: the handle is the instance's, and the next layer has the command.
    let answer =
        unsafe { raw.get_physical_device_image_format_properties2(physical, &info, &mut out) };
    let features = memory.external_memory_properties.external_memory_features;
    answer.is_ok() && features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE)
}

/// What at least one of `formats` can be used for.
fn usages(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    formats: &[vk::Format],
) -> vk::ImageUsageFlags {
    let mut features = vk::FormatFeatureFlags::empty();
    for format in formats {
        let raw = &instance.raw;
        // SAFETY: the handle is the instance's.
        let it = unsafe { raw.get_physical_device_format_properties(physical, *format) };
        features |= it.optimal_tiling_features;
    }
    USAGES
        .into_iter()
        .filter(|(_, needs)| features.contains(*needs))
        .fold(vk::ImageUsageFlags::empty(), |all, (usage, _)| all | usage)
}

impl InstanceState {
    /// What is known of a physical device of this instance.
    ///
    /// # Errors
    ///
    /// What the next layer reports.
    pub(crate) fn physical(
        &self,
        handle: vk::PhysicalDevice,
    ) -> Result<Arc<PhysicalState>, LayerError> {
        if let Some(known) = self.physicals.get(&handle) {
            return Ok(known);
        }
        let state = Arc::new(PhysicalState::ask(self, handle)?);
        self.physicals.insert(handle, Arc::clone(&state));
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_cannot_write_pictures_does_not_present() {
        let state = PhysicalState {
            families: vec![vk::QueueFlags::TRANSFER, vk::QueueFlags::VIDEO_DECODE_KHR],
            largest: 1,
            formats: Vec::new(),
            usage: vk::ImageUsageFlags::empty(),
            lists_swapchain: false,
            decision: OnceLock::new(),
        };
        assert!(state.presents_from(0));
        assert!(!state.presents_from(1) && !state.presents_from(2));
    }
}
