//! What is kept of a device.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ash::vk;
use zerohop_layer::LayerError;
use zerohop_layer::thin::{Below, Tables, Thin};

use crate::commands;

static TABLES: Tables<Device> = Tables::new();

/// One `VkDevice`.
pub(crate) struct Device {
    pub(crate) raw: ash::Device,
    pub(crate) get: vk::PFN_vkGetDeviceProcAddr,
    /// `vkQueueSubmit2KHR`, which `raw` has under its newer name only.
    pub(crate) synchronization2: ash::khr::synchronization2::DeviceFn,
    /// How often something was submitted to it.
    pub(crate) submissions: AtomicU64,
    /// How often memory was allocated on it.
    pub(crate) allocations: AtomicU64,
}

impl Thin for Device {
    fn tables() -> &'static Tables<Self> {
        &TABLES
    }

    fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
        commands::instance_hook(name)
    }

    fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
        commands::device_hook(name)
    }

    unsafe fn create(
        physical: vk::PhysicalDevice,
        info: &vk::DeviceCreateInfo<'_>,
        allocator: *const vk::AllocationCallbacks<'_>,
        out: *mut vk::Device,
    ) -> Result<vk::Result, LayerError> {
        // SAFETY: the caller's promise.
        unsafe { commands::create_device(physical, info, allocator, out) }
    }

    fn below(&self) -> (&ash::Device, vk::PFN_vkGetDeviceProcAddr) {
        (&self.raw, self.get)
    }
}

/// What is below the instance of `physical`.
///
/// # Safety
///
/// It is live.
pub(crate) unsafe fn below(physical: vk::PhysicalDevice) -> Result<Arc<Below>, LayerError> {
    // SAFETY: the caller's promise.
    unsafe { TABLES.instance(physical) }
}

/// Whose `handle` is.
///
/// # Safety
///
/// It is live.
pub(crate) unsafe fn device<H: vk::Handle>(handle: H) -> Result<Arc<Device>, LayerError> {
    // SAFETY: the caller's promise.
    unsafe { TABLES.device(handle) }
}
