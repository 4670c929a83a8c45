//! Commands of semaphores and fences, on a device whose `SYNC_FD` is ours.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::c_int;

use ash::vk;
use zerohop_layer::{guard, guard_void};

use crate::device::DeviceState;
use crate::sync;

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::SemaphoreCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Semaphore,
) -> vk::Result {
    guard("vkCreateSemaphore", || {
        // SAFETY: VUID-vkCreateSemaphore-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateSemaphore-pCreateInfo-parameter.
        let info = unsafe { &*info };
        let below = state.raw.fp_v1_0().create_semaphore;
        // SAFETY: `info` is valid; the other arguments are the application's.
        let create = |info: &_| unsafe { below(device, info, allocator, out) };
        let Some(sync) = &state.sync else { return Ok(create(info)) };
        // SAFETY: as above.
        let code = unsafe { sync::create_semaphore(sync, info, create) };
        // SAFETY: `info` is valid.
        if code == vk::Result::SUCCESS && unsafe { sync.may_export(info) } {
            // SAFETY: VUID-vkCreateSemaphore-pSemaphore-parameter; it was just made.
            sync.watch_semaphore(unsafe { *out });
        }
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    semaphore: vk::Semaphore,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroySemaphore", || {
        // SAFETY: VUID-vkDestroySemaphore-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(sync) = &state.sync {
            sync.forget_semaphore(semaphore);
        }
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().destroy_semaphore)(device, semaphore, allocator) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn import(
    device: vk::Device,
    info: *const vk::ImportSemaphoreFdInfoKHR<'_>,
) -> vk::Result {
    guard("vkImportSemaphoreFdKHR", || {
        // SAFETY: VUID-vkImportSemaphoreFdKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let Some(sync) = &state.sync else {
            // SAFETY: the type belongs to the name.
            let below: vk::PFN_vkImportSemaphoreFdKHR =
                unsafe { state.below(c"vkImportSemaphoreFdKHR") }?;
            // SAFETY: the arguments are the application's.
            return Ok(unsafe { below(device, info) });
        };
        // SAFETY: VUID-vkImportSemaphoreFdKHR-pImportSemaphoreFdInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: the call is valid.
        unsafe { sync.import_semaphore(device, info) }
    })
}

pub(crate) unsafe extern "system" fn export(
    device: vk::Device,
    info: *const vk::SemaphoreGetFdInfoKHR<'_>,
    out: *mut c_int,
) -> vk::Result {
    guard("vkGetSemaphoreFdKHR", || {
        // SAFETY: VUID-vkGetSemaphoreFdKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let Some(sync) = &state.sync else {
            // SAFETY: the type belongs to the name.
            let below: vk::PFN_vkGetSemaphoreFdKHR =
                unsafe { state.below(c"vkGetSemaphoreFdKHR") }?;
            // SAFETY: the arguments are the application's.
            return Ok(unsafe { below(device, info, out) });
        };
        // SAFETY: VUID-vkGetSemaphoreFdKHR-pGetFdInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: VUID-vkGetSemaphoreFdKHR-pFd-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: the call is valid.
        unsafe { sync.export_semaphore(&state.raw, info, out) }
    })
}
