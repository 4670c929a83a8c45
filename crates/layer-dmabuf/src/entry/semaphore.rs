//! Commands of semaphores and fences, on a device whose `SYNC_FD` is ours.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::c_int;

use ash::vk;
use zerohop_layer::{Doing as _, guard, guard_void};

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
        // SAFETY: as above.
        unsafe { sync::create_semaphore(state.sync()?, info, create) }.doing("make a semaphore")
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
        state.sync()?.forget_semaphore(semaphore);
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
        // SAFETY: VUID-vkImportSemaphoreFdKHR-pImportSemaphoreFdInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: the call is valid.
        unsafe { state.sync()?.import_semaphore(device, info) }
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
        // SAFETY: VUID-vkGetSemaphoreFdKHR-pGetFdInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: VUID-vkGetSemaphoreFdKHR-pFd-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: the call is valid.
        unsafe { state.sync()?.export_semaphore(&state.raw, info, out) }
    })
}
