//! Commands that can name the queue family `FOREIGN`, hooked where the driver has no such family.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Names, guard_void, slice};

use crate::device::DeviceState;
use crate::foreign::{Foreign, rewrite, rewrite_dependencies};

/// An array as it goes down: the application's, or a copy that this keeps.
struct Array<T> {
    first: *const T,
    _copy: Option<Vec<T>>,
}

impl<T: Names<Foreign>> Array<T> {
    /// # Safety
    ///
    /// `first` is null or points to `count`.
    unsafe fn new(first: *const T, count: u32) -> Self {
        // SAFETY: the caller's promise.
        let copy = rewrite(unsafe { slice(first, count) });
        Self { first: copy.as_ref().map_or(first, |copy| copy.as_ptr()), _copy: copy }
    }
}

#[allow(clippy::too_many_arguments, reason = "as many as the command has")]
pub(crate) unsafe extern "system" fn pipeline_barrier(
    commands: vk::CommandBuffer,
    src: vk::PipelineStageFlags,
    dst: vk::PipelineStageFlags,
    flags: vk::DependencyFlags,
    memory_count: u32,
    memory: *const vk::MemoryBarrier<'_>,
    buffer_count: u32,
    buffers: *const vk::BufferMemoryBarrier<'_>,
    image_count: u32,
    images: *const vk::ImageMemoryBarrier<'_>,
) {
    guard_void("vkCmdPipelineBarrier", || {
        // SAFETY: VUID-vkCmdPipelineBarrier-commandBuffer-parameter.
        let state = unsafe { DeviceState::of(commands) }?;
        // SAFETY: VUID-vkCmdPipelineBarrier-pBufferMemoryBarriers-parameter.
        let buffers = unsafe { Array::new(buffers, buffer_count) };
        // SAFETY: VUID-vkCmdPipelineBarrier-pImageMemoryBarriers-parameter.
        let images = unsafe { Array::new(images, image_count) };
        let below = state.raw.fp_v1_0().cmd_pipeline_barrier;
        // SAFETY: the arguments are the application's, but for a family that the driver knows.
        unsafe {
            below(
                commands,
                src,
                dst,
                flags,
                memory_count,
                memory,
                buffer_count,
                buffers.first,
                image_count,
                images.first,
            );
        };
        Ok(())
    });
}

#[allow(clippy::too_many_arguments, reason = "as many as the command has")]
pub(crate) unsafe extern "system" fn wait_events(
    commands: vk::CommandBuffer,
    event_count: u32,
    events: *const vk::Event,
    src: vk::PipelineStageFlags,
    dst: vk::PipelineStageFlags,
    memory_count: u32,
    memory: *const vk::MemoryBarrier<'_>,
    buffer_count: u32,
    buffers: *const vk::BufferMemoryBarrier<'_>,
    image_count: u32,
    images: *const vk::ImageMemoryBarrier<'_>,
) {
    guard_void("vkCmdWaitEvents", || {
        // SAFETY: VUID-vkCmdWaitEvents-commandBuffer-parameter.
        let state = unsafe { DeviceState::of(commands) }?;
        // SAFETY: VUID-vkCmdWaitEvents-pBufferMemoryBarriers-parameter.
        let buffers = unsafe { Array::new(buffers, buffer_count) };
        // SAFETY: VUID-vkCmdWaitEvents-pImageMemoryBarriers-parameter.
        let images = unsafe { Array::new(images, image_count) };
        let below = state.raw.fp_v1_0().cmd_wait_events;
        // SAFETY: the arguments are the application's, but for a family that the driver knows.
        unsafe {
            below(
                commands,
                event_count,
                events,
                src,
                dst,
                memory_count,
                memory,
                buffer_count,
                buffers.first,
                image_count,
                images.first,
            );
        };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn pipeline_barrier2(
    commands: vk::CommandBuffer,
    info: *const vk::DependencyInfo<'_>,
) {
    guard_void("vkCmdPipelineBarrier2", || {
        // SAFETY: VUID-vkCmdPipelineBarrier2-commandBuffer-parameter.
        let state = unsafe { DeviceState::of(commands) }?;
        // SAFETY: VUID-vkCmdPipelineBarrier2-pDependencyInfo-parameter.
        let asked = unsafe { slice(info, 1) };
        // SAFETY: the arrays are the application's (VUID-VkDependencyInfo-*-parameter).
        let new = unsafe { rewrite_dependencies(asked) };
        let info = new.as_ref().map_or(info, |new| new.infos.as_ptr());
        // SAFETY: the arguments are the application's, but for a family that the driver knows.
        unsafe { (state.raw.fp_v1_3().cmd_pipeline_barrier2)(commands, info) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn set_event2(
    commands: vk::CommandBuffer,
    event: vk::Event,
    info: *const vk::DependencyInfo<'_>,
) {
    guard_void("vkCmdSetEvent2", || {
        // SAFETY: VUID-vkCmdSetEvent2-commandBuffer-parameter.
        let state = unsafe { DeviceState::of(commands) }?;
        // SAFETY: VUID-vkCmdSetEvent2-pDependencyInfo-parameter.
        let asked = unsafe { slice(info, 1) };
        // SAFETY: the arrays are the application's (VUID-VkDependencyInfo-*-parameter).
        let new = unsafe { rewrite_dependencies(asked) };
        let info = new.as_ref().map_or(info, |new| new.infos.as_ptr());
        // SAFETY: the arguments are the application's, but for a family that the driver knows.
        unsafe { (state.raw.fp_v1_3().cmd_set_event2)(commands, event, info) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn wait_events2(
    commands: vk::CommandBuffer,
    count: u32,
    events: *const vk::Event,
    infos: *const vk::DependencyInfo<'_>,
) {
    guard_void("vkCmdWaitEvents2", || {
        // SAFETY: VUID-vkCmdWaitEvents2-commandBuffer-parameter.
        let state = unsafe { DeviceState::of(commands) }?;
        // SAFETY: VUID-vkCmdWaitEvents2-pDependencyInfos-parameter.
        let asked = unsafe { slice(infos, count) };
        // SAFETY: the arrays are the application's (VUID-VkDependencyInfo-*-parameter).
        let new = unsafe { rewrite_dependencies(asked) };
        let infos = new.as_ref().map_or(infos, |new| new.infos.as_ptr());
        // SAFETY: the arguments are the application's, but for a family that the driver knows.
        unsafe { (state.raw.fp_v1_3().cmd_wait_events2)(commands, count, events, infos) };
        Ok(())
    });
}
