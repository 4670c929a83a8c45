//! Commands that name any object, ours among them: names, tags and private data. Ours stay here.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{Doing as _, guard, guard_void};

use crate::device::DeviceState;

/// Whether handles of this kind can be ours. All swapchains are; a surface or a display that is
/// not is one of a kind that drivers take no name for either.
fn is_ours(kind: vk::ObjectType) -> bool {
    type Kind = vk::ObjectType;
    matches!(
        kind,
        Kind::SURFACE_KHR | Kind::SWAPCHAIN_KHR | Kind::DISPLAY_KHR | Kind::DISPLAY_MODE_KHR
    )
}

/// As [`is_ours`], in the words of `VK_EXT_debug_report`.
fn is_ours_report(kind: vk::DebugReportObjectTypeEXT) -> bool {
    type Kind = vk::DebugReportObjectTypeEXT;
    matches!(
        kind,
        Kind::SURFACE_KHR | Kind::SWAPCHAIN_KHR | Kind::DISPLAY_KHR | Kind::DISPLAY_MODE_KHR
    )
}

pub(crate) unsafe extern "system" fn set_name(
    device: vk::Device,
    info: *const vk::DebugUtilsObjectNameInfoEXT<'_>,
) -> vk::Result {
    guard("vkSetDebugUtilsObjectNameEXT", || {
        // SAFETY: VUID-vkSetDebugUtilsObjectNameEXT-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkSetDebugUtilsObjectNameEXT-pNameInfo-parameter.
        let kind = unsafe { &*info }.object_type;
        match state.below.set_object_name {
            // SAFETY: the arguments are the application's, and the object the driver's.
            Some(set) if !is_ours(kind) => unsafe { set(device, info) }.doing("name an object"),
            _ => Ok(vk::Result::SUCCESS),
        }
    })
}

pub(crate) unsafe extern "system" fn set_tag(
    device: vk::Device,
    info: *const vk::DebugUtilsObjectTagInfoEXT<'_>,
) -> vk::Result {
    guard("vkSetDebugUtilsObjectTagEXT", || {
        // SAFETY: VUID-vkSetDebugUtilsObjectTagEXT-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkSetDebugUtilsObjectTagEXT-pTagInfo-parameter.
        let kind = unsafe { &*info }.object_type;
        match state.below.set_object_tag {
            // SAFETY: the arguments are the application's, and the object the driver's.
            Some(set) if !is_ours(kind) => unsafe { set(device, info) }.doing("tag an object"),
            _ => Ok(vk::Result::SUCCESS),
        }
    })
}

pub(crate) unsafe extern "system" fn marker_name(
    device: vk::Device,
    info: *const vk::DebugMarkerObjectNameInfoEXT<'_>,
) -> vk::Result {
    guard("vkDebugMarkerSetObjectNameEXT", || {
        // SAFETY: VUID-vkDebugMarkerSetObjectNameEXT-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkDebugMarkerSetObjectNameEXT-pNameInfo-parameter.
        let kind = unsafe { &*info }.object_type;
        match state.below.marker_set_name {
            Some(set) if !is_ours_report(kind) => {
                // SAFETY: the arguments are the application's, and the object the driver's.
                unsafe { set(device, info) }.doing("name an object")
            }
            _ => Ok(vk::Result::SUCCESS),
        }
    })
}

pub(crate) unsafe extern "system" fn marker_tag(
    device: vk::Device,
    info: *const vk::DebugMarkerObjectTagInfoEXT<'_>,
) -> vk::Result {
    guard("vkDebugMarkerSetObjectTagEXT", || {
        // SAFETY: VUID-vkDebugMarkerSetObjectTagEXT-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkDebugMarkerSetObjectTagEXT-pTagInfo-parameter.
        let kind = unsafe { &*info }.object_type;
        match state.below.marker_set_tag {
            Some(set) if !is_ours_report(kind) => {
                // SAFETY: the arguments are the application's, and the object the driver's.
                unsafe { set(device, info) }.doing("tag an object")
            }
            _ => Ok(vk::Result::SUCCESS),
        }
    })
}

pub(crate) unsafe extern "system" fn set_private_data(
    device: vk::Device,
    kind: vk::ObjectType,
    object: u64,
    slot: vk::PrivateDataSlot,
    value: u64,
) -> vk::Result {
    guard("vkSetPrivateData", || {
        // SAFETY: VUID-vkSetPrivateData-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if is_ours(kind) {
            state.private_data.insert((slot, object), Arc::new(value));
            return Ok(vk::Result::SUCCESS);
        }
        let set = state.raw.fp_v1_3().set_private_data;
        // SAFETY: the arguments are the application's, and the object the driver's.
        unsafe { set(device, kind, object, slot, value) }.doing("set private data")
    })
}

pub(crate) unsafe extern "system" fn get_private_data(
    device: vk::Device,
    kind: vk::ObjectType,
    object: u64,
    slot: vk::PrivateDataSlot,
    out: *mut u64,
) {
    guard_void("vkGetPrivateData", || {
        // SAFETY: VUID-vkGetPrivateData-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if is_ours(kind) {
            let value = state.private_data.get(&(slot, object)).map_or(0, |value| *value);
            // SAFETY: VUID-vkGetPrivateData-pData-parameter.
            unsafe { *out = value };
            return Ok(());
        }
        // SAFETY: the arguments are the application's, and the object the driver's.
        unsafe { (state.raw.fp_v1_3().get_private_data)(device, kind, object, slot, out) };
        Ok(())
    });
}

/// A slot made later may have the same handle, and holds nothing.
pub(crate) unsafe extern "system" fn destroy_slot(
    device: vk::Device,
    slot: vk::PrivateDataSlot,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyPrivateDataSlot", || {
        // SAFETY: VUID-vkDestroyPrivateDataSlot-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        state.private_data.remove_unless(|(other, _)| *other != slot);
        let destroy = state.raw.fp_v1_3().destroy_private_data_slot;
        // SAFETY: the arguments are the application's.
        unsafe { destroy(device, slot, allocator) };
        Ok(())
    });
}
