//! Render passes, which can name the layout `PRESENT_SRC_KHR`, hooked where the driver has no such thing.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Doing as _, guard};

use super::slice;
use crate::device::DeviceState;
use crate::layouts::rewrite;

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
