//! Which kernel object a descriptor refers to.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::fstat;

/// Names the object behind a descriptor, as long as somebody holds it. Two descriptors of one memfd
/// or dma-buf have the same, whatever their numbers and whichever process they came from.
///
/// # References
///
/// `st_dev` and `st_ino` in `stat(3type)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    dev: u64,
    inode: u64,
}

impl FileId {
    /// The name of what `fd` refers to.
    ///
    /// # Errors
    ///
    /// Whatever `fstat(2)` reports.
    pub fn of(fd: impl AsFd) -> io::Result<Self> {
        let stat = fstat(fd)?;
        Ok(Self { dev: stat.st_dev, inode: stat.st_ino })
    }
}

/// What a descriptor refers to, as far as `fstat(2)` can tell kinds apart: two memfds are of one kind, and
/// so are two handles of one driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// File type bits of `st_mode`.
    kind: u32,
    /// The file system.
    dev: u64,
    /// The device, of a device node.
    rdev: u64,
}

impl FileKind {
    /// The kind of what `fd` refers to.
    ///
    /// # Errors
    ///
    /// Whatever `fstat(2)` reports.
    pub fn of(fd: impl AsFd) -> io::Result<Self> {
        let stat = fstat(fd)?;
        Ok(Self { kind: stat.st_mode & 0o170_000, dev: stat.st_dev, rdev: stat.st_rdev })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memfd;

    #[test]
    fn a_duplicate_is_the_same_and_another_memfd_is_not() {
        let one = Memfd::create("test", 1).unwrap();
        let same = one.as_fd().try_clone_to_owned().unwrap();
        let other = Memfd::create("test", 1).unwrap();
        assert_eq!(FileId::of(&one).unwrap(), FileId::of(&same).unwrap());
        assert_ne!(FileId::of(&one).unwrap(), FileId::of(&other).unwrap());
        assert_eq!(FileKind::of(&one).unwrap(), FileKind::of(&other).unwrap());
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_ne!(FileKind::of(&one).unwrap(), FileKind::of(&null).unwrap());
    }
}
