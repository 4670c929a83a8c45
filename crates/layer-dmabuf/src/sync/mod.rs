//! `SYNC_FD` semaphores and fences, on drivers that have none.
//!
//! A sync file is the kernel's, and only a kernel's driver can make one. Without, this is done:
//!
//! - An export waits until the payload has signaled, and hands out −1: "an implementation may return
//!   −1" of a payload that has signaled, and whoever imports that "will succeed" (Vulkan
//!   specification, `vkGetSemaphoreFdKHR`, `VkImportSemaphoreFdInfoKHR` and their siblings of fences).
//!   What else an export does to the object, a wait or a reset, is done too.
//! - An import waits for the file, and notes that the object has signaled: its temporary payload,
//!   over the permanent one, which the driver's object keeps. The note goes with the wait or the reset
//!   that ends a temporary payload, and those that it answers never reach the driver.
//!
//! Both wait on the CPU, which is what it costs.

mod create;
mod decide;
mod device;
mod fence;
mod notes;
mod semaphore;
mod signals;
mod submit;
mod trim;
mod turns;

use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::time::Duration;

use ash::vk;
use zerohop_kernel::{FdKind, SyncFile, kind_of};
use zerohop_layer::LayerError;

pub(crate) use create::{create_fence, create_semaphore};
pub(crate) use decide::SyncFd;
pub(crate) use device::Sync;

/// How long a fence may take. The kernel promises that a sync file signals "in finite time"
/// (`Documentation/driver-api/dma-buf.rst`), and ends what takes a GPU some ten seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits for the sync file that an application imports, and takes it over. −1 has signaled.
///
/// # Errors
///
/// `VK_ERROR_INVALID_EXTERNAL_HANDLE` for anything else than a sync file, and for one that does not
/// signal within [`LIMIT`]. The descriptor stays the application's then.
///
/// # Safety
///
/// `fd` is −1 or an open descriptor of the application's, ours on success
/// (`VkImportSemaphoreFdInfoKHR`).
unsafe fn finish(fd: RawFd) -> Result<(), LayerError> {
    const CODE: vk::Result = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
    if fd == -1 {
        return Ok(());
    }
    if fd < 0 {
        return Err(LayerError::refused(CODE, format!("{fd} is no descriptor")));
    }
    // SAFETY: the caller's promise.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let outside = |err| LayerError::outside("wait for a sync file", CODE, err);
    let kind = kind_of(borrowed).map_err(outside)?;
    if kind != FdKind::SyncFile {
        return Err(LayerError::refused(
            CODE,
            format!("descriptor {fd} is no sync file: {kind:?}"),
        ));
    }
    let ours = SyncFile::from(borrowed.try_clone_to_owned().map_err(outside)?);
    if !ours.wait(LIMIT).map_err(outside)? {
        let what = format!("a sync file has not signaled for {} s", LIMIT.as_secs());
        return Err(LayerError::refused(CODE, what));
    }
    // SAFETY: the caller's promise: an import that succeeds takes the descriptor over.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd as _, IntoRawFd as _};

    use super::*;

    #[test]
    fn what_has_signaled_needs_no_file() {
        // SAFETY: −1 is none.
        assert!(unsafe { finish(-1) }.is_ok());
        // SAFETY: neither is −2.
        let err = unsafe { finish(-2) }.unwrap_err();
        assert_eq!(err.code(), vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
    }

    #[test]
    fn what_is_no_sync_file_stays_the_applications() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let fd = file.as_raw_fd();
        // SAFETY: the file is open.
        let err = unsafe { finish(fd) }.unwrap_err();
        assert_eq!(err.code(), vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
        assert!(err.to_string().contains("no sync file"), "{err}");
        assert_eq!(file.into_raw_fd(), fd);
    }
}
