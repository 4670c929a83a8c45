//! What a surface says about the swapchains that it can have.

use std::ffi::c_void;

use ash::vk;
use zerohop_layer::{LayerError, chain};

use crate::instance::PhysicalState;
use crate::newer::{SurfacePresentId2, SurfacePresentWait2};
use crate::surface::{Platform, Surface};

/// Stands for "the swapchain decides" in `currentExtent`.
const ANY: vk::Extent2D = vk::Extent2D { width: u32::MAX, height: u32::MAX };

/// The smallest image where no window has a say.
const SMALLEST: vk::Extent2D = vk::Extent2D { width: 1, height: 1 };

/// The present modes of a surface: all four everywhere, in Mesa's order for the platform, those
/// that Mesa lacks there last.
pub(crate) fn present_modes(surface: &Surface) -> &'static [vk::PresentModeKHR; 4] {
    use vk::PresentModeKHR as M;
    match surface.platform() {
        Platform::X11 => &[M::IMMEDIATE, M::MAILBOX, M::FIFO, M::FIFO_RELAXED],
        Platform::Display => &[M::FIFO, M::IMMEDIATE, M::MAILBOX, M::FIFO_RELAXED],
        Platform::Wayland | Platform::Headless | Platform::Any => {
            &[M::MAILBOX, M::FIFO, M::IMMEDIATE, M::FIFO_RELAXED]
        }
    }
}

/// `VkSurfaceCapabilitiesKHR`: of any swapchain, or of one that presents in `mode`.
///
/// # Errors
///
/// `VK_ERROR_SURFACE_LOST_KHR` when the window is gone.
pub(crate) fn capabilities(
    physical: &PhysicalState,
    surface: &Surface,
    mode: Option<vk::PresentModeKHR>,
) -> Result<vk::SurfaceCapabilitiesKHR, LayerError> {
    let window = surface.extent_now();
    if surface.is_lost() {
        return Err(lost(surface));
    }
    let largest = vk::Extent2D { width: physical.largest, height: physical.largest };
    Ok(vk::SurfaceCapabilitiesKHR {
        min_image_count: min_image_count(surface.platform(), mode),
        max_image_count: 0,
        current_extent: window.unwrap_or(ANY),
        min_image_extent: window.unwrap_or(SMALLEST),
        max_image_extent: window.unwrap_or(largest),
        max_image_array_layers: 1,
        supported_transforms: vk::SurfaceTransformFlagsKHR::IDENTITY,
        current_transform: vk::SurfaceTransformFlagsKHR::IDENTITY,
        supported_composite_alpha: composite_alpha(surface),
        supported_usage_flags: physical.usage,
    })
}

/// As Mesa has it: one on screen, one on its way, one to draw on; MAILBOX needs another one to
/// replace what is on its way.
fn min_image_count(platform: Platform, mode: Option<vk::PresentModeKHR>) -> u32 {
    match (platform, mode) {
        (Platform::Headless | Platform::Any, _) | (_, Some(vk::PresentModeKHR::MAILBOX)) => 4,
        (Platform::Wayland, None) => 4,
        _ => 3,
    }
}

fn composite_alpha(surface: &Surface) -> vk::CompositeAlphaFlagsKHR {
    use vk::CompositeAlphaFlagsKHR as A;
    match surface.platform() {
        Platform::Wayland | Platform::Headless => A::OPAQUE | A::PRE_MULTIPLIED,
        Platform::Display => A::OPAQUE,
        Platform::Any => A::empty(),
        Platform::X11 if surface.visual().is_some_and(|visual| visual.has_alpha()) => {
            A::INHERIT | A::PRE_MULTIPLIED
        }
        Platform::X11 => A::INHERIT | A::OPAQUE,
    }
}

/// `VkSurfaceCapabilities2KHR` with all that may hang on it. `query` is the chain of the
/// `VkPhysicalDeviceSurfaceInfo2KHR`.
///
/// # Errors
///
/// As [`capabilities`].
///
/// # Safety
///
/// Both chains are the application's, and `out`'s is to be filled in.
pub(crate) unsafe fn fill(
    physical: &PhysicalState,
    surface: &Surface,
    query: *const c_void,
    out: &mut vk::SurfaceCapabilities2KHR<'_>,
) -> Result<(), LayerError> {
    // SAFETY: the caller's promise.
    let mode = unsafe { chain::get::<vk::SurfacePresentModeEXT<'_>>(query) };
    let mode = mode.map(|it| it.present_mode);
    out.surface_capabilities = capabilities(physical, surface, mode)?;
    let (min, max) =
        (out.surface_capabilities.min_image_extent, out.surface_capabilities.max_image_extent);
    let modes = |to: &mut vk::SurfacePresentModeCompatibilityEXT<'_>| {
        list_compatible(to, mode, surface);
    };
    // Nothing is scaled: an image has the size of its window, or there is none.
    let scaling = |to: &mut vk::SurfacePresentScalingCapabilitiesEXT<'_>| {
        to.supported_present_scaling = vk::PresentScalingFlagsEXT::empty();
        to.supported_present_gravity_x = vk::PresentGravityFlagsEXT::empty();
        to.supported_present_gravity_y = vk::PresentGravityFlagsEXT::empty();
        (to.min_scaled_image_extent, to.max_scaled_image_extent) = (min, max);
    };
    let protected = |to: &mut vk::SurfaceProtectedCapabilitiesKHR<'_>| {
        to.supports_protected = vk::FALSE;
    };
    let shared = |to: &mut vk::SharedPresentSurfaceCapabilitiesKHR<'_>| {
        to.shared_present_supported_usage_flags = vk::ImageUsageFlags::empty();
    };
    let id2 = |to: &mut SurfacePresentId2<'_>| to.supported = vk::TRUE;
    let wait2 = |to: &mut SurfacePresentWait2<'_>| to.supported = vk::TRUE;
    // SAFETY: the caller's promise.
    unsafe { each(out.p_next, modes) };
    // SAFETY: the caller's promise.
    unsafe { each(out.p_next, scaling) };
    // SAFETY: the caller's promise.
    unsafe { each(out.p_next, protected) };
    // SAFETY: the caller's promise.
    unsafe { each(out.p_next, shared) };
    // SAFETY: the caller's promise.
    unsafe { each(out.p_next, id2) };
    // SAFETY: the caller's promise.
    unsafe { each(out.p_next, wait2) };
    Ok(())
}

/// The same as `from`, and no counters.
pub(crate) fn fill_counters(
    to: &mut vk::SurfaceCapabilities2EXT<'_>,
    from: &vk::SurfaceCapabilitiesKHR,
) {
    *to = vk::SurfaceCapabilities2EXT {
        s_type: to.s_type,
        p_next: to.p_next,
        min_image_count: from.min_image_count,
        max_image_count: from.max_image_count,
        current_extent: from.current_extent,
        min_image_extent: from.min_image_extent,
        max_image_extent: from.max_image_extent,
        max_image_array_layers: from.max_image_array_layers,
        supported_transforms: from.supported_transforms,
        current_transform: from.current_transform,
        supported_composite_alpha: from.supported_composite_alpha,
        supported_usage_flags: from.supported_usage_flags,
        supported_surface_counters: vk::SurfaceCounterFlagsEXT::empty(),
        ..*to
    };
}

/// Fills the `T` of a chain in, if there is one.
///
/// # Safety
///
/// As [`chain::get_mut`].
unsafe fn each<T: vk::TaggedStructure>(p_next: *mut c_void, fill: impl FnOnce(&mut T)) {
    // SAFETY: the caller's promise.
    if let Some(to) = unsafe { chain::get_mut::<T>(p_next) } {
        fill(to);
    }
}

fn list_compatible(
    to: &mut vk::SurfacePresentModeCompatibilityEXT<'_>,
    mode: Option<vk::PresentModeKHR>,
    surface: &Surface,
) {
    let modes = compatible(mode, present_modes(surface));
    // SAFETY: VUID-VkSurfacePresentModeCompatibilityEXT-pPresentModes-parameter. Unlike other
    // lists, this one has no code that says that it was cut short.
    let _ = unsafe {
        zerohop_layer::write_list(&modes, &mut to.present_mode_count, to.p_present_modes)
    };
}

/// The modes that a swapchain of `mode` can switch between: all, its own first. Without a mode
/// the query means nothing, and gets all.
fn compatible(
    mode: Option<vk::PresentModeKHR>,
    all: &[vk::PresentModeKHR; 4],
) -> Vec<vk::PresentModeKHR> {
    let others = all.iter().copied().filter(|other| Some(*other) != mode);
    mode.into_iter().chain(others).collect()
}

/// What every call about a window that is gone fails with.
pub(crate) fn lost(surface: &Surface) -> LayerError {
    LayerError::refused(
        vk::Result::ERROR_SURFACE_LOST_KHR,
        format!("the {} is gone", surface.name()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_compatible_with_itself_first_and_with_every_other_once() {
        use vk::PresentModeKHR as M;
        let all = [M::IMMEDIATE, M::MAILBOX, M::FIFO, M::FIFO_RELAXED];
        let list = compatible(Some(M::FIFO), &all);
        assert_eq!(list, [M::FIFO, M::IMMEDIATE, M::MAILBOX, M::FIFO_RELAXED]);
        assert_eq!(compatible(None, &all), all);
    }
}
