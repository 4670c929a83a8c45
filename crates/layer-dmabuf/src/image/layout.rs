//! Where the planes of an image of ours lie.

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_layer::{Doing, LayerError};

use super::below::Below;
use super::format::rows_of;
use super::{Image, Layouts, MAX_PLANES};
use crate::device::{DeviceState, Help};

/// Where the planes of a linear image lie, before it is bound and ever after.
///
/// The specification has one answer for both. llvmpipe of Mesa 25.0.7 says that all planes begin at
/// 0 until the image is bound; it is then asked about a sample that is.
///
/// # Errors
///
/// No sample can be made.
pub(super) fn own_layouts(
    device: &DeviceState,
    help: &Help,
    below: &Below<'_>,
    (raw, aspects): (vk::Image, &[vk::ImageAspectFlags]),
) -> Result<Layouts, LayerError> {
    let asked = asked_layouts(device, raw, aspects);
    let mut pairs = asked.iter().zip(asked.iter().skip(1));
    let overlap = pairs.any(|(one, next)| next.offset < one.offset.saturating_add(one.size));
    if !overlap || below.is_disjoint() {
        return Ok(asked);
    }
    let sample = below.create_plain(device)?;
    let found = bound_layouts(device, help, sample, aspects);
    below.destroy(device, sample);
    found
}

/// What the driver says of each plane.
pub(super) fn asked_layouts(
    device: &DeviceState,
    raw: vk::Image,
    aspects: &[vk::ImageAspectFlags],
) -> Layouts {
    let parts = aspects.iter().map(|aspect| vk::ImageSubresource::default().aspect_mask(*aspect));
    // SAFETY: the image is alive and linear, and has these aspects.
    parts.map(|part| unsafe { device.raw.get_image_subresource_layout(raw, part) }).collect()
}

/// What it says once `sample` has memory, which is freed again.
fn bound_layouts(
    device: &DeviceState,
    help: &Help,
    sample: vk::Image,
    aspects: &[vk::ImageAspectFlags],
) -> Result<Layouts, LayerError> {
    // SAFETY: the image is alive and not disjoint.
    let needs = unsafe { device.raw.get_image_memory_requirements(sample) };
    // Any type will do, which is at least one (`VkMemoryRequirements`).
    let types = match needs.memory_type_bits & help.memory_types {
        0 => needs.memory_type_bits,
        ours => ours,
    };
    let info = vk::MemoryAllocateInfo::default()
        .allocation_size(needs.size)
        .memory_type_index(types.trailing_zeros());
    // SAFETY: `info` has no chain.
    let memory = unsafe { device.raw.allocate_memory(&info, None) }
        .doing("allocate the memory of a sample")?;
    // SAFETY: the image has no memory yet.
    let bound = unsafe { device.raw.bind_image_memory(sample, memory, 0) };
    let found = bound.map(|()| asked_layouts(device, sample, aspects));
    // SAFETY: the sample is never used, and destroyed next.
    unsafe { device.raw.free_memory(memory, None) };
    found.doing("bind the memory of a sample")
}

/// Where the pixels of each plane end.
pub(super) fn ends_of(info: &vk::ImageCreateInfo<'_>, own: &Layouts) -> ArrayVec<u64, MAX_PLANES> {
    let layers = u64::from(info.array_layers.max(1) - 1);
    let end = |(index, plane): (usize, &vk::SubresourceLayout)| {
        let (rows, row) = rows_of(info.format, index, info.extent);
        let layer = layers.saturating_mul(plane.array_pitch);
        let last = rows.saturating_sub(1).saturating_mul(plane.row_pitch);
        plane.offset.saturating_add(layer).saturating_add(last).saturating_add(row)
    };
    own.iter().enumerate().map(end).collect()
}

impl Image {
    /// Where plane `index` lies for the application, when the driver says `theirs`.
    fn seen(
        &self,
        index: usize,
        part: &vk::ImageSubresource,
        mut theirs: vk::SubresourceLayout,
    ) -> vk::SubresourceLayout {
        if let Some(own) = self.own.get(index).filter(|_| part.mip_level + part.array_layer == 0) {
            theirs.offset = own.offset;
        }
        theirs.offset = theirs.offset.saturating_add(self.shift(index));
        theirs
    }
}

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
    let theirs = unsafe { device.raw.get_image_subresource_layout(raw, part) };
    image.seen(index, &part, theirs)
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
    out.subresource_layout = image.seen(index, &part.image_subresource, out.subresource_layout);
}
