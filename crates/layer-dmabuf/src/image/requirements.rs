//! What an image of ours needs.

use ash::vk;
use zerohop_layer::chain;

use super::{Image, Shape};
use crate::device::{DeviceState, Help};

/// Makes what the driver needs what the application is to allocate: of types that take mapped
/// memory, and in the driver's units.
pub(crate) fn adjust(help: &Help, needs: &mut vk::MemoryRequirements) {
    needs.memory_type_bits &= help.memory_types;
    needs.size = needs.size.checked_next_multiple_of(help.emulation.alignment).unwrap_or(u64::MAX);
}

/// As [`adjust`], and what is ours is never dedicated.
///
/// # Safety
///
/// `out` is the application's, with a chain that is to be filled in.
pub(crate) unsafe fn adjust2(help: &Help, out: &mut vk::MemoryRequirements2<'_>) {
    adjust(help, &mut out.memory_requirements);
    // SAFETY: the caller's promise.
    let dedicated = unsafe { chain::get_mut::<vk::MemoryDedicatedRequirements<'_>>(out.p_next) };
    if let Some(dedicated) = dedicated {
        dedicated.requires_dedicated_allocation = vk::FALSE;
    }
}

/// What one plane of a disjoint image of the driver's needs.
pub(super) fn of_plane(
    device: &DeviceState,
    raw: vk::Image,
    aspect: vk::ImageAspectFlags,
) -> vk::MemoryRequirements {
    let mut plane = vk::ImagePlaneMemoryRequirementsInfo::default().plane_aspect(aspect);
    let info = vk::ImageMemoryRequirementsInfo2::default().image(raw).push_next(&mut plane);
    let mut out = vk::MemoryRequirements2::default();
    // SAFETY: the image is alive and disjoint.
    unsafe { device.raw.get_image_memory_requirements2(&info, &mut out) };
    out.memory_requirements
}

/// `vkGetImageMemoryRequirements`.
pub(crate) fn requirements(
    device: &DeviceState,
    help: &Help,
    raw: vk::Image,
    image: &Image,
) -> vk::MemoryRequirements {
    let mut needs = match &image.shape {
        Shape::Split { needs, .. } => *needs,
        _ => {
            // SAFETY: the image is alive, and not disjoint (VUID-vkGetImageMemoryRequirements-
            // image-01588).
            let mut needs = unsafe { device.raw.get_image_memory_requirements(raw) };
            needs.size = needs.size.saturating_add(image.shift(0));
            needs
        }
    };
    if image.external {
        adjust(help, &mut needs);
    }
    needs
}

/// `vkGetImageMemoryRequirements2`; `aspect` is the plane that was asked for.
///
/// # Safety
///
/// `out` is the application's, with a chain that is to be filled in.
pub(crate) unsafe fn requirements2(
    device: &DeviceState,
    help: &Help,
    raw: vk::Image,
    image: &Image,
    aspect: Option<vk::ImageAspectFlags>,
    out: &mut vk::MemoryRequirements2<'_>,
) {
    let split = matches!(image.shape, Shape::Split { .. });
    let (name, index) = match aspect {
        Some(aspect) => image.plane(aspect),
        None => (image.aspects.first().copied().unwrap_or_default(), 0),
    };
    let mut plane = vk::ImagePlaneMemoryRequirementsInfo::default().plane_aspect(name);
    let mut info = vk::ImageMemoryRequirementsInfo2::default().image(raw);
    if aspect.is_some() || split {
        info = info.push_next(&mut plane);
    }
    let below = device.raw.fp_v1_1().get_image_memory_requirements2;
    // SAFETY: the image is alive, and the plane one of its own.
    unsafe { below(device.raw.handle(), &info, out) };
    let needs = &mut out.memory_requirements;
    if let Shape::Split { needs: all, .. } = &image.shape {
        *needs = *all;
    } else {
        needs.size = needs.size.saturating_add(image.shift(index));
    }
    if image.external {
        // SAFETY: the caller's promise.
        unsafe { adjust2(help, out) };
    }
}
