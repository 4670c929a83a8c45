//! Semaphores and fences, and their way out as descriptors.

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use ash::vk::{self, Handle};
use rustix::event::{EventfdFlags, eventfd};

use super::chain::{array, get};
use super::handles::{Kind, Object, make, state_of};
use super::{Inner, State};

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

pub(super) unsafe extern "system" fn create_semaphore(
    device: vk::Device,
    info: *const vk::SemaphoreCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Semaphore,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkCreateSemaphore-pCreateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: as above, with its chain.
    let export = unsafe { get::<vk::ExportSemaphoreCreateInfo<'_>>(info.p_next) };
    let exportable = export.is_some_and(|export| !export.handle_types.is_empty());
    let semaphore = Object::Semaphore { signaled: false, exportable };
    // SAFETY: VUID-vkCreateSemaphore-pSemaphore-parameter.
    unsafe { make(&state, "vkCreateSemaphore", Kind::Semaphore, semaphore, out) }
}

pub(super) unsafe extern "system" fn destroy_semaphore(
    device: vk::Device,
    semaphore: vk::Semaphore,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    state.lock().take("vkDestroySemaphore", Kind::Semaphore, semaphore.as_raw());
}

pub(super) unsafe extern "system" fn create_fence(
    device: vk::Device,
    info: *const vk::FenceCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Fence,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkCreateFence-pCreateInfo-parameter.
    let signaled = unsafe { (*info).flags }.contains(vk::FenceCreateFlags::SIGNALED);
    // SAFETY: VUID-vkCreateFence-pFence-parameter.
    unsafe { make(&state, "vkCreateFence", Kind::Fence, Object::Fence { signaled }, out) }
}

pub(super) unsafe extern "system" fn destroy_fence(
    device: vk::Device,
    fence: vk::Fence,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    state.lock().take("vkDestroyFence", Kind::Fence, fence.as_raw());
}

/// Sets a semaphore, and complains when it has that value already.
pub(super) fn set_semaphore(inner: &mut Inner, command: &str, semaphore: vk::Semaphore, to: bool) {
    let found = inner.get(command, Kind::Semaphore, semaphore.as_raw());
    let was = match found {
        Some(Object::Semaphore { signaled, .. }) => std::mem::replace(signaled, to),
        _ => !to,
    };
    if was == to {
        let already = if to { "signaled twice" } else { "waited for, and nobody signals it" };
        inner.complain(format!("{command}: {semaphore:?} is {already}"));
    }
}

/// Signals a fence, and complains when it was signaled.
pub(super) fn signal_fence(inner: &mut Inner, command: &str, fence: vk::Fence) {
    let was = match inner.get(command, Kind::Fence, fence.as_raw()) {
        Some(Object::Fence { signaled }) => std::mem::replace(signaled, true),
        _ => false,
    };
    if was {
        inner.complain(format!("{command}: {fence:?} is signaled already"));
    }
}

pub(super) unsafe extern "system" fn reset_fences(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt("vkResetFences") {
        return code;
    }
    // SAFETY: VUID-vkResetFences-pFences-parameter.
    for fence in unsafe { array(fences, count) } {
        if let Some(Object::Fence { signaled }) =
            inner.get("vkResetFences", Kind::Fence, fence.as_raw())
        {
            *signaled = false;
        }
    }
    vk::Result::SUCCESS
}

/// All work is done when it is submitted: what is not signaled now never will be.
pub(super) unsafe extern "system" fn wait_for_fences(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    _: vk::Bool32,
    timeout: u64,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    if std::thread::current().id() != state.maker {
        std::thread::sleep(state.options.others_wait);
    }
    let mut inner = state.lock();
    if let Err(code) = inner.attempt("vkWaitForFences") {
        return code;
    }
    if u128::from(timeout) < state.options.work.as_nanos() {
        return vk::Result::TIMEOUT;
    }
    // SAFETY: VUID-vkWaitForFences-pFences-parameter.
    for fence in unsafe { array(fences, count) } {
        if !is_signaled(&mut inner, "vkWaitForFences", *fence) {
            if timeout > 0 {
                inner.complain(format!("vkWaitForFences: nobody signals {fence:?}"));
            }
            return vk::Result::TIMEOUT;
        }
    }
    vk::Result::SUCCESS
}

fn is_signaled(inner: &mut Inner, command: &str, fence: vk::Fence) -> bool {
    match inner.get(command, Kind::Fence, fence.as_raw()) {
        Some(Object::Fence { signaled }) => *signaled,
        _ => true,
    }
}

pub(super) unsafe extern "system" fn fence_status(
    device: vk::Device,
    fence: vk::Fence,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let signaled = is_signaled(&mut state.lock(), "vkGetFenceStatus", fence);
    if signaled { vk::Result::SUCCESS } else { vk::Result::NOT_READY }
}

/// Takes a descriptor from the caller, as a successful import does.
fn swallow(fd: i32) {
    if fd >= 0 {
        // SAFETY: a successful import makes it ours (VkImportSemaphoreFdInfoKHR, VkImportFenceFdInfoKHR).
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
}

/// A descriptor that polls as a fence does that has signaled.
fn signaled_fd(inner: &mut Inner, command: &'static str, out: *mut i32) -> vk::Result {
    if let Err(code) = inner.attempt(command) {
        return code;
    }
    let Ok(fd) = eventfd(1, EventfdFlags::CLOEXEC) else {
        return vk::Result::ERROR_TOO_MANY_OBJECTS;
    };
    // SAFETY: the caller's, by the valid usage of the two export commands.
    unsafe { out.write(fd.into_raw_fd()) };
    vk::Result::SUCCESS
}

fn sync_fd_only(state: &State, command: &str) {
    if !state.options.sync_fd {
        state.lock().complain(format!("{command}, which the driver lacks"));
    }
}

pub(super) unsafe extern "system" fn import_semaphore_fd(
    device: vk::Device,
    info: *const vk::ImportSemaphoreFdInfoKHR<'_>,
) -> vk::Result {
    const COMMAND: &str = "vkImportSemaphoreFdKHR";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkImportSemaphoreFdKHR-pImportSemaphoreFdInfo-parameter.
    let info = unsafe { &*info };
    sync_fd_only(&state, COMMAND);
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    set_semaphore(&mut inner, COMMAND, info.semaphore, true);
    if !info.flags.contains(vk::SemaphoreImportFlags::TEMPORARY) {
        inner.complain(format!("{COMMAND}: a SYNC_FD is imported temporarily"));
    }
    swallow(info.fd);
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn get_semaphore_fd(
    device: vk::Device,
    info: *const vk::SemaphoreGetFdInfoKHR<'_>,
    out: *mut i32,
) -> vk::Result {
    const COMMAND: &str = "vkGetSemaphoreFdKHR";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkGetSemaphoreFdKHR-pGetFdInfo-parameter.
    let info = unsafe { &*info };
    sync_fd_only(&state, COMMAND);
    let mut inner = state.lock();
    let given = signaled_fd(&mut inner, COMMAND, out);
    if given == vk::Result::SUCCESS {
        let raw = info.semaphore.as_raw();
        if let Some(Object::Semaphore { exportable: false, .. }) =
            inner.get(COMMAND, Kind::Semaphore, raw)
        {
            inner.complain(format!("{COMMAND}: {:?} was not made for export", info.semaphore));
        }
        // An export has the same effect as a wait (VkSemaphoreGetFdInfoKHR).
        set_semaphore(&mut inner, COMMAND, info.semaphore, false);
    }
    given
}

pub(super) unsafe extern "system" fn import_fence_fd(
    device: vk::Device,
    info: *const vk::ImportFenceFdInfoKHR<'_>,
) -> vk::Result {
    const COMMAND: &str = "vkImportFenceFdKHR";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkImportFenceFdKHR-pImportFenceFdInfo-parameter.
    let info = unsafe { &*info };
    sync_fd_only(&state, COMMAND);
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    signal_fence(&mut inner, COMMAND, info.fence);
    swallow(info.fd);
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn get_fence_fd(
    device: vk::Device,
    info: *const vk::FenceGetFdInfoKHR<'_>,
    out: *mut i32,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkGetFenceFdKHR-pGetFdInfo-parameter.
    let info = unsafe { &*info };
    sync_fd_only(&state, "vkGetFenceFdKHR");
    let mut inner = state.lock();
    let given = signaled_fd(&mut inner, "vkGetFenceFdKHR", out);
    if let Some(Object::Fence { signaled }) =
        inner.get("vkGetFenceFdKHR", Kind::Fence, info.fence.as_raw())
    {
        *signaled = false;
    }
    given
}
