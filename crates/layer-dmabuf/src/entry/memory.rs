//! Commands that make memory, free it, and turn it into descriptors.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::c_int;
use std::os::fd::{BorrowedFd, IntoRawFd};

use ash::vk;
use zerohop_layer::{LayerError, guard, guard_void};

use crate::device::DeviceState;
use crate::memory;

pub(crate) unsafe extern "system" fn allocate(
    device: vk::Device,
    info: *const vk::MemoryAllocateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::DeviceMemory,
) -> vk::Result {
    guard("vkAllocateMemory", || {
        // SAFETY: VUID-vkAllocateMemory-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(help) = &state.help {
            // SAFETY: VUID-vkAllocateMemory-pAllocateInfo-parameter.
            let info = unsafe { &*info };
            // SAFETY: the arguments are the application's.
            if let Some(memory) = unsafe { memory::allocate(&state, help, info, allocator) }? {
                // SAFETY: VUID-vkAllocateMemory-pMemory-parameter.
                unsafe { *out = memory };
                return Ok(vk::Result::SUCCESS);
            }
        }
        let below = state.raw.fp_v1_0().allocate_memory;
        // SAFETY: the arguments are the application's.
        Ok(unsafe { below(device, info, allocator, out) })
    })
}

pub(crate) unsafe extern "system" fn free(
    device: vk::Device,
    memory: vk::DeviceMemory,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkFreeMemory", || {
        // SAFETY: VUID-vkFreeMemory-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the arguments are the application's.
        unsafe { memory::free(&state, memory, allocator) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn get_fd(
    device: vk::Device,
    info: *const vk::MemoryGetFdInfoKHR<'_>,
    out: *mut c_int,
) -> vk::Result {
    guard("vkGetMemoryFdKHR", || {
        // SAFETY: VUID-vkGetMemoryFdKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let help = state.help()?;
        // SAFETY: VUID-vkGetMemoryFdKHR-pGetFdInfo-parameter.
        let asked = unsafe { &*info };
        match (help.memory.get(&asked.memory), &help.memory_fd) {
            (Some(_), _) if asked.handle_type != vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT => {
                let what = format!("memory that leaves as DMA_BUF as {:?}", asked.handle_type);
                Err(LayerError::refused(vk::Result::ERROR_OUT_OF_HOST_MEMORY, what))
            }
            (Some(memory), _) => {
                let fd = memory.export()?;
                // SAFETY: VUID-vkGetMemoryFdKHR-pFd-parameter. It is the application's now.
                unsafe { *out = fd.into_raw_fd() };
                Ok(vk::Result::SUCCESS)
            }
            // SAFETY: the arguments are the application's.
            (None, Some(driver)) => Ok(unsafe { (driver.get_memory_fd_khr)(device, info, out) }),
            (None, None) => {
                let what = "the memory was not allocated to be exported as DMA_BUF";
                Err(LayerError::refused(vk::Result::ERROR_OUT_OF_HOST_MEMORY, what))
            }
        }
    })
}

pub(crate) unsafe extern "system" fn get_fd_properties(
    device: vk::Device,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
    fd: c_int,
    out: *mut vk::MemoryFdPropertiesKHR<'_>,
) -> vk::Result {
    guard("vkGetMemoryFdPropertiesKHR", || {
        // SAFETY: VUID-vkGetMemoryFdPropertiesKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let help = state.help()?;
        let invalid = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
        if handle_type == vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT {
            if fd < 0 {
                return Err(LayerError::refused(invalid, format!("descriptor {fd}")));
            }
            // SAFETY: VUID-vkGetMemoryFdPropertiesKHR-fd-00673.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            let bits = memory::memory_types_of(&state.raw, help, fd)?;
            // SAFETY: VUID-vkGetMemoryFdPropertiesKHR-pMemoryFdProperties-parameter.
            unsafe { (*out).memory_type_bits = bits };
            return Ok(vk::Result::SUCCESS);
        }
        let Some(driver) = &help.memory_fd else {
            return Err(LayerError::refused(invalid, format!("handles of type {handle_type:?}")));
        };
        // SAFETY: the arguments are the application's.
        Ok(unsafe { (driver.get_memory_fd_properties_khr)(device, handle_type, fd, out) })
    })
}
