//! Command buffers and submissions. Nothing runs; everything is done at once.

use ash::vk::{self, Handle};

use super::chain::array;
use super::handles::{self, Kind, Object, dispatchable, make, state_of};
use super::sync::{set_semaphore, signal_fence};

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

pub(super) unsafe extern "system" fn create_command_pool(
    device: vk::Device,
    _: *const vk::CommandPoolCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::CommandPool,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let pool = Object::Pool(Vec::new());
    // SAFETY: VUID-vkCreateCommandPool-pCommandPool-parameter.
    unsafe { make(&state, "vkCreateCommandPool", Kind::CommandPool, pool, out) }
}

pub(super) unsafe extern "system" fn destroy_command_pool(
    device: vk::Device,
    pool: vk::CommandPool,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let gone = state.lock().take("vkDestroyCommandPool", Kind::CommandPool, pool.as_raw());
    if let Some(Object::Pool(buffers)) = gone {
        for buffer in buffers {
            // SAFETY: the pool's own; VUID-vkDestroyCommandPool-commandPool-00041: none runs.
            unsafe { handles::free(buffer) };
        }
    }
}

/// The buffers have no dispatch pointer yet: whoever asks for them sets it.
pub(super) unsafe extern "system" fn allocate_command_buffers(
    device: vk::Device,
    info: *const vk::CommandBufferAllocateInfo<'_>,
    out: *mut vk::CommandBuffer,
) -> vk::Result {
    const COMMAND: &str = "vkAllocateCommandBuffers";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkAllocateCommandBuffers-pAllocateInfo-parameter.
    let info = unsafe { &*info };
    if let Err(code) = state.lock().attempt(COMMAND) {
        return code;
    }
    for i in 0..info.command_buffer_count as usize {
        let buffer = dispatchable(&state, 0, Vec::new());
        let mut inner = state.lock();
        let pool = inner.get(COMMAND, Kind::CommandPool, info.command_pool.as_raw());
        if let Some(Object::Pool(buffers)) = pool {
            buffers.push(buffer);
        }
        // SAFETY: VUID-vkAllocateCommandBuffers-pCommandBuffers-parameter.
        unsafe { out.wrapping_add(i).write(vk::CommandBuffer::from_raw(buffer)) };
    }
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn free_command_buffers(
    device: vk::Device,
    pool: vk::CommandPool,
    count: u32,
    buffers: *const vk::CommandBuffer,
) {
    const COMMAND: &str = "vkFreeCommandBuffers";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkFreeCommandBuffers-pCommandBuffers-00048.
    let gone = unsafe { array(buffers, count) };
    let mut inner = state.lock();
    inner.count(COMMAND);
    let gone: Vec<_> = gone.iter().map(|buffer| buffer.as_raw()).collect();
    if let Some(Object::Pool(buffers)) = inner.get(COMMAND, Kind::CommandPool, pool.as_raw()) {
        buffers.retain(|buffer| !gone.contains(buffer));
    }
    drop(inner);
    for buffer in gone {
        // SAFETY: the pool's own; VUID-vkFreeCommandBuffers-pCommandBuffers-00047: none runs.
        unsafe { handles::free(buffer) };
    }
}

pub(super) unsafe extern "system" fn begin_command_buffer(
    buffer: vk::CommandBuffer,
    _: *const vk::CommandBufferBeginInfo<'_>,
) -> vk::Result {
    // SAFETY: the buffer is live.
    let state = unsafe { state_of(buffer) };
    let attempt = state.lock().attempt("vkBeginCommandBuffer");
    attempt.err().unwrap_or(vk::Result::SUCCESS)
}

pub(super) unsafe extern "system" fn end_command_buffer(buffer: vk::CommandBuffer) -> vk::Result {
    // SAFETY: the buffer is live.
    let state = unsafe { state_of(buffer) };
    let attempt = state.lock().attempt("vkEndCommandBuffer");
    attempt.err().unwrap_or(vk::Result::SUCCESS)
}

/// Looks at the images, and that no layout is one that the driver lacks.
pub(super) unsafe extern "system" fn pipeline_barrier(
    buffer: vk::CommandBuffer,
    _: vk::PipelineStageFlags,
    _: vk::PipelineStageFlags,
    _: vk::DependencyFlags,
    _: u32,
    _: *const vk::MemoryBarrier<'_>,
    _: u32,
    _: *const vk::BufferMemoryBarrier<'_>,
    count: u32,
    barriers: *const vk::ImageMemoryBarrier<'_>,
) {
    // SAFETY: the buffer is live.
    let state = unsafe { state_of(buffer) };
    let mut inner = state.lock();
    inner.count("vkCmdPipelineBarrier");
    // SAFETY: VUID-vkCmdPipelineBarrier-pImageMemoryBarriers-parameter.
    for barrier in unsafe { array(barriers, count) } {
        let image = inner.get("vkCmdPipelineBarrier", Kind::Image, barrier.image.as_raw());
        let has_modifier = matches!(image, Some(Object::Image { modifier: Some(_), .. }));
        // A dma-buf may go to any driver, an opaque handle to this one only.
        let wrong =
            if has_modifier { vk::QUEUE_FAMILY_EXTERNAL } else { vk::QUEUE_FAMILY_FOREIGN_EXT };
        if [barrier.src_queue_family_index, barrier.dst_queue_family_index].contains(&wrong) {
            inner.complain("vkCmdPipelineBarrier: the wrong family outside".to_owned());
        }
        let present = vk::ImageLayout::PRESENT_SRC_KHR;
        let uses = barrier.old_layout == present || barrier.new_layout == present;
        if uses && !state.options.swapchain {
            inner.complain("vkCmdPipelineBarrier: PRESENT_SRC_KHR without a swapchain".to_owned());
        }
    }
}

pub(super) unsafe extern "system" fn queue_submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    const COMMAND: &str = "vkQueueSubmit";
    // SAFETY: the queue is live.
    let state = unsafe { state_of(queue) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    // SAFETY: VUID-vkQueueSubmit-pSubmits-parameter.
    for submit in unsafe { array(submits, count) } {
        // SAFETY: VUID-VkSubmitInfo-pWaitSemaphores-parameter.
        let waits = unsafe { array(submit.p_wait_semaphores, submit.wait_semaphore_count) };
        waits.iter().for_each(|one| set_semaphore(&mut inner, COMMAND, *one, false));
        // SAFETY: VUID-VkSubmitInfo-pSignalSemaphores-parameter.
        let signals = unsafe { array(submit.p_signal_semaphores, submit.signal_semaphore_count) };
        signals.iter().for_each(|one| set_semaphore(&mut inner, COMMAND, *one, true));
    }
    if fence != vk::Fence::null() {
        signal_fence(&mut inner, COMMAND, fence);
    }
    vk::Result::SUCCESS
}
