//! Memory of somebody else's that the device reads.

use std::ffi::c_void;
use std::sync::Arc;

use zerohop_kernel::{MappingMut, Memfd};

use crate::{Device, Error, Place, Surface};

/// A memfd, mapped and locked in memory, so that copies from it run beside the CPU.
pub struct Locked {
    device: Arc<Device>,
    mapping: MappingMut,
    pitch: usize,
}

impl Locked {
    /// Locks `memfd`, whose rows are `pitch` bytes apart. Once for each memfd: a memory is locked once
    /// at a time.
    ///
    /// # Errors
    ///
    /// [`Error::Os`], [`Error::TooSmall`], [`Error::Call`], [`Error::Lost`].
    pub fn new(device: &Arc<Device>, memfd: &Memfd, pitch: usize) -> Result<Self, Error> {
        let mapping = MappingMut::new(memfd);
        let mapping = mapping.map_err(|source| Error::Os { doing: "map a memfd", source })?;
        let (start, length) = (mapping.as_ptr().cast::<c_void>(), mapping.as_slice().len());
        if pitch == 0 || length < pitch {
            return Err(Error::TooSmall { needs: pitch as u64, has: length as u64 });
        }
        device.call(
            || format!("lock {length} bytes in memory"),
            // SAFETY: the range is mapped, and stays until it is unregistered in our drop.
            |symbols| unsafe { symbols.host_register(start, length, 0) },
        )?;
        Ok(Self { device: Arc::clone(device), mapping, pitch })
    }
}

// SAFETY: the memfd cannot shrink, and is mapped until our drop: whole rows of it are there.
unsafe impl Surface for Locked {
    fn place(&self) -> Place {
        Place::Host { pointer: self.mapping.as_ptr(), pitch: self.pitch }
    }

    fn row_bytes(&self) -> usize {
        self.pitch
    }

    fn rows(&self) -> usize {
        self.mapping.as_slice().len() / self.pitch
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let start = self.mapping.as_ptr().cast::<c_void>();
        // SAFETY: registered by `new`; streams hold an `Arc` of what their work uses.
        self.device.free(|symbols| unsafe { symbols.host_unregister(start) });
    }
}
