//! Memory with a descriptor and a size that can be trusted.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use crate::{FdKind, kind_of};

/// A memfd whose size cannot shrink, so that a mapping of it stays readable whatever its other
/// holders do.
///
/// # References
///
/// `memfd_create(2)`, `F_ADD_SEALS` in `fcntl(2)`.
#[derive(Debug)]
pub struct Memfd {
    fd: OwnedFd,
    size: u64,
}

/// Why a descriptor is not a [`Memfd`].
#[derive(Debug)]
#[non_exhaustive]
pub enum SealError {
    /// It refers to something else.
    Kind(FdKind),
    /// It can shrink while it is read.
    Unsealed {
        /// Its size now, in bytes.
        size: u64,
    },
    /// It did not answer.
    Io(io::Error),
}

impl std::fmt::Display for SealError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "not a memfd but {kind:?}"),
            Self::Unsealed { size } => {
                write!(f, "the memfd of {size} bytes is not sealed against shrinking")
            }
            Self::Io(_) => write!(f, "the descriptor does not say what it is"),
        }
    }
}

impl std::error::Error for SealError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(err) => Some(err),
            Self::Kind(_) | Self::Unsealed { .. } => None,
        }
    }
}

impl Memfd {
    /// A new one of `size` zero bytes, sealed against every change of size. `name` shows in
    /// `/proc/self/maps`.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` without a free descriptor, `EFBIG` for an impossible size.
    pub fn create(name: &str, size: u64) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // `NOEXEC_SEAL` keeps newer kernels from complaining; Linux before 6.3 does not know it.
        let fd = memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| memfd_create(name, flags))?;
        ftruncate(&fd, size)?;
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self { fd, size })
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Seals somebody else's memfd against shrinking from now on.
///
/// # Errors
///
/// `EPERM` when its maker has ruled out further seals, `EINVAL` when it is no memfd.
pub fn keep_size(memfd: impl AsFd) -> io::Result<()> {
    Ok(fcntl_add_seals(memfd, SealFlags::SHRINK)?)
}

impl TryFrom<OwnedFd> for Memfd {
    type Error = SealError;

    /// Takes a descriptor from somebody else if it is a memfd that cannot shrink.
    fn try_from(fd: OwnedFd) -> Result<Self, SealError> {
        match kind_of(&fd).map_err(SealError::Io)? {
            FdKind::Memfd { size, keeps_size: true } => Ok(Self { fd, size }),
            FdKind::Memfd { size, keeps_size: false } => Err(SealError::Unsealed { size }),
            kind => Err(SealError::Kind(kind)),
        }
    }
}

impl From<Memfd> for OwnedFd {
    fn from(memfd: Memfd) -> Self {
        memfd.fd
    }
}

impl AsFd for Memfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_memfd_keeps_its_size() {
        let memfd = Memfd::create("test", 4096).unwrap();
        assert_eq!(ftruncate(&memfd, 0), Err(rustix::io::Errno::PERM));
        assert_eq!(ftruncate(&memfd, 8192), Err(rustix::io::Errno::PERM));
        assert_eq!(Memfd::try_from(OwnedFd::from(memfd)).unwrap().size(), 4096);
    }

    #[test]
    fn a_memfd_that_can_shrink_is_refused() {
        let loose = memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&loose, 12).unwrap();
        let err = Memfd::try_from(loose).unwrap_err();
        assert_eq!(err.to_string(), "the memfd of 12 bytes is not sealed against shrinking");
    }

    #[test]
    fn somebody_elses_memfd_can_be_kept_from_shrinking() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let theirs = memfd_create("test", flags).unwrap();
        ftruncate(&theirs, 12).unwrap();
        keep_size(&theirs).unwrap();
        assert_eq!(ftruncate(&theirs, 0), Err(rustix::io::Errno::PERM));
        let unsealable = memfd_create("test", MemfdFlags::CLOEXEC).unwrap();
        assert_eq!(keep_size(&unsealable).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_plain_file_is_refused() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let err = Memfd::try_from(OwnedFd::from(file)).unwrap_err();
        assert_eq!(err.to_string(), "not a memfd but Other");
    }
}
