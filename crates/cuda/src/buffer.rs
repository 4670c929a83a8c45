//! A Vulkan buffer as CUDA sees it.

use std::sync::Arc;

use crate::abi::{BufferDesc, DevicePointer};
use crate::{Error, Memory};

/// Bytes of imported memory: a `VkBuffer`, or a `VkImage` with tiling `LINEAR`.
pub struct Buffer {
    memory: Arc<Memory>,
    pointer: DevicePointer,
    size: u64,
}

impl Buffer {
    /// Maps `size` bytes from byte `offset` of `memory` on.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`], [`Error::Call`].
    pub fn map(memory: &Arc<Memory>, offset: u64, size: u64) -> Result<Self, Error> {
        let needs = offset.saturating_add(size);
        if needs > memory.size() {
            return Err(Error::TooSmall { needs, has: memory.size() });
        }
        let desc = BufferDesc { offset, size, ..Default::default() };
        let mut pointer = 0;
        memory.device().call(
            || format!("map {size} bytes from byte {offset} on, of {}", memory.size()),
            // SAFETY: `pointer` is writable, the memory alive and large enough.
            |symbols| unsafe { symbols.map_buffer(&mut pointer, memory.raw(), &desc) },
        )?;
        Ok(Self { memory: Arc::clone(memory), pointer, size })
    }

    /// `CUdeviceptr`. Valid as long as `self`.
    pub fn pointer(&self) -> DevicePointer {
        self.pointer
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and to be freed like this ("cuExternalMemoryGetMappedBuffer");
        // streams hold an `Arc` of what their work uses.
        self.memory.device().free(|symbols| unsafe { symbols.free(self.pointer) });
    }
}
