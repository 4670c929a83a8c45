//! Memory of a memfd or a dma-buf, in this process.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::ptr::NonNull;
use std::slice;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::{FdKind, Memfd, kind_of};

/// The whole of a [`Memfd`] or a dma-buf, to read.
///
/// Other holders of the memfd may write while it is read: what is read twice may differ. Take
/// pixels from it, never a length or an index. It cannot shrink, so reading never faults. Devices may
/// have written a dma-buf: see [`begin_cpu_access`](crate::begin_cpu_access).
///
/// # References
///
/// `mmap(2)`.
#[derive(Debug)]
pub struct Mapping(Pages);

/// The whole of a [`Memfd`], to read and write. The same warning holds.
#[derive(Debug)]
pub struct MappingMut(Pages);

impl Mapping {
    /// Maps `memfd`.
    ///
    /// # Errors
    ///
    /// Whatever `mmap(2)` reports, such as `EINVAL` for an empty one.
    pub fn new(memfd: &Memfd) -> io::Result<Self> {
        Pages::map(memfd.as_fd(), memfd.size(), ProtFlags::READ).map(Self)
    }

    /// Maps `dma_buf`, which keeps its size for as long as it lives.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is none; what its exporter reports,
    /// which may not let the CPU read it.
    pub fn of_dma_buf(dma_buf: BorrowedFd<'_>) -> io::Result<Self> {
        let FdKind::DmaBuf { size } = kind_of(dma_buf)? else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        Pages::map(dma_buf, size, ProtFlags::READ).map(Self)
    }

    /// The bytes. Page-aligned.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl MappingMut {
    /// Maps `memfd`.
    ///
    /// # Errors
    ///
    /// Whatever `mmap(2)` reports, such as `EINVAL` for an empty one.
    pub fn new(memfd: &Memfd) -> io::Result<Self> {
        Pages::map(memfd.as_fd(), memfd.size(), ProtFlags::READ | ProtFlags::WRITE).map(Self)
    }

    /// The bytes. Page-aligned.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The bytes. Page-aligned.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let Pages { start, length } = self.0;
        // SAFETY: `Pages::map` mapped `length` writable bytes at `start`, they stay until our
        // drop, and `&mut self` says that nobody in this process has a slice of this mapping.
        unsafe { slice::from_raw_parts_mut(start.as_ptr(), length) }
    }

    /// The first byte, for an API that takes host memory. Valid for the slice's length until drop.
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.start.as_ptr()
    }
}

/// Mapped pages, unmapped by `Drop`.
#[derive(Debug)]
struct Pages {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread (`mmap(2)`).
unsafe impl Send for Pages {}
// SAFETY: through `&Pages` the memory is only read.
unsafe impl Sync for Pages {}

impl Pages {
    /// Maps `size` bytes of `memory`, which has as many and keeps them.
    fn map(memory: BorrowedFd<'_>, size: u64, access: ProtFlags) -> io::Result<Self> {
        let length = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let anywhere = std::ptr::null_mut();
        // SAFETY: the kernel chooses the address (no `MAP_FIXED`), so no other memory changes.
        let start = unsafe { mmap(anywhere, length, access, MapFlags::SHARED, memory, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    fn as_slice(&self) -> &[u8] {
        // SAFETY: `map` mapped `length` readable bytes at `start`, and they stay until our drop.
        // Neither a `Memfd` nor a dma-buf can shrink, so each page has memory behind it. Another holder may change
        // the bytes; they are plain numbers, valid whatever they are.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: `map` mapped exactly this range, and slices of it borrow `self`.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_mappings_see_the_same_bytes() {
        let memfd = Memfd::create("test", 5000).unwrap();
        let mut writer = MappingMut::new(&memfd).unwrap();
        let reader = Mapping::new(&memfd).unwrap();
        drop(memfd);
        writer.as_mut_slice()[4999] = 7;
        assert_eq!(reader.as_slice().len(), 5000);
        assert_eq!(reader.as_slice()[4999], 7);
        assert_eq!(writer.as_slice()[4999], 7);
        assert_eq!(writer.as_ptr().addr() % 4096, 0);
    }

    #[test]
    fn an_empty_memfd_cannot_be_mapped() {
        let err = Mapping::new(&Memfd::create("test", 0).unwrap()).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidInput);
    }
}
