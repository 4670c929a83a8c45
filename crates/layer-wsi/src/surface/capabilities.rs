//! What a surface says about the swapchains that it can have.

use ash::vk;
use zerohop_layer::LayerError;

use crate::instance::InstanceState;
use crate::surface::Surface;

/// All present modes, in the order in which Mesa lists them.
pub(crate) const PRESENT_MODES: [vk::PresentModeKHR; 4] = [
    vk::PresentModeKHR::IMMEDIATE,
    vk::PresentModeKHR::MAILBOX,
    vk::PresentModeKHR::FIFO,
    vk::PresentModeKHR::FIFO_RELAXED,
];

/// Stands for "the swapchain decides" in `currentExtent`.
const ANY: vk::Extent2D = vk::Extent2D { width: u32::MAX, height: u32::MAX };

/// `VkSurfaceCapabilitiesKHR`.
///
/// # Errors
///
/// `VK_ERROR_SURFACE_LOST_KHR` when the window is gone.
pub(crate) fn capabilities(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    surface: &Surface,
) -> Result<vk::SurfaceCapabilitiesKHR, LayerError> {
    let window = surface.extent_now();
    if surface.is_lost() {
        return Err(lost(surface));
    }
    // SAFETY: the handle is the instance's.
    let limits = unsafe { instance.raw.get_physical_device_properties(physical) }.limits;
    let most = limits.max_image_dimension2_d;
    let composite = vk::CompositeAlphaFlagsKHR::OPAQUE;
    Ok(vk::SurfaceCapabilitiesKHR {
        min_image_count: if surface.is_headless() { 4 } else { 3 },
        max_image_count: 0,
        current_extent: window.unwrap_or(ANY),
        min_image_extent: window.unwrap_or(vk::Extent2D { width: 1, height: 1 }),
        max_image_extent: window.unwrap_or(vk::Extent2D { width: most, height: most }),
        max_image_array_layers: 1,
        supported_transforms: vk::SurfaceTransformFlagsKHR::IDENTITY,
        current_transform: vk::SurfaceTransformFlagsKHR::IDENTITY,
        supported_composite_alpha: composite | vk::CompositeAlphaFlagsKHR::INHERIT,
        supported_usage_flags: vk::ImageUsageFlags::TRANSFER_SRC
            | vk::ImageUsageFlags::TRANSFER_DST
            | vk::ImageUsageFlags::SAMPLED
            | vk::ImageUsageFlags::STORAGE
            | vk::ImageUsageFlags::COLOR_ATTACHMENT
            | vk::ImageUsageFlags::INPUT_ATTACHMENT,
    })
}

/// What every call about a window that is gone fails with.
pub(crate) fn lost(surface: &Surface) -> LayerError {
    LayerError::refused(
        vk::Result::ERROR_SURFACE_LOST_KHR,
        format!("the {} is gone", surface.name()),
    )
}
