//! The memory that a card shows: what is written through an application's own view of it is read
//! here, and the other way round, if the two are the same pages.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::ptr::null_mut;

use drm_ffi::{gem, mode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// `DRM_RDWR`.
const WRITABLE: u32 = 2;

/// What no picture holds by chance.
pub type Mark = [u8; 16];

/// The memory that a card shows.
#[derive(Debug)]
pub struct Scanout {
    memory: OwnedFd,
    start: *mut u8,
    length: usize,
}

impl Scanout {
    /// By the first CRTC that shows anything.
    ///
    /// # Errors
    ///
    /// No CRTC of `card` shows anything, or the kernel does not let us look.
    pub fn by(card: &Path) -> io::Result<Self> {
        let card = File::options().read(true).write(true).open(card)?;
        let mut crtcs = Vec::new();
        mode::get_resources(card.as_fd(), None, Some(&mut crtcs), None, None)?;
        let framebuffer = |crtc| mode::get_crtc(card.as_fd(), crtc).ok().map(|crtc| crtc.fb_id);
        let framebuffer = crtcs.into_iter().filter_map(framebuffer).find(|id| *id != 0);
        let none = io::Error::other("no CRTC shows anything");
        let info = mode::get_framebuffer(card.as_fd(), framebuffer.ok_or(none)?)?;
        let fd = gem::handle_to_fd(card.as_fd(), info.handle, WRITABLE)?.fd;
        // SAFETY: the call above made it for us.
        let memory = unsafe { OwnedFd::from_raw_fd(fd) };
        gem::close(card.as_fd(), info.handle)?;
        let length = (info.pitch * info.height) as usize;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping that nobody else knows.
        let start = unsafe { mmap(null_mut(), length, access, MapFlags::SHARED, &memory, 0) }?;
        Ok(Self { memory, start: start.cast(), length })
    }

    /// The number of its dma-buf, of which the kernel has one for each.
    ///
    /// # Panics
    ///
    /// The kernel does not tell.
    pub fn inode(&self) -> u64 {
        rustix::fs::fstat(&self.memory).expect("an open descriptor").st_ino
    }

    /// The offset of a page in the middle, in bytes.
    pub fn middle(&self) -> usize {
        self.length / 2 / PAGE * PAGE
    }

    /// Puts `mark` at the offset `at`, in bytes.
    ///
    /// # Panics
    ///
    /// It is outside.
    pub fn write(&self, at: usize, mark: Mark) {
        assert!(at + mark.len() <= self.length);
        // SAFETY: in the mapping; others may write too, and any bytes are valid.
        unsafe { self.start.wrapping_add(at).cast::<Mark>().write_volatile(mark) };
    }

    /// What is at the offset `at`, in bytes.
    ///
    /// # Panics
    ///
    /// It is outside.
    pub fn read(&self, at: usize) -> Mark {
        assert!(at + size_of::<Mark>() <= self.length);
        // SAFETY: as above.
        unsafe { self.start.wrapping_add(at).cast::<Mark>().read_volatile() }
    }
}

impl Drop for Scanout {
    fn drop(&mut self) {
        // SAFETY: mapped by `by`, and nobody has a reference to it.
        let _ = unsafe { munmap(self.start.cast(), self.length) };
    }
}
