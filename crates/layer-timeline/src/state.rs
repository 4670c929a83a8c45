//! What is kept of a device: the timelines of it that are shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ash::{khr, vk};
use zerohop_layer::LayerError;
use zerohop_layer::thin::{Tables, Thin};

use crate::commands;
use crate::mirror::Mirror;

static TABLES: Tables<Device> = Tables::new();

/// One `VkDevice`.
pub(crate) struct Device {
    pub(crate) raw: ash::Device,
    pub(crate) get: vk::PFN_vkGetDeviceProcAddr,
    /// The driver's own, if it has the extension: for what is not ours.
    pub(crate) theirs: Option<khr::external_semaphore_fd::DeviceFn>,
    mirrors: Mutex<HashMap<vk::Semaphore, Mirror>>,
}

impl Thin for Device {
    fn tables() -> &'static Tables<Self> {
        &TABLES
    }

    fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
        commands::instance(name)
    }

    fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
        commands::device(name)
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

    /// A mirror ends before its semaphore and its device.
    fn end(&self) {
        self.mirrors().clear();
    }
}

impl Device {
    pub(crate) fn new(
        raw: ash::Device,
        get: vk::PFN_vkGetDeviceProcAddr,
        theirs: Option<khr::external_semaphore_fd::DeviceFn>,
    ) -> Self {
        Self { raw, get, theirs, mirrors: Mutex::default() }
    }

    /// Whose `handle` is.
    ///
    /// # Safety
    ///
    /// It is live.
    pub(crate) unsafe fn of<H: vk::Handle>(handle: H) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        unsafe { TABLES.device(handle) }
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
