//! What a descriptor from somebody else really is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{SeekFrom, fcntl_get_seals, fstat, fstatfs, seek};

use crate::sync_file;

/// `TMPFS_MAGIC`, the file system that memfds live in.
const TMPFS: i64 = 0x0102_1994;

/// `DMA_BUF_MAGIC`, the file system that dma-bufs live in since Linux 5.3.
const DMA_BUF: i64 = 0x444d_4142;

/// What a descriptor refers to, as far as Linux tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FdKind {
    /// A file in memory with ordinary pages: a memfd, or a file on a tmpfs.
    Memfd {
        /// Bytes.
        size: u64,
        /// Whether its size can never become smaller (`F_SEAL_SHRINK`).
        keeps_size: bool,
    },
    /// A dma-buf.
    DmaBuf {
        /// Bytes.
        size: u64,
    },
    /// A fence.
    SyncFile,
    /// Anything else, such as a driver's own device file.
    Other,
}

/// Finds out what `fd` is, without changing it.
///
/// A memfd of huge pages counts as [`FdKind::Other`]: reading one may kill the reader when the
/// machine has no huge page left.
///
/// # Errors
///
/// Whatever `fstatfs(2)` or `fstat(2)` report.
///
/// # References
///
/// `TMPFS_MAGIC` and `DMA_BUF_MAGIC` in `include/uapi/linux/magic.h`; `F_GET_SEALS` in
/// `fcntl(2)`; `dma_buf_llseek` in `drivers/dma-buf/dma-buf.c`, which answers `SEEK_END` with the
/// size; `SYNC_IOC_FILE_INFO` in `include/uapi/linux/sync_file.h`.
pub fn kind_of(fd: impl AsFd) -> io::Result<FdKind> {
    let fd = fd.as_fd();
    match fstatfs(fd)?.f_type {
        TMPFS => memory_file(fd),
        DMA_BUF => Ok(FdKind::DmaBuf { size: seek(fd, SeekFrom::End(0))? }),
        _ if sync_file::is_sync_file(fd) => Ok(FdKind::SyncFile),
        _ => Ok(FdKind::Other),
    }
}

fn memory_file(fd: BorrowedFd<'_>) -> io::Result<FdKind> {
    // A folder or a socket on a tmpfs knows no seals.
    let Ok(seals) = fcntl_get_seals(fd) else { return Ok(FdKind::Other) };
    // The seal first: after it, the size only grows.
    let keeps_size = seals.contains(rustix::fs::SealFlags::SHRINK);
    let size = u64::try_from(fstat(fd)?.st_size).unwrap_or_default();
    Ok(FdKind::Memfd { size, keeps_size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Eventfd, Memfd};

    #[test]
    fn a_memfd_tells_its_size_and_seal() {
        let memfd = Memfd::create("test", 100).unwrap();
        assert_eq!(kind_of(&memfd).unwrap(), FdKind::Memfd { size: 100, keeps_size: true });
        let loose = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        assert_eq!(kind_of(&loose).unwrap(), FdKind::Memfd { size: 0, keeps_size: false });
    }

    #[test]
    fn what_is_no_memory_is_other() {
        let pipe = rustix::pipe::pipe().unwrap().0;
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(kind_of(Eventfd::new().unwrap()).unwrap(), FdKind::Other);
        assert_eq!(kind_of(pipe).unwrap(), FdKind::Other);
        assert_eq!(kind_of(null).unwrap(), FdKind::Other);
        assert_eq!(kind_of(std::fs::File::open("/dev/shm").unwrap()).unwrap(), FdKind::Other);
    }
}
