//! Memory of a descriptor at an address that a device can take.

use std::io;
use std::os::fd::AsFd;
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use rustix::param::page_size;

/// The beginning of a memfd or dma-buf, mapped to read and write at a multiple of an alignment.
///
/// There is no slice of it: others write to the memory at any time, devices among them. Who hands
/// the address on answers for the descriptor holding so many bytes.
///
/// # References
///
/// `mmap(2)`.
#[derive(Debug)]
pub struct AlignedMapping {
    /// What was reserved, and is given back whole.
    reserved: NonNull<u8>,
    reserved_length: usize,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread (`mmap(2)`).
unsafe impl Send for AlignedMapping {}
// SAFETY: nothing is read or written through `&AlignedMapping`.
unsafe impl Sync for AlignedMapping {}

impl AlignedMapping {
    /// Maps the first `length` bytes of `fd` at a multiple of `alignment`, which is a power of two.
    ///
    /// # Errors
    ///
    /// Whatever `mmap(2)` reports: `EACCES` for a descriptor that may not be written, `ENODEV` for
    /// one that cannot be mapped, `EINVAL` for no bytes at all.
    pub fn new(fd: impl AsFd, length: usize, alignment: usize) -> io::Result<Self> {
        let too_long = || io::Error::from(io::ErrorKind::OutOfMemory);
        // `mmap` itself aligns to pages; only a larger alignment needs room to move in.
        let slack = alignment.saturating_sub(page_size());
        let reserved_length = length.checked_add(slack).ok_or_else(too_long)?;
        let nothing = (ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE);
        // SAFETY: the kernel chooses the address (no `MAP_FIXED`), so no other memory changes.
        let reserved =
            unsafe { mmap_anonymous(ptr::null_mut(), reserved_length, nothing.0, nothing.1) }?;
        let reserved: NonNull<u8> = NonNull::new(reserved.cast()).ok_or_else(too_long)?;
        let skip = reserved.as_ptr().addr().wrapping_neg() & (alignment - 1);
        // SAFETY: `skip` is at most the slack, so `length` bytes are left of what is reserved.
        let start = unsafe { reserved.add(skip) };
        let made = Self { reserved, reserved_length, start, length };
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: the range is inside of what we have just reserved, and nobody else has it.
        unsafe { mmap(start.as_ptr().cast(), length, access, flags, fd, 0) }?;
        Ok(made)
    }

    /// The first byte. Mapped for [`len`](Self::len) bytes until drop.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.length
    }
}

impl Drop for AlignedMapping {
    fn drop(&mut self) {
        // SAFETY: `new` reserved exactly this range, and what is mapped lies in it.
        let _ = unsafe { munmap(self.reserved.as_ptr().cast(), self.reserved_length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mapping, Memfd};

    #[test]
    fn the_address_is_aligned_and_the_memory_that_of_the_descriptor() {
        let memfd = Memfd::create("test", 0x8000).unwrap();
        let reader = Mapping::new(&memfd).unwrap();
        for (index, alignment) in (0..).zip([1, 0x1000, 0x4000, 0x10_0000]) {
            let mapping = AlignedMapping::new(&memfd, 0x8000, alignment).unwrap();
            assert_eq!(mapping.as_ptr().addr() % alignment, 0);
            // SAFETY: the mapping is 0x8000 bytes long, and nobody has a slice of it.
            unsafe { mapping.as_ptr().wrapping_add(0x7fff).write(index) };
            assert_eq!(reader.as_slice()[0x7fff], index);
        }
    }

    #[test]
    fn what_cannot_be_written_or_mapped_is_refused() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let err = AlignedMapping::new(&file, 4096, 4096).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::PermissionDenied);
        let pipe = rustix::pipe::pipe().unwrap().0;
        assert!(AlignedMapping::new(&pipe, 4096, 4096).is_err());
        let memfd = Memfd::create("test", 4096).unwrap();
        assert!(AlignedMapping::new(&memfd, 0, 4096).is_err());
        assert!(AlignedMapping::new(&memfd, usize::MAX, 1 << 20).is_err());
    }
}
