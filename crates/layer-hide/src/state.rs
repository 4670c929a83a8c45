//! What is below an instance or a device.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ash::vk;
use zerohop_layer::{DispatchKey, Table};

static INSTANCES: Table<DispatchKey, Instance> = Table::new();
static DEVICES: Table<DispatchKey, Device> = Table::new();

/// One `VkInstance`; its functions are found when it is made, since later the loader of Vulkan
/// 1.3.239 would answer with those on top.
pub(crate) struct Instance {
    pub(crate) raw: ash::Instance,
    pub(crate) get: vk::PFN_vkGetInstanceProcAddr,
    pub(crate) surface: ash::khr::surface::InstanceFn,
}

/// One `VkDevice`.
pub(crate) struct Device {
    pub(crate) raw: ash::Device,
    pub(crate) get: vk::PFN_vkGetDeviceProcAddr,
    /// `vkQueueSubmit2KHR`, which `raw` has under its newer name only.
    pub(crate) synchronization2: ash::khr::synchronization2::DeviceFn,
    /// How often something was submitted to it.
    pub(crate) submissions: AtomicU64,
}

impl Instance {
    /// Whose `handle` is.
    ///
    /// # Safety
    ///
    /// It is live.
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Option<Arc<Self>> {
        // SAFETY: the caller's promise.
        INSTANCES.get(&unsafe { DispatchKey::of(handle) })
    }

    /// Remembers it.
    pub(crate) fn keep(self) {
        // SAFETY: the next layer has just made it.
        let key = unsafe { DispatchKey::of(self.raw.handle()) };
        INSTANCES.insert(key, Arc::new(self));
    }

    /// As [`Instance::of`], and forgets it.
    ///
    /// # Safety
    ///
    /// As [`Instance::of`].
    pub(crate) unsafe fn forget(handle: vk::Instance) -> Option<Arc<Self>> {
        // SAFETY: the caller's promise.
        INSTANCES.remove(&unsafe { DispatchKey::of(handle) })
    }

    /// What is below under `name`.
    pub(crate) fn next(&self, name: &CStr) -> vk::PFN_vkVoidFunction {
        // SAFETY: the instance is live, and `name` ends with a NUL.
        unsafe { (self.get)(self.raw.handle(), name.as_ptr()) }
    }
}

impl Device {
    /// As [`Instance::of`].
    ///
    /// # Safety
    ///
    /// As there.
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Option<Arc<Self>> {
        // SAFETY: the caller's promise.
        DEVICES.get(&unsafe { DispatchKey::of(handle) })
    }

    /// Remembers it.
    pub(crate) fn keep(self) {
        // SAFETY: the next layer has just made it.
        let key = unsafe { DispatchKey::of(self.raw.handle()) };
        DEVICES.insert(key, Arc::new(self));
    }

    /// As [`Instance::forget`].
    ///
    /// # Safety
    ///
    /// As there.
    pub(crate) unsafe fn forget(handle: vk::Device) -> Option<Arc<Self>> {
        // SAFETY: the caller's promise.
        DEVICES.remove(&unsafe { DispatchKey::of(handle) })
    }

    /// As [`Instance::next`].
    pub(crate) fn next(&self, name: &CStr) -> vk::PFN_vkVoidFunction {
        // SAFETY: the device is live, and `name` ends with a NUL.
        unsafe { (self.get)(self.raw.handle(), name.as_ptr()) }
    }
}
