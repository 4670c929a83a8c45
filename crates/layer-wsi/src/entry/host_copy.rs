//! Commands that change or copy images on the host, hooked where the driver has no layout
//! `PRESENT_SRC_KHR`.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Doing as _, guard};

use super::slice;
use crate::device::DeviceState;
use crate::layouts::rewrite;

pub(crate) unsafe extern "system" fn transition_layout(
    device: vk::Device,
    count: u32,
    transitions: *const vk::HostImageLayoutTransitionInfoEXT<'_>,
) -> vk::Result {
    guard("vkTransitionImageLayout", || {
        // SAFETY: VUID-vkTransitionImageLayout-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkTransitionImageLayout-pTransitions-parameter.
        let new = rewrite(unsafe { slice(transitions, count) });
        let transitions = new.as_ref().map_or(transitions, |new| new.as_ptr());
        let Some(transition) = state.below.transition_layout else {
            return Ok(vk::Result::ERROR_FEATURE_NOT_PRESENT);
        };
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { transition(device, count, transitions) }.doing("change layouts on the host")
    })
}

pub(crate) unsafe extern "system" fn copy_memory_to_image(
    device: vk::Device,
    info: *const vk::CopyMemoryToImageInfoEXT<'_>,
) -> vk::Result {
    guard("vkCopyMemoryToImage", || {
        // SAFETY: VUID-vkCopyMemoryToImage-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the command's own info parameter.
        let new = rewrite(unsafe { slice(info, 1) });
        let info = new.as_ref().map_or(info, |new| new.as_ptr());
        let Some(copy) = state.below.copy_memory_to_image else {
            return Ok(vk::Result::ERROR_FEATURE_NOT_PRESENT);
        };
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { copy(device, info) }.doing("copy into an image on the host")
    })
}

pub(crate) unsafe extern "system" fn copy_image_to_memory(
    device: vk::Device,
    info: *const vk::CopyImageToMemoryInfoEXT<'_>,
) -> vk::Result {
    guard("vkCopyImageToMemory", || {
        // SAFETY: VUID-vkCopyImageToMemory-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the command's own info parameter.
        let new = rewrite(unsafe { slice(info, 1) });
        let info = new.as_ref().map_or(info, |new| new.as_ptr());
        let Some(copy) = state.below.copy_image_to_memory else {
            return Ok(vk::Result::ERROR_FEATURE_NOT_PRESENT);
        };
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { copy(device, info) }.doing("copy out of an image on the host")
    })
}

pub(crate) unsafe extern "system" fn copy_image_to_image(
    device: vk::Device,
    info: *const vk::CopyImageToImageInfoEXT<'_>,
) -> vk::Result {
    guard("vkCopyImageToImage", || {
        // SAFETY: VUID-vkCopyImageToImage-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the command's own info parameter.
        let new = rewrite(unsafe { slice(info, 1) });
        let info = new.as_ref().map_or(info, |new| new.as_ptr());
        let Some(copy) = state.below.copy_image_to_image else {
            return Ok(vk::Result::ERROR_FEATURE_NOT_PRESENT);
        };
        // SAFETY: the arguments are the application's, but for a layout that the driver knows.
        unsafe { copy(device, info) }.doing("copy an image on the host")
    })
}
