//! Memory that the CPU, other threads and the device share without a copy.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use zerohop_frame::MemoryHandle;

use crate::error::Doing;
use crate::{Buffer, Device, Error};

/// A sealed memfd, mapped for reading and writing.
pub struct HostMemory {
    fd: OwnedFd,
    /// The whole reservation, which may be larger than the mapping to reach an alignment.
    reserved: (NonNull<u8>, usize),
    pointer: NonNull<u8>,
    size: usize,
}

// SAFETY: the mapping is plain memory; nothing about it belongs to a thread.
unsafe impl Send for HostMemory {}
// SAFETY: as above; shared access goes through `&self` methods that copy.
unsafe impl Sync for HostMemory {}

impl HostMemory {
    /// At least `size` zeroed bytes at an address and of a length that are multiples of
    /// `alignment`, a power of two.
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when the machine is out of memory or descriptors.
    pub fn new(size: u64, alignment: u64) -> Result<Self, Error> {
        let too_large = |_| Error::TooSmall { needs: size, has: usize::MAX as u64 };
        let alignment = usize::try_from(alignment).map_err(too_large)?;
        let alignment = alignment.max(rustix::param::page_size());
        let size = usize::try_from(size).map_err(too_large)?.next_multiple_of(alignment);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create(c"zerohop", flags).doing("create a memfd")?;
        rustix::fs::ftruncate(&fd, size as u64).doing("size a memfd")?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals).doing("seal a memfd")?;
        Self::map(fd, size, alignment)
    }

    /// The memory of a memfd that somebody else made.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`], or [`Error::Unsupported`] when the memfd could shrink under us.
    pub fn adopt(fd: BorrowedFd<'_>, needs: u64, alignment: u64) -> Result<Self, Error> {
        let seals = rustix::fs::fcntl_get_seals(fd).doing("read the seals of a memfd")?;
        if !seals.contains(SealFlags::SHRINK) {
            return Err(Error::Unsupported("a memfd that is not sealed against shrinking"));
        }
        let has = rustix::fs::fstat(fd).doing("size a memfd")?.st_size;
        let has = usize::try_from(has).unwrap_or(0);
        if (has as u64) < needs {
            return Err(Error::TooSmall { needs, has: has as u64 });
        }
        let alignment = usize::try_from(alignment).unwrap_or(0).max(rustix::param::page_size());
        let fd = fd.try_clone_to_owned().doing("duplicate a descriptor")?;
        Self::map(fd, has.next_multiple_of(rustix::param::page_size()), alignment)
    }

    /// Maps `size` bytes, a multiple of the page size, at a multiple of `alignment`.
    fn map(fd: OwnedFd, size: usize, alignment: usize) -> Result<Self, Error> {
        let length = size + alignment - rustix::param::page_size();
        let nowhere = std::ptr::null_mut();
        let (none, private) = (ProtFlags::empty(), MapFlags::PRIVATE);
        // SAFETY: a new mapping at an address of the kernel's choice touches nobody's memory.
        let start = unsafe { rustix::mm::mmap_anonymous(nowhere, length, none, private) }
            .doing("reserve addresses")?
            .cast::<u8>();
        let pad = start.align_offset(alignment);
        // SAFETY: `pad` is less than `alignment`, so the result lies in the reservation.
        let pointer = unsafe { start.add(pad) };
        let reserved = NonNull::new(start).ok_or(Error::Unsupported("a mapping at address 0"))?;
        let at = NonNull::new(pointer).ok_or(Error::Unsupported("a mapping at address 0"))?;
        let memory = Self { fd, reserved: (reserved, length), pointer: at, size };
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: the range is inside the reservation above, which `memory` owns.
        unsafe { rustix::mm::mmap(pointer.cast(), size, access, flags, &memory.fd, 0) }
            .doing("map a memfd")?;
        Ok(memory)
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn pointer(&self) -> *mut u8 {
        self.pointer.as_ptr()
    }
}

impl AsFd for HostMemory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        let (start, length) = self.reserved;
        // SAFETY: our own reservation; device memory that was imported from it is freed before, since
        // its `Buffer` holds us.
        let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), length) };
    }
}

/// A buffer of the device over [`HostMemory`], where the device can import that; a buffer of its
/// own beside it, with a copy in between, where it cannot.
pub struct HostBuffer {
    buffer: Arc<Buffer>,
    shared: bool,
    host: Arc<HostMemory>,
}

impl HostBuffer {
    /// At least `size` zeroed bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Os`], [`Error::Call`], [`Error::MemoryType`].
    pub fn new(device: &Arc<Device>, size: u64) -> Result<Self, Error> {
        Self::over(device, HostMemory::new(size, alignment(device))?)
    }

    /// A memfd of at least `needs` bytes that somebody else made.
    ///
    /// # Errors
    ///
    /// As [`HostMemory::adopt`] and [`new`](Self::new).
    pub fn adopt(device: &Arc<Device>, fd: BorrowedFd<'_>, needs: u64) -> Result<Self, Error> {
        Self::over(device, HostMemory::adopt(fd, needs, alignment(device))?)
    }

    fn over(device: &Arc<Device>, host: HostMemory) -> Result<Self, Error> {
        let host = Arc::new(host);
        // The tail of somebody else's memfd may not be there to import.
        let whole = (host.size as u64).is_multiple_of(alignment(device));
        let shared = device.has_host_pointers() && whole;
        let buffer = if shared {
            Buffer::over(device, &host)?
        } else {
            Buffer::read_back(device, host.size as u64)?
        };
        Ok(Self { buffer: Arc::new(buffer), shared, host })
    }

    /// Whether the device writes the very memory that [`handle`](Self::handle) names.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// The device's view.
    pub fn buffer(&self) -> &Arc<Buffer> {
        &self.buffer
    }

    /// The host's view.
    pub fn memory(&self) -> &HostMemory {
        &self.host
    }

    /// The host's view, to be written in place.
    ///
    /// The memfd may be mapped elsewhere as well, and the device may know it. Whoever lends it out
    /// does not write while others read: a pool gets its buffer back before.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let (start, size) = (self.host.pointer.as_ptr(), self.host.size);
        // SAFETY: mapped for `size` bytes as long as `host` lives; `&mut self` is the only way to
        // a reference into this mapping.
        unsafe { std::slice::from_raw_parts_mut(start, size) }
    }

    /// Brings what the device wrote into the host's view. Returns how many bytes the CPU copied:
    /// none when the two are one.
    ///
    /// # Panics
    ///
    /// When `size` is more than there is.
    pub fn fetch(&mut self, size: usize) -> u64 {
        if self.shared {
            return 0;
        }
        let buffer = Arc::clone(&self.buffer);
        buffer.read_into(0, &mut self.bytes_mut()[..size]);
        size as u64
    }

    /// Brings what is in the host's view to the device, where the two are not one.
    pub(crate) fn send(&self) {
        if !self.shared {
            self.buffer.copy_from(&self.host);
        }
    }

    /// A descriptor of the host memory for a [`SharedBuffer`](zerohop_frame::SharedBuffer).
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when the process is out of descriptors.
    pub fn handle(&self) -> Result<MemoryHandle, Error> {
        let fd = self.host.fd.try_clone().doing("duplicate a descriptor")?;
        Ok(MemoryHandle::Shm(fd))
    }
}

/// What imported addresses must be multiples of, in bytes.
fn alignment(device: &Device) -> u64 {
    device.capabilities().host_pointers.unwrap_or(1)
}
