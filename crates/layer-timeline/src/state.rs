//! What is below an instance or a device, and the timelines of it that are shared.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ash::{khr, vk};
use zerohop_layer::{DispatchKey, Table};

use crate::mirror::Mirror;

static INSTANCES: Table<DispatchKey, Instance> = Table::new();
static DEVICES: Table<DispatchKey, Device> = Table::new();

/// One `VkInstance`; its functions are found when it is made, since later the loader of Vulkan
/// 1.3.239 would answer with those on top.
pub(crate) struct Instance {
    pub(crate) raw: ash::Instance,
    pub(crate) get: vk::PFN_vkGetInstanceProcAddr,
}

/// One `VkDevice`.
pub(crate) struct Device {
    pub(crate) raw: ash::Device,
    pub(crate) get: vk::PFN_vkGetDeviceProcAddr,
    /// The driver's own, if it has the extension: for what is not ours.
    pub(crate) below: Option<khr::external_semaphore_fd::DeviceFn>,
    mirrors: Mutex<HashMap<vk::Semaphore, Mirror>>,
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
    pub(crate) fn new(
        raw: ash::Device,
        get: vk::PFN_vkGetDeviceProcAddr,
        below: Option<khr::external_semaphore_fd::DeviceFn>,
    ) -> Self {
        Self { raw, get, below, mirrors: Mutex::default() }
    }

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

    /// The timelines that are shared.
    pub(crate) fn mirrors(&self) -> MutexGuard<'_, HashMap<vk::Semaphore, Mirror>> {
        self.mirrors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a timeline is; 0 on a lost device.
    pub(crate) fn value(&self, semaphore: vk::Semaphore) -> u64 {
        // SAFETY: a mirror ends before its semaphore and its device.
        unsafe { self.raw.get_semaphore_counter_value(semaphore) }.unwrap_or_default()
    }

    /// Waits for it on the CPU, `timeout` at most.
    pub(crate) fn wait(&self, semaphore: vk::Semaphore, value: u64, timeout: Duration) {
        let (semaphores, values) = ([semaphore], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        let timeout = timeout.as_nanos() as u64;
        // SAFETY: as above.
        let waited = unsafe { self.raw.wait_semaphores(&info, timeout) };
        if !matches!(waited, Ok(()) | Err(vk::Result::TIMEOUT)) {
            // A lost device answers at once.
            std::thread::sleep(Duration::from_nanos(timeout));
        }
    }

    /// Signals it, unless it was there before.
    pub(crate) fn raise(&self, semaphore: vk::Semaphore, value: u64) {
        if self.value(semaphore) >= value {
            return;
        }
        let info = vk::SemaphoreSignalInfo::default().semaphore(semaphore).value(value);
        // SAFETY: as above; it only grows. A lost device is nobody's concern here.
        let _ = unsafe { self.raw.signal_semaphore(&info) };
    }
}
