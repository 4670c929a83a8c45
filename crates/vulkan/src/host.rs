//! Memory that the CPU, other threads and the device share without a copy.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use zerohop_frame::MemoryHandle;
use zerohop_kernel::{begin_cpu_access, end_cpu_access};

use crate::error::Doing;
use crate::{Buffer, Device, Error};

/// A sealed memfd, mapped for reading and writing.
pub struct HostMemory {
    fd: OwnedFd,
    /// The whole reservation, which may be larger than the mapping to reach an alignment.
    reserved: (NonNull<u8>, usize),
    pointer: NonNull<u8>,
    size: usize,
    /// Whether it is a dma-buf, which the CPU reads in turns with devices.
    dma_buf: bool,
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
        Self::map(fd, size, alignment, ProtFlags::READ | ProtFlags::WRITE)
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
        let has = has.next_multiple_of(rustix::param::page_size());
        Self::map(fd, has, alignment, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// The memory of a dma-buf. With `ProtFlags::READ` alone it is for [`Buffer::copy_from`]: it may
    /// not be writable.
    fn of_dma_buf(fd: BorrowedFd<'_>, alignment: u64, access: ProtFlags) -> Result<Self, Error> {
        let size = rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0)).doing("size a dma-buf")?;
        let too_large = |_| Error::TooSmall { needs: size, has: usize::MAX as u64 };
        let fd = fd.try_clone_to_owned().doing("duplicate a descriptor")?;
        let size = usize::try_from(size).map_err(too_large)?;
        let alignment = usize::try_from(alignment).unwrap_or(0).max(rustix::param::page_size());
        let mut host = Self::map(fd, size, alignment, access)?;
        host.dma_buf = true;
        Ok(host)
    }

    /// Maps `size` bytes, a multiple of the page size, at a multiple of `alignment`.
    fn map(fd: OwnedFd, size: usize, alignment: usize, access: ProtFlags) -> Result<Self, Error> {
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
        let memory = Self { fd, reserved: (reserved, length), pointer: at, size, dma_buf: false };
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: the range is inside the reservation above, which `memory` owns.
        unsafe { rustix::mm::mmap(pointer.cast(), size, access, flags, &memory.fd, 0) }
            .doing("map memory")?;
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
        Self::over(device, HostMemory::new(size, alignment(device))?, device.has_host_pointers())
    }

    /// A memfd of at least `needs` bytes that somebody else made. `share` is whether the device may
    /// see the very memory, where it can.
    ///
    /// # Errors
    ///
    /// As [`HostMemory::adopt`] and [`new`](Self::new).
    pub(crate) fn adopt(
        device: &Arc<Device>,
        fd: BorrowedFd<'_>,
        needs: u64,
        share: bool,
    ) -> Result<Self, Error> {
        let host = HostMemory::adopt(fd, needs, alignment(device))?;
        Self::over(device, host, share && device.has_host_pointers())
    }

    /// A dma-buf whose bytes the CPU brings to the device.
    pub(crate) fn of_dma_buf(device: &Arc<Device>, fd: BorrowedFd<'_>) -> Result<Self, Error> {
        Self::over(device, HostMemory::of_dma_buf(fd, 1, ProtFlags::READ)?, false)
    }

    /// A dma-buf whose very bytes the device sees, though it knows no dma-bufs: they are mapped here
    /// and imported by address.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where addresses are not imported either; [`Error::Os`] and
    /// [`Error::Call`] when this memory is not to be mapped, or not to be imported.
    pub(crate) fn share_dma_buf(device: &Arc<Device>, fd: BorrowedFd<'_>) -> Result<Self, Error> {
        let missing = Error::Missing("dma-bufs, and VK_EXT_external_memory_host for this one");
        if !device.has_host_pointers() {
            return Err(missing);
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let host =
            Self::over(device, HostMemory::of_dma_buf(fd, alignment(device), access)?, true)?;
        if host.shared { Ok(host) } else { Err(missing) }
    }

    fn over(device: &Arc<Device>, host: HostMemory, share: bool) -> Result<Self, Error> {
        let host = Arc::new(host);
        // The tail of somebody else's memfd may not be there to import.
        let whole = (host.size as u64).is_multiple_of(alignment(device));
        let shared = share && whole;
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
    pub(crate) fn send(&self) -> Result<(), Error> {
        if self.host.dma_buf {
            begin_cpu_access(self.host.as_fd()).doing("read a dma-buf by the CPU")?;
        }
        if !self.shared {
            self.buffer.copy_from(&self.host);
        }
        // What the device sees by address it reads later. Nobody writes until the picture goes home.
        if self.host.dma_buf {
            end_cpu_access(self.host.as_fd()).doing("end reading a dma-buf by the CPU")?;
        }
        Ok(())
    }

    /// Whether [`send`](Self::send) has something to do, and so must wait for the picture.
    pub(crate) fn needs_cpu(&self) -> bool {
        !self.shared || self.host.dma_buf
    }

    /// Whether the CPU may read [`memory`](Self::memory) at any time.
    pub(crate) fn is_readable(&self) -> bool {
        !self.host.dma_buf
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
