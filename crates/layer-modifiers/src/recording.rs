//! Command buffers: who has what they name.

use ash::vk;
use zerohop_layer::{guard, guard_void, slice};

use crate::owners::Object;
use crate::state::Device;

pub(crate) unsafe extern "system" fn begin(
    commands: vk::CommandBuffer,
    info: *const vk::CommandBufferBeginInfo<'_>,
) -> vk::Result {
    guard("vkBeginCommandBuffer", || {
        // SAFETY: VUID-vkBeginCommandBuffer-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        state.owners().begin(commands);
        // SAFETY: the caller's arguments.
        Ok(unsafe { (state.raw.fp_v1_0().begin_command_buffer)(commands, info) })
    })
}

pub(crate) unsafe extern "system" fn end(commands: vk::CommandBuffer) -> vk::Result {
    guard("vkEndCommandBuffer", || {
        // SAFETY: VUID-vkEndCommandBuffer-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        // SAFETY: the caller's argument.
        let code = unsafe { (state.raw.fp_v1_0().end_command_buffer)(commands) };
        state.owners().end(commands)?;
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn pipeline_barrier(
    commands: vk::CommandBuffer,
    before: vk::PipelineStageFlags,
    after: vk::PipelineStageFlags,
    flags: vk::DependencyFlags,
    memories: u32,
    memory: *const vk::MemoryBarrier<'_>,
    buffers: u32,
    buffer: *const vk::BufferMemoryBarrier<'_>,
    images: u32,
    image: *const vk::ImageMemoryBarrier<'_>,
) {
    guard_void("vkCmdPipelineBarrier", || {
        // SAFETY: VUID-vkCmdPipelineBarrier-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        let mut owners = state.owners();
        // SAFETY: VUID-vkCmdPipelineBarrier-pBufferMemoryBarriers-parameter.
        for one in unsafe { slice(buffer, buffers) } {
            let families = (one.src_queue_family_index, one.dst_queue_family_index);
            owners.pass(commands, Object::Buffer(one.buffer), families, false);
        }
        // SAFETY: VUID-vkCmdPipelineBarrier-pImageMemoryBarriers-parameter.
        for one in unsafe { slice(image, images) } {
            let families = (one.src_queue_family_index, one.dst_queue_family_index);
            let anew = one.old_layout == vk::ImageLayout::UNDEFINED;
            owners.pass(commands, Object::Image(one.image), families, anew);
        }
        drop(owners);
        let below = state.raw.fp_v1_0().cmd_pipeline_barrier;
        // SAFETY: the caller's arguments.
        unsafe {
            below(commands, before, after, flags, memories, memory, buffers, buffer, images, image);
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn fill(
    commands: vk::CommandBuffer,
    buffer: vk::Buffer,
    offset: vk::DeviceSize,
    size: vk::DeviceSize,
    word: u32,
) {
    guard_void("vkCmdFillBuffer", || {
        // SAFETY: VUID-vkCmdFillBuffer-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        state.owners().uses(commands, Object::Buffer(buffer));
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().cmd_fill_buffer)(commands, buffer, offset, size, word) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn copy(
    commands: vk::CommandBuffer,
    from: vk::Buffer,
    to: vk::Buffer,
    count: u32,
    regions: *const vk::BufferCopy,
) {
    guard_void("vkCmdCopyBuffer", || {
        // SAFETY: VUID-vkCmdCopyBuffer-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        state.owners().uses(commands, Object::Buffer(from));
        state.owners().uses(commands, Object::Buffer(to));
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().cmd_copy_buffer)(commands, from, to, count, regions) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn copy_in(
    commands: vk::CommandBuffer,
    from: vk::Buffer,
    to: vk::Image,
    layout: vk::ImageLayout,
    count: u32,
    regions: *const vk::BufferImageCopy,
) {
    guard_void("vkCmdCopyBufferToImage", || {
        // SAFETY: VUID-vkCmdCopyBufferToImage-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        state.owners().uses(commands, Object::Buffer(from));
        state.owners().uses(commands, Object::Image(to));
        let below = state.raw.fp_v1_0().cmd_copy_buffer_to_image;
        // SAFETY: the caller's arguments.
        unsafe { below(commands, from, to, layout, count, regions) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn copy_out(
    commands: vk::CommandBuffer,
    from: vk::Image,
    layout: vk::ImageLayout,
    to: vk::Buffer,
    count: u32,
    regions: *const vk::BufferImageCopy,
) {
    guard_void("vkCmdCopyImageToBuffer", || {
        // SAFETY: VUID-vkCmdCopyImageToBuffer-commandBuffer-parameter.
        let state = unsafe { Device::of(commands) }?;
        state.owners().uses(commands, Object::Image(from));
        state.owners().uses(commands, Object::Buffer(to));
        let below = state.raw.fp_v1_0().cmd_copy_image_to_buffer;
        // SAFETY: the caller's arguments.
        unsafe { below(commands, from, layout, to, count, regions) };
        Ok(())
    });
}
