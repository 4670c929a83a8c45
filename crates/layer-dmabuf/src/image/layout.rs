//! Where the planes of an image of ours lie.

use ash::vk;

use super::Image;
use crate::device::DeviceState;

/// `vkGetImageSubresourceLayout`.
pub(crate) fn layout(
    device: &DeviceState,
    raw: vk::Image,
    image: &Image,
    part: vk::ImageSubresource,
) -> vk::SubresourceLayout {
    let (aspect_mask, index) = image.plane(part.aspect_mask);
    let part = vk::ImageSubresource { aspect_mask, ..part };
    // SAFETY: the image is alive and linear, and has the aspect.
    let mut out = unsafe { device.raw.get_image_subresource_layout(raw, part) };
    out.offset = out.offset.saturating_add(image.shift(index));
    out
}

/// `vkGetImageSubresourceLayout2` with the driver's own command.
///
/// # Safety
///
/// As the command; `out` is the application's, with a chain that is to be filled in.
pub(crate) unsafe fn layout2(
    device: &DeviceState,
    below: vk::PFN_vkGetImageSubresourceLayout2KHR,
    raw: vk::Image,
    image: &Image,
    part: &vk::ImageSubresource2KHR<'_>,
    out: &mut vk::SubresourceLayout2KHR<'_>,
) {
    let (aspect, index) = image.plane(part.image_subresource.aspect_mask);
    let mut part = *part;
    part.image_subresource.aspect_mask = aspect;
    // SAFETY: the arguments are the application's, with an aspect that the driver knows.
    unsafe { below(device.raw.handle(), raw, &part, out) };
    let offset = &mut out.subresource_layout.offset;
    *offset = offset.saturating_add(image.shift(index));
}
