//! Buffers of the card's own, to copy pictures into.

use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use arrayvec::ArrayVec;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, PlaneLayout, SharedBuffer,
};

use crate::error::Doing as _;
use crate::framebuffer::Gem;
use crate::{Card, Error};

/// A buffer that the card shows for certain, mapped for writing. To everybody else it is a dma-buf
/// like any other.
#[derive(Debug)]
pub struct Canvas {
    buffer: Arc<SharedBuffer>,
    stride: usize,
    pixels: NonNull<u8>,
    length: usize,
    _memory: Gem,
}

// SAFETY: a mapping belongs to the process, not to a thread (`mmap(2)`).
unsafe impl Send for Canvas {}
// SAFETY: through `&Canvas` the memory is not touched.
unsafe impl Sync for Canvas {}

impl Canvas {
    /// A black picture of `extent` in a format of 2 or 4 bytes per pixel.
    pub(crate) fn new(card: &Arc<Card>, extent: Extent, fourcc: Fourcc) -> Result<Self, Error> {
        let depth = if fourcc == Fourcc::RGB565 { 16 } else { 32 };
        let (width, height) = (extent.width, extent.height);
        let fd = card.as_fd();
        let made = drm_ffi::mode::dumbbuffer::create(fd, width, height, depth, 0)
            .doing("make a buffer of the card's own")?;
        let memory = Gem::adopt(card, made.handle);
        let flags = drm_ffi::DRM_CLOEXEC | drm_ffi::DRM_RDWR;
        let shared = drm_ffi::gem::handle_to_fd(fd, made.handle, flags)
            .doing("share a buffer of the card's own")?;
        // SAFETY: the call returns a new descriptor that nobody else holds.
        let shared = unsafe { OwnedFd::from_raw_fd(shared.fd) };
        let descriptor = FrameDescriptor {
            extent,
            fourcc,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: made.pitch }]),
            color: Color::SRGB,
        };
        let handles = ArrayVec::from_iter([MemoryHandle::DmaBuf(shared)]);
        let buffer = SharedBuffer::new(descriptor, handles).map_err(std::io::Error::other);
        let buffer = buffer.doing("describe a buffer of the card's own")?;
        let at = drm_ffi::mode::dumbbuffer::map(fd, made.handle, 0, 0)
            .doing("map a buffer of the card's own")?;
        let length = usize::try_from(made.size).unwrap_or(usize::MAX);
        let (anywhere, access) = (std::ptr::null_mut(), ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: the kernel chooses the address (no `MAP_FIXED`), so no other memory changes.
        let start = unsafe { mmap(anywhere, length, access, MapFlags::SHARED, fd, at.offset) };
        let start = start.map_err(Into::into).doing("map a buffer of the card's own")?;
        let pixels = NonNull::new(start.cast()).unwrap_or(NonNull::dangling());
        Ok(Self { buffer, stride: made.pitch as usize, pixels, length, _memory: memory })
    }

    /// The same memory, for a frame in it.
    pub fn buffer(&self) -> &Arc<SharedBuffer> {
        &self.buffer
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The pixels, to be written while the card does not show them. Memory that is slow to read.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: `new` mapped `length` writable bytes, they stay until our drop, and `&mut self`
        // says that nobody in this process has a slice of them.
        unsafe { std::slice::from_raw_parts_mut(self.pixels.as_ptr(), self.length) }
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // SAFETY: `new` mapped exactly this range, and slices of it borrow `self`.
        let _ = unsafe { munmap(self.pixels.as_ptr().cast(), self.length) };
    }
}
