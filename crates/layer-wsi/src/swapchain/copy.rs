//! The commands that copy a picture out of its image.

use ash::vk;
use vk::{AccessFlags as A, PipelineStageFlags as S};

use super::staging::Staging;
use crate::device::DeviceState;

/// Nobody's: the image and the buffer stay with whoever has them.
const STAYS: u32 = vk::QUEUE_FAMILY_IGNORED;

/// Copies `image`, which the application has left for presenting, into `staging`, and leaves it as
/// it was.
pub(super) fn copy(
    device: &DeviceState,
    buffer: vk::CommandBuffer,
    image: vk::Image,
    staging: &Staging,
) {
    let (raw, none) = (&device.raw, vk::DependencyFlags::empty());
    let (home, source) = (device.present_layout, vk::ImageLayout::TRANSFER_SRC_OPTIMAL);
    let (picture, rows) = (picture(image), rows(staging));
    let before = picture
        .src_access_mask(A::MEMORY_WRITE)
        .dst_access_mask(A::TRANSFER_READ)
        .old_layout(home)
        .new_layout(source);
    let again = rows.dst_access_mask(A::TRANSFER_WRITE);
    let (from, to) = (S::ALL_COMMANDS, S::TRANSFER);
    // SAFETY: the buffer is being recorded, and what is named outlives it.
    unsafe { raw.cmd_pipeline_barrier(buffer, from, to, none, &[], &[again], &[before]) };
    let region = [staging.region()];
    // SAFETY: as above; the region is the picture's, and fits the buffer.
    unsafe { raw.cmd_copy_image_to_buffer(buffer, image, source, staging.buffer(), &region) };
    let after = picture
        .dst_access_mask(A::MEMORY_READ | A::MEMORY_WRITE)
        .old_layout(source)
        .new_layout(home);
    let seen = rows.dst_access_mask(A::HOST_READ);
    let to = S::ALL_COMMANDS | S::HOST;
    // SAFETY: as above.
    unsafe { raw.cmd_pipeline_barrier(buffer, S::TRANSFER, to, none, &[], &[seen], &[after]) };
}

/// A barrier on layer 0 of `image`.
fn picture(image: vk::Image) -> vk::ImageMemoryBarrier<'static> {
    let range = vk::ImageSubresourceRange {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        level_count: 1,
        layer_count: 1,
        ..Default::default()
    };
    vk::ImageMemoryBarrier::default()
        .image(image)
        .subresource_range(range)
        .src_queue_family_index(STAYS)
        .dst_queue_family_index(STAYS)
}

/// A barrier after a copy into `staging`.
fn rows(staging: &Staging) -> vk::BufferMemoryBarrier<'static> {
    vk::BufferMemoryBarrier::default()
        .buffer(staging.buffer())
        .size(vk::WHOLE_SIZE)
        .src_access_mask(A::TRANSFER_WRITE)
        .src_queue_family_index(STAYS)
        .dst_queue_family_index(STAYS)
}
