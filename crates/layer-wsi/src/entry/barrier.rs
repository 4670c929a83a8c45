//! Commands that can name the layout `PRESENT_SRC_KHR`, hooked where the driver has no such thing.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Doing as _, guard, guard_void};

use super::slice;
use crate::device::DeviceState;
use crate::layouts::{rewrite, rewrite_dependencies};

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
        // SAFETY: VUID-vkCmdPipelineBarrier-pImageMemoryBarriers-parameter.
        let new = rewrite(unsafe { slice(images, image_count) });
        let images = new.as_ref().map_or(images, |new| new.as_ptr());
        let barrier = state.raw.fp_v1_0().cmd_pipeline_barrier;
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe {
            barrier(
                commands,
                src,
                dst,
                flags,
                memory_count,
                memory,
                buffer_count,
                buffers,
                image_count,
                images,
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
        // SAFETY: VUID-vkCmdWaitEvents-pImageMemoryBarriers-parameter.
        let new = rewrite(unsafe { slice(images, image_count) });
        let images = new.as_ref().map_or(images, |new| new.as_ptr());
        let wait = state.raw.fp_v1_0().cmd_wait_events;
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe {
            wait(
                commands,
                event_count,
                events,
                src,
                dst,
                memory_count,
                memory,
                buffer_count,
                buffers,
                image_count,
                images,
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
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
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
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
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
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { (state.raw.fp_v1_3().cmd_wait_events2)(commands, count, events, infos) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn create_render_pass(
    device: vk::Device,
    info: *const vk::RenderPassCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::RenderPass,
) -> vk::Result {
    guard("vkCreateRenderPass", || {
        // SAFETY: VUID-vkCreateRenderPass-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateRenderPass-pCreateInfo-parameter.
        let mut info = unsafe { *info };
        // SAFETY: VUID-VkRenderPassCreateInfo-pAttachments-parameter.
        let new = rewrite(unsafe { slice(info.p_attachments, info.attachment_count) });
        info.p_attachments = new.as_ref().map_or(info.p_attachments, |new| new.as_ptr());
        let create = state.raw.fp_v1_0().create_render_pass;
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { create(device, &info, allocator, out) }.doing("create a render pass")
    })
}

pub(crate) unsafe extern "system" fn create_render_pass2(
    device: vk::Device,
    info: *const vk::RenderPassCreateInfo2<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::RenderPass,
) -> vk::Result {
    guard("vkCreateRenderPass2", || {
        // SAFETY: VUID-vkCreateRenderPass2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateRenderPass2-pCreateInfo-parameter.
        let mut info = unsafe { *info };
        // SAFETY: VUID-VkRenderPassCreateInfo2-pAttachments-parameter.
        let new = rewrite(unsafe { slice(info.p_attachments, info.attachment_count) });
        info.p_attachments = new.as_ref().map_or(info.p_attachments, |new| new.as_ptr());
        let create = state.raw.fp_v1_2().create_render_pass2;
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { create(device, &info, allocator, out) }.doing("create a render pass")
    })
}
