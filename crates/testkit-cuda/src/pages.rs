//! Memory: the application's, and the device's own.

use std::os::fd::{AsFd as _, OwnedFd};
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::layout::HEADER;

/// Pages that somebody may read and write from any thread. What they hold is bytes.
pub(crate) struct Pages {
    start: NonNull<u8>,
    length: usize,
    /// Bytes before what was allocated.
    header: usize,
}

// SAFETY: a mapping belongs to the process (`mmap(2)`), and its content is plain bytes.
unsafe impl Send for Pages {}
// SAFETY: as above; whoever copies synchronizes by streams, as on a device.
unsafe impl Sync for Pages {}

impl Pages {
    /// The whole of llvmpipe's memory, whose descriptor is closed: a memfd with a header, or, where
    /// it has `/dev/udmabuf` (Mesa 26), a dma-buf without one.
    pub(crate) fn of(fd: OwnedFd) -> Option<Self> {
        let header = if rustix::fs::fcntl_get_seals(&fd).is_ok() { HEADER } else { 0 };
        let length = usize::try_from(rustix::fs::fstat(&fd).ok()?.st_size).ok()?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let (anywhere, shared) = (std::ptr::null_mut(), MapFlags::SHARED);
        // SAFETY: the kernel chooses the address.
        let start = unsafe { mmap(anywhere, length, access, shared, fd.as_fd(), 0) }.ok()?;
        Some(Self { start: NonNull::new(start.cast())?, length, header })
    }

    /// Zeroes.
    pub(crate) fn new(length: usize) -> Option<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let (anywhere, private) = (std::ptr::null_mut(), MapFlags::PRIVATE);
        // SAFETY: the kernel chooses the address.
        let start = unsafe { mmap_anonymous(anywhere, length, access, private) }.ok()?;
        Some(Self { start: NonNull::new(start.cast())?, length, header: 0 })
    }

    /// The first byte.
    pub(crate) fn address(&self) -> usize {
        self.start.as_ptr().addr()
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Where what was allocated begins.
    pub(crate) fn header(&self) -> usize {
        self.header
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped; whoever uses it holds an `Arc`.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
    }
}
