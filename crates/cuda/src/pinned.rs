//! Memory of the process that the device writes to.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use zerohop_kernel::Memfd;

use crate::{Device, Error, Locked, Place, Surface};

/// Rows without padding in a memfd of ours, locked in memory, so that copies to it run beside the
/// CPU ("page-locked host memory" in the manual). Others may map the memfd and read it there.
pub struct Pinned {
    memfd: Memfd,
    locked: Locked,
    rows: usize,
}

impl Pinned {
    /// Allocates `rows` rows of `row_bytes` and locks them.
    ///
    /// # Errors
    ///
    /// [`Error::Os`], [`Error::Call`], [`Error::Lost`].
    pub fn new(device: &Arc<Device>, row_bytes: usize, rows: usize) -> Result<Self, Error> {
        let size = row_bytes as u64 * rows as u64;
        let memfd = Memfd::create("zerohop-pinned", size);
        let memfd = memfd.map_err(|source| Error::Os { doing: "create a memfd", source })?;
        let locked = Locked::new(device, &memfd, row_bytes)?;
        Ok(Self { memfd, locked, rows })
    }

    /// The bytes. What a stream has not finished writing may change under the reader.
    pub fn bytes(&self) -> &[u8] {
        self.locked.bytes()
    }

    /// The bytes, to write them before a stream reads them: of one that no stream has.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.locked.bytes_mut()
    }

    /// Another descriptor of the same memory.
    ///
    /// # Errors
    ///
    /// [`Error::Os`].
    pub fn share(&self) -> Result<OwnedFd, Error> {
        let fd: BorrowedFd<'_> = self.memfd.as_fd();
        let doing = "duplicate a descriptor";
        fd.try_clone_to_owned().map_err(|source| Error::Os { doing, source })
    }
}

// SAFETY: the memfd has `rows` rows and cannot shrink; it is mapped until our drop.
unsafe impl Surface for Pinned {
    fn place(&self) -> Place {
        self.locked.place()
    }

    fn row_bytes(&self) -> usize {
        self.locked.row_bytes()
    }

    fn rows(&self) -> usize {
        self.rows
    }
}
