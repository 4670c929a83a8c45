//! Commands of memory and timelines around which a dma-buf of a stranger's changes hands
//! (`memory/coherence.rs`).
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::c_void;

use ash::vk;
use zerohop_layer::{LayerError, guard};

use crate::device::DeviceState;

pub(crate) unsafe extern "system" fn wait_semaphores(
    device: vk::Device,
    info: *const vk::SemaphoreWaitInfo<'_>,
    timeout: u64,
) -> vk::Result {
    guard("vkWaitSemaphores", || {
        // SAFETY: VUID-vkWaitSemaphores-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        let code = unsafe { (state.raw.fp_v1_2().wait_semaphores)(device, info, timeout) };
        state.turn_over_after(code);
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn counter_value(
    device: vk::Device,
    semaphore: vk::Semaphore,
    value: *mut u64,
) -> vk::Result {
    guard("vkGetSemaphoreCounterValue", || {
        // SAFETY: VUID-vkGetSemaphoreCounterValue-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let below = state.raw.fp_v1_2().get_semaphore_counter_value;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        let code = unsafe { below(device, semaphore, value) };
        state.turn_over_after(code);
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn map(
    device: vk::Device,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
    size: vk::DeviceSize,
    flags: vk::MemoryMapFlags,
    out: *mut *mut c_void,
) -> vk::Result {
    guard("vkMapMemory", || {
        // SAFETY: VUID-vkMapMemory-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        state.turn_over();
        let below = state.raw.fp_v1_0().map_memory;
        // SAFETY: the arguments are the application's.
        Ok(unsafe { below(device, memory, offset, size, flags, out) })
    })
}

pub(crate) unsafe extern "system" fn map2(
    device: vk::Device,
    info: *const vk::MemoryMapInfoKHR<'_>,
    out: *mut *mut c_void,
) -> vk::Result {
    guard("vkMapMemory2", || {
        // SAFETY: VUID-vkMapMemory2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        state.turn_over();
        let missing = || {
            let code = vk::Result::ERROR_EXTENSION_NOT_PRESENT;
            LayerError::refused(code, "the next layer has no vkMapMemory2")
        };
        let below = state.help()?.map2.ok_or_else(missing)?;
        // SAFETY: the arguments are the application's.
        Ok(unsafe { below(device, info, out) })
    })
}

pub(crate) unsafe extern "system" fn flush(
    device: vk::Device,
    count: u32,
    ranges: *const vk::MappedMemoryRange<'_>,
) -> vk::Result {
    guard("vkFlushMappedMemoryRanges", || {
        // SAFETY: VUID-vkFlushMappedMemoryRanges-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let below = state.raw.fp_v1_0().flush_mapped_memory_ranges;
        // SAFETY: the arguments are the application's.
        let code = unsafe { below(device, count, ranges) };
        state.turn_over();
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn invalidate(
    device: vk::Device,
    count: u32,
    ranges: *const vk::MappedMemoryRange<'_>,
) -> vk::Result {
    guard("vkInvalidateMappedMemoryRanges", || {
        // SAFETY: VUID-vkInvalidateMappedMemoryRanges-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        state.turn_over();
        let below = state.raw.fp_v1_0().invalidate_mapped_memory_ranges;
        // SAFETY: the arguments are the application's.
        Ok(unsafe { below(device, count, ranges) })
    })
}
