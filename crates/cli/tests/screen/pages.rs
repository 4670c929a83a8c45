//! The memory of another process: what it shares, and what is in it.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use rustix::process::Pid;
use zerohop_testkit::scanout::{Mark, PAGE};

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
