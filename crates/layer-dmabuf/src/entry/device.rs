//! Commands of a device.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::guard_void;

use crate::device;

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
