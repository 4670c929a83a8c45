//! Commands of a device.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::guard_void;

use crate::device::{self, DeviceState};

pub(crate) unsafe extern "system" fn destroy_device(
    device: vk::Device,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyDevice", || {
        if device != vk::Device::null() {
            // SAFETY: the command's own valid usage.
            unsafe { device::destroy(device, allocator) };
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn get_device_queue(
    device: vk::Device,
    family: u32,
    index: u32,
    out: *mut vk::Queue,
) {
    guard_void("vkGetDeviceQueue", || {
        // SAFETY: VUID-vkGetDeviceQueue-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().get_device_queue)(device, family, index, out) };
        // SAFETY: VUID-vkGetDeviceQueue-pQueue-parameter.
        state.learn_queue(unsafe { *out }, family);
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn get_device_queue2(
    device: vk::Device,
    info: *const vk::DeviceQueueInfo2<'_>,
    out: *mut vk::Queue,
) {
    guard_void("vkGetDeviceQueue2", || {
        // SAFETY: VUID-vkGetDeviceQueue2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_1().get_device_queue2)(device, info, out) };
        // SAFETY: VUID-vkGetDeviceQueue2-pQueueInfo-parameter.
        let family = unsafe { &*info }.queue_family_index;
        // SAFETY: VUID-vkGetDeviceQueue2-pQueue-parameter.
        state.learn_queue(unsafe { *out }, family);
        Ok(())
    });
}
