//! Memory that somebody else allocated.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use zerohop_kernel::Handed;

use crate::abi::{DEDICATED, MEMORY_OPAQUE_FD, MemoryHandleDesc, RawHandle, RawMemory};
use crate::{Device, Error};

/// A `CUexternalMemory`: a `VkDeviceMemory` of the same GPU, by its `OPAQUE_FD`.
pub struct Memory {
    device: Arc<Device>,
    raw: RawMemory,
    size: u64,
}

impl Memory {
    /// Imports `size` bytes (`VkMemoryAllocateInfo::allocationSize`); `dedicated` when they were
    /// allocated for one image or buffer. `fd` stays the caller's.
    ///
    /// Give it a descriptor that Vulkan imported before, or made: a driver may take any other kind
    /// of file badly.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Os`].
    ///
    /// # References
    ///
    /// `cuImportExternalMemory`: "ownership of the file descriptor is transferred to the CUDA driver
    /// when the handle is imported successfully". So it gets a copy, which is ours
    /// when it fails; but driver 580 closes it then too, see [`Handed`].
    pub fn import(
        device: &Arc<Device>,
        fd: BorrowedFd<'_>,
        size: u64,
        dedicated: bool,
    ) -> Result<Arc<Self>, Error> {
        let fd = Handed::new(fd)
            .map_err(|source| Error::Os { doing: "duplicate a descriptor", source })?;
        let handle = MemoryHandleDesc {
            kind: MEMORY_OPAQUE_FD,
            handle: RawHandle { fd: fd.raw() },
            size,
            flags: if dedicated { DEDICATED } else { 0 },
            reserved: [0; 16],
        };
        let mut raw = RawMemory::NULL;
        device.call(
            || format!("import {size} bytes of opaque memory, dedicated: {dedicated}"),
            // SAFETY: `raw` is writable, and `handle` names an open descriptor.
            |symbols| unsafe { symbols.import_memory(&mut raw, &handle) },
        )?;
        fd.taken();
        Ok(Arc::new(Self { device: Arc::clone(device), raw, size }))
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn device(&self) -> &Arc<Device> {
        &self.device
    }

    pub(crate) fn raw(&self) -> RawMemory {
        self.raw
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: arrays and buffers over the memory hold an `Arc` of us, so none is left
        // ("cuDestroyExternalMemory").
        self.device.free(|symbols| unsafe { symbols.destroy_memory(self.raw) });
    }
}
