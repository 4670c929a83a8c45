//! Memory of the process that the device writes to.

use std::ffi::c_void;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use zerohop_kernel::{MappingMut, Memfd};

use crate::{Device, Error, Place, Surface};

/// Rows without padding in a memfd of ours, locked in memory, so that copies to it run beside the
/// CPU ("page-locked host memory" in the manual). Others may map the memfd and read it there.
pub struct Pinned {
    device: Arc<Device>,
    memfd: Memfd,
    mapping: MappingMut,
    row_bytes: usize,
    rows: usize,
}

impl Pinned {
    /// Allocates `rows` rows of `row_bytes` and locks them.
    ///
    /// # Errors
    ///
    /// [`Error::Os`], [`Error::Call`], [`Error::Lost`].
    pub fn new(device: &Arc<Device>, row_bytes: usize, rows: usize) -> Result<Self, Error> {
        let os = |doing| move |source| Error::Os { doing, source };
        let size = row_bytes as u64 * rows as u64;
        let memfd = Memfd::create("zerohop-pinned", size).map_err(os("create a memfd"))?;
        let mapping = MappingMut::new(&memfd).map_err(os("map a memfd"))?;
        let (start, length) = (mapping.as_ptr().cast::<c_void>(), mapping.as_slice().len());
        device.call(
            || format!("lock {length} bytes in memory"),
            // SAFETY: the range is mapped, and stays until it is unregistered in our drop.
            |symbols| unsafe { symbols.host_register(start, length, 0) },
        )?;
        Ok(Self { device: Arc::clone(device), memfd, mapping, row_bytes, rows })
    }

    /// The bytes. What a stream has not finished writing may change under the reader.
    pub fn bytes(&self) -> &[u8] {
        self.mapping.as_slice()
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
        Place::Host { pointer: self.mapping.as_ptr(), pitch: self.row_bytes }
    }

    fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let start = self.mapping.as_ptr().cast::<c_void>();
        // SAFETY: registered by `new`; streams hold an `Arc` of what their work writes.
        self.device.free(|symbols| unsafe { symbols.host_unregister(start) });
    }
}
