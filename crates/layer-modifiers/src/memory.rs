//! Memory: which dma-buf it came from.

use std::os::fd::BorrowedFd;

use ash::vk;
use zerohop_layer::{LayerError, chain, guard, guard_void};

use crate::state::Device;

pub(crate) unsafe extern "system" fn allocate(
    device: vk::Device,
    info: *const vk::MemoryAllocateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::DeviceMemory,
) -> vk::Result {
    guard("vkAllocateMemory", || {
        // SAFETY: VUID-vkAllocateMemory-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkAllocateMemory-pAllocateInfo-parameter.
        let p_next = unsafe { (*info).p_next };
        // SAFETY: the chain is the caller's.
        let import = unsafe { chain::get::<vk::ImportMemoryFdInfoKHR<'_>>(p_next) };
        let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
        let copy = |import: &vk::ImportMemoryFdInfoKHR<'_>| {
            // SAFETY: VUID-VkImportMemoryFdInfoKHR-fd-00668: it is open, and not the driver's yet.
            unsafe { BorrowedFd::borrow_raw(import.fd) }.try_clone_to_owned()
        };
        // After the call the descriptor is the driver's.
        let copy = import.filter(|import| import.handle_type == dma_buf).map(copy).transpose();
        let copy = copy.map_err(|err| {
            LayerError::outside("keep a dma-buf", vk::Result::ERROR_TOO_MANY_OBJECTS, err)
        })?;
        // SAFETY: the caller's arguments.
        let code = unsafe { (state.raw.fp_v1_0().allocate_memory)(device, info, allocator, out) };
        if let (vk::Result::SUCCESS, Some(copy)) = (code, copy) {
            // SAFETY: the driver has just written it.
            state.memory().insert(unsafe { *out }, copy);
        }
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn free(
    device: vk::Device,
    memory: vk::DeviceMemory,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkFreeMemory", || {
        // SAFETY: VUID-vkFreeMemory-device-parameter.
        let state = unsafe { Device::of(device) }?;
        state.memory().remove(&memory);
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().free_memory)(device, memory, allocator) };
        Ok(())
    });
}
