//! `SYNC_FD`: semaphores and fences as file descriptors, in and out.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use ash::vk;
use zerohop_frame::SyncPoint;
use zerohop_kernel::SyncFile;
use zerohop_layer::{Doing, LayerError};

use super::handover::PATIENCE;
use super::outlet::Outlet;
use crate::device::DeviceState;

/// Signals a semaphore without any work, where the device can: file descriptor −1 stands for a
/// fence that has signaled (`VkImportSemaphoreFdInfoKHR`).
pub(crate) fn signal_semaphore(device: &DeviceState, semaphore: vk::Semaphore) -> bool {
    let Some(fd) = &device.semaphore_fd else { return false };
    let info = vk::ImportSemaphoreFdInfoKHR::default()
        .semaphore(semaphore)
        .flags(vk::SemaphoreImportFlags::TEMPORARY)
        .handle_type(vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD)
        .fd(-1);
    // SAFETY: the semaphore is unsignaled and unused (VUID-vkAcquireNextImageKHR-semaphore-01286).
    unsafe { fd.import_semaphore_fd(&info) }.is_ok()
}

/// As [`signal_semaphore`] (`VkImportFenceFdInfoKHR`).
pub(crate) fn signal_fence(device: &DeviceState, fence: vk::Fence) -> bool {
    let Some(fd) = &device.fence_fd else { return false };
    let info = vk::ImportFenceFdInfoKHR::default()
        .fence(fence)
        .flags(vk::FenceImportFlags::TEMPORARY)
        .handle_type(vk::ExternalFenceHandleTypeFlags::SYNC_FD)
        .fd(-1);
    // SAFETY: the fence is unsignaled and unused (VUID-vkAcquireNextImageKHR-fence-01287).
    unsafe { fd.import_fence_fd(&info) }.is_ok()
}

/// The moment at which a signal that was submitted happens. The semaphore is free again.
pub(crate) fn export(
    device: &DeviceState,
    semaphore: vk::Semaphore,
) -> Result<SyncPoint, LayerError> {
    let lacks = || LayerError::refused(vk::Result::ERROR_UNKNOWN, "no SYNC_FD semaphores");
    let semaphore_fd = device.semaphore_fd.as_ref().ok_or_else(lacks)?;
    let info = vk::SemaphoreGetFdInfoKHR::default()
        .semaphore(semaphore)
        .handle_type(vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD);
    // SAFETY: the semaphore's signal was submitted (VUID-VkSemaphoreGetFdInfoKHR-handleType-03254).
    let fd = unsafe { semaphore_fd.get_semaphore_fd(&info) };
    let fd = fd.doing("export a semaphore")?;
    if fd < 0 {
        // "Has signaled already" (VkSemaphoreGetFdInfoKHR).
        return Ok(SyncPoint::Signaled);
    }
    // SAFETY: a successful call gives us a new descriptor.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    Ok(SyncFile::from(fd).into())
}

/// Puts a fence of a reader's into `semaphore`. `false`: it was waited for instead; who does not reach
/// it in time is left, and told so.
///
/// # Errors
///
/// [`LayerError::Outside`] when there is no descriptor left.
pub(crate) fn import(
    device: &DeviceState,
    semaphore: vk::Semaphore,
    point: &SyncPoint,
    outlet: &Outlet,
) -> Result<bool, LayerError> {
    let Some(fence) = point.sync_file() else { return Ok(false) };
    let outside =
        |err| LayerError::outside("take a fence", vk::Result::ERROR_OUT_OF_HOST_MEMORY, err);
    let copy = fence.as_fd().try_clone_to_owned().map_err(outside)?;
    if let Some(semaphore_fd) = &device.semaphore_fd {
        let info = vk::ImportSemaphoreFdInfoKHR::default()
            .semaphore(semaphore)
            .flags(vk::SemaphoreImportFlags::TEMPORARY)
            .handle_type(vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD)
            .fd(copy.as_raw_fd());
        // SAFETY: the semaphore is ours and unused, and `copy` is a fence.
        if unsafe { semaphore_fd.import_semaphore_fd(&info) }.is_ok() {
            // The driver owns the descriptor now, and only now.
            let _ = copy.into_raw_fd();
            return Ok(true);
        }
    }
    if !is_reached(point, PATIENCE) {
        // It may still read what is about to be drawn over: it must know before that.
        outlet.forsake("the fence of a reader was not reached in time");
    }
    Ok(false)
}

/// Whether the point is reached within `patience`. A fence that cannot be waited for never is.
fn is_reached(point: &SyncPoint, patience: Duration) -> bool {
    point.wait(patience).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    #[test]
    fn a_fence_counts_as_reached_only_when_it_was() {
        let fence = |count| {
            let fd = eventfd(count, EventfdFlags::CLOEXEC).unwrap();
            SyncPoint::from(SyncFile::from(fd))
        };
        let soon = Duration::from_millis(1);
        assert!(is_reached(&fence(1), soon) && is_reached(&SyncPoint::Signaled, soon));
        assert!(!is_reached(&fence(0), soon));
    }
}
