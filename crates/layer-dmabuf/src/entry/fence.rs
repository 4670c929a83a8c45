//! Commands of fences, on a device whose `SYNC_FD` is ours; and waits for them, after which dma-bufs
//! of strangers change hands (`memory/coherence.rs`).
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::c_int;
use std::slice;

use ash::vk;
use zerohop_layer::{guard, guard_void};

use crate::device::DeviceState;
use crate::sync;

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::FenceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Fence,
) -> vk::Result {
    guard("vkCreateFence", || {
        // SAFETY: VUID-vkCreateFence-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateFence-pCreateInfo-parameter.
        let info = unsafe { &*info };
        let below = state.raw.fp_v1_0().create_fence;
        // SAFETY: `info` is valid; the other arguments are the application's.
        let create = |info: &_| unsafe { below(device, info, allocator, out) };
        let Some(sync) = &state.sync else { return Ok(create(info)) };
        // SAFETY: as above.
        Ok(unsafe { sync::create_fence(sync, info, create) })
    })
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    fence: vk::Fence,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyFence", || {
        // SAFETY: VUID-vkDestroyFence-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(sync) = &state.sync {
            sync.forget_fences(&[fence]);
        }
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().destroy_fence)(device, fence, allocator) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn import(
    device: vk::Device,
    info: *const vk::ImportFenceFdInfoKHR<'_>,
) -> vk::Result {
    guard("vkImportFenceFdKHR", || {
        // SAFETY: VUID-vkImportFenceFdKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let Some(sync) = &state.sync else {
            // SAFETY: the type belongs to the name.
            let below: vk::PFN_vkImportFenceFdKHR = unsafe { state.below(c"vkImportFenceFdKHR") }?;
            // SAFETY: the arguments are the application's.
            return Ok(unsafe { below(device, info) });
        };
        // SAFETY: VUID-vkImportFenceFdKHR-pImportFenceFdInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: the call is valid.
        unsafe { sync.import_fence(device, info) }
    })
}

pub(crate) unsafe extern "system" fn export(
    device: vk::Device,
    info: *const vk::FenceGetFdInfoKHR<'_>,
    out: *mut c_int,
) -> vk::Result {
    guard("vkGetFenceFdKHR", || {
        // SAFETY: VUID-vkGetFenceFdKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let Some(sync) = &state.sync else {
            // SAFETY: the type belongs to the name.
            let below: vk::PFN_vkGetFenceFdKHR = unsafe { state.below(c"vkGetFenceFdKHR") }?;
            // SAFETY: the arguments are the application's.
            return Ok(unsafe { below(device, info, out) });
        };
        // SAFETY: VUID-vkGetFenceFdKHR-pGetFdInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: VUID-vkGetFenceFdKHR-pFd-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: the call is valid.
        unsafe { sync.export_fence(&state.raw, info, out) }
    })
}

pub(crate) unsafe extern "system" fn status(device: vk::Device, fence: vk::Fence) -> vk::Result {
    guard("vkGetFenceStatus", || {
        // SAFETY: VUID-vkGetFenceStatus-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(status) = state.sync.as_ref().and_then(|sync| sync.fence_status(fence)) {
            return Ok(status);
        }
        // SAFETY: the arguments are the application's.
        let code = unsafe { (state.raw.fp_v1_0().get_fence_status)(device, fence) };
        state.turn_over_after(code);
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn wait(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    every: vk::Bool32,
    timeout: u64,
) -> vk::Result {
    guard("vkWaitForFences", || {
        // SAFETY: VUID-vkWaitForFences-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkWaitForFences-pFences-parameter; there is at least one.
        let all = unsafe { slice::from_raw_parts(fences, count as usize) };
        let left = match &state.sync {
            Some(sync) => sync.fences_to_wait_for(all, every != 0),
            None => Some(all.into()),
        };
        let Some(left) = left else { return Ok(vk::Result::SUCCESS) };
        let below = state.raw.fp_v1_0().wait_for_fences;
        // SAFETY: some of the application's fences, and its other arguments.
        let code = unsafe { below(device, left.len() as u32, left.as_ptr(), every, timeout) };
        state.turn_over_after(code);
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn reset(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
) -> vk::Result {
    guard("vkResetFences", || {
        // SAFETY: VUID-vkResetFences-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(sync) = &state.sync {
            // SAFETY: VUID-vkResetFences-pFences-parameter; there is at least one.
            sync.forget_fences(unsafe { slice::from_raw_parts(fences, count as usize) });
        }
        // SAFETY: the arguments are the application's.
        Ok(unsafe { (state.raw.fp_v1_0().reset_fences)(device, count, fences) })
    })
}
