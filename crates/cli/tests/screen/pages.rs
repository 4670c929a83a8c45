//! Whether a screen reads the memory that an application has: what is written through one is read
//! through the other.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::ptr::null_mut;

use drm_ffi::{gem, mode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::process::Pid;

/// Bytes of a page.
const PAGE: usize = 4096;
/// `DRM_RDWR`.
const WRITABLE: u32 = 2;
/// What no picture holds by chance.
pub(crate) type Mark = [u8; 16];

/// The memory that a card shows.
pub(crate) struct Shown {
    memory: OwnedFd,
    start: *mut u8,
    length: usize,
}

impl Shown {
    /// By the first CRTC that shows anything.
    pub(crate) fn by(card: &Path) -> io::Result<Self> {
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
    pub(crate) fn inode(&self) -> u64 {
        rustix::fs::fstat(&self.memory).unwrap().st_ino
    }

    /// The offset of a page in the middle, in bytes.
    pub(crate) fn middle(&self) -> usize {
        self.length / 2 / PAGE * PAGE
    }

    pub(crate) fn write(&self, at: usize, mark: Mark) {
        assert!(at + mark.len() <= self.length);
        // SAFETY: in the mapping; others may write too, and any bytes are valid.
        unsafe { self.start.wrapping_add(at).cast::<Mark>().write_volatile(mark) };
    }

    pub(crate) fn read(&self, at: usize) -> Mark {
        assert!(at + size_of::<Mark>() <= self.length);
        // SAFETY: as above.
        unsafe { self.start.wrapping_add(at).cast::<Mark>().read_volatile() }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // SAFETY: mapped by `by`, and nobody has a reference to it.
        let _ = unsafe { munmap(self.start.cast(), self.length) };
    }
}

/// Another process, looked into.
pub(crate) struct Process {
    folder: String,
    memory: File,
}

impl Process {
    /// The process with that number.
    pub(crate) fn open(id: Pid) -> io::Result<Self> {
        let folder = format!("/proc/{}", id.as_raw_nonzero());
        let memory = File::options().read(true).write(true).open(format!("{folder}/mem"))?;
        Ok(Self { folder, memory })
    }

    /// The one whose first argument is `word`.
    pub(crate) fn with_argument(word: &str) -> Option<Self> {
        let entries = fs::read_dir("/proc").ok()?.flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let has = |id: &i32| {
            let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).nth(1) == Some(word.as_bytes())
        };
        let id = ids.into_iter().find(has)?;
        Self::open(Pid::from_raw(id)?).ok()
    }

    /// Whether it has that dma-buf open.
    pub(crate) fn holds(&self, inode: u64) -> bool {
        let files = fs::read_dir(format!("{}/fd", self.folder)).unwrap().flatten();
        let mut inodes = files.filter_map(|file| Some(fs::metadata(file.path()).ok()?.ino()));
        inodes.any(|one| one == inode)
    }

    /// The address of a page that begins with `mark`, in memory that it shares.
    pub(crate) fn find(&self, mark: Mark) -> Option<usize> {
        let pages = self.shared().into_iter().flat_map(|range| range.step_by(PAGE));
        pages.into_iter().find(|page| self.read(*page) == Some(mark))
    }

    fn shared(&self) -> Vec<Range<usize>> {
        let maps = fs::read_to_string(format!("{}/maps", self.folder)).unwrap();
        let number = |text: &str| usize::from_str_radix(text, 16).unwrap();
        let range = |line: &str| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            (rest.contains("memfd:") || rest.contains("dmabuf")).then(|| number(start)..number(end))
        };
        maps.lines().filter_map(range).collect()
    }

    fn read(&self, address: usize) -> Option<Mark> {
        let mut mark = Mark::default();
        self.memory.read_exact_at(&mut mark, address as u64).ok().map(|()| mark)
    }

    pub(crate) fn write(&self, address: usize, mark: Mark) -> io::Result<()> {
        self.memory.write_all_at(&mark, address as u64)
    }

    /// What it shares with others, for who does not find what should be there.
    pub(crate) fn sharing(&self) -> String {
        let maps = fs::read_to_string(format!("{}/maps", self.folder)).unwrap();
        let shared = |line: &&str| line.contains("memfd:") || line.contains("dmabuf");
        let shared: Vec<_> = maps.lines().filter(shared).collect();
        format!("{} of {} mappings: {}", shared.len(), maps.lines().count(), shared.join("\n"))
    }
}
