//! A device that gives memory so many times: who takes some for every picture comes to an end.

use std::sync::atomic::Ordering;

use ash::vk;
use zerohop_layer::{LayerError, guard};

use crate::hidden::Hidden;
use crate::state::{Device, device};

impl Device {
    /// Counts an allocation.
    fn allocates(&self) -> Result<(), LayerError> {
        let most = Hidden::get().memory.unwrap_or(u64::MAX);
        if self.allocations.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(());
        }
        let what = format!("memory was given {most} times, as a test asks for");
        Err(LayerError::refused(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, what))
    }
}

pub(crate) unsafe extern "system" fn allocate(
    handle: vk::Device,
    info: *const vk::MemoryAllocateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::DeviceMemory,
) -> vk::Result {
    guard("vkAllocateMemory", || {
        // SAFETY: VUID-vkAllocateMemory-device-parameter.
        let device = unsafe { device(handle) }?;
        device.allocates()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.raw.fp_v1_0().allocate_memory)(handle, info, allocator, out) })
    })
}
