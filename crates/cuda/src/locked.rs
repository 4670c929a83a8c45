//! Memory of somebody else's that the device reads.

use std::ffi::c_void;
use std::sync::Arc;

use zerohop_kernel::{MappingMut, Memfd};

use crate::{Device, Error, Place, Surface};

/// The least that a mapping has.
const PAGE: usize = 4096;

/// A memfd, mapped and locked in memory, so that copies from it run beside the CPU.
pub struct Locked {
    device: Arc<Device>,
    mapping: MappingMut,
    /// How much of it is locked.
    length: usize,
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
        Self::first(device, memfd, memfd.size(), pitch)
    }

    /// As [`new`](Self::new), of the first `bytes` only, in whole pages.
    pub(crate) fn first(
        device: &Arc<Device>,
        memfd: &Memfd,
        bytes: u64,
        pitch: usize,
    ) -> Result<Self, Error> {
        let mapping = MappingMut::new(memfd);
        let mapping = mapping.map_err(|source| Error::Os { doing: "map a memfd", source })?;
        let (start, has) = (mapping.as_ptr().cast::<c_void>(), mapping.as_slice().len());
        let length = usize::try_from(bytes).unwrap_or(usize::MAX);
        let too_small = |needs| Error::TooSmall { needs, has: has as u64 };
        if pitch == 0 || has < pitch {
            return Err(too_small(pitch as u64));
        }
        if length == 0 || length > has {
            return Err(too_small(bytes));
        }
        let length = length.next_multiple_of(PAGE).min(has);
        device.call(
            || format!("lock {length} bytes in memory"),
            // SAFETY: the range is mapped, and stays until it is unregistered in our drop.
            |symbols| unsafe { symbols.host_register(start, length, 0) },
        )?;
        Ok(Self { device: Arc::clone(device), mapping, length, pitch })
    }

    /// The bytes of the whole memfd.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.mapping.as_slice()
    }

    /// The same, to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.mapping.as_mut_slice()
    }

    /// The first byte.
    pub(crate) fn pointer(&self) -> *mut u8 {
        self.mapping.as_ptr()
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
        self.length / self.pitch
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let start = self.mapping.as_ptr().cast::<c_void>();
        // SAFETY: registered by `new`; streams hold an `Arc` of what their work uses.
        self.device.free(|symbols| unsafe { symbols.host_unregister(start) });
    }
}
