//! A Vulkan image as CUDA sees it.

use std::sync::Arc;

use crate::abi::{ArrayDesc, MipmappedArrayDesc, RawArray, RawMipmappedArray};
use crate::{Error, Memory};

/// The one level of a `CUmipmappedArray` over a `VkImage` with tiling `OPTIMAL`. Where its pixels
/// lie is the driver's secret; copies and encoders take the array as it is.
pub struct Array {
    memory: Arc<Memory>,
    levels: RawMipmappedArray,
    raw: RawArray,
    desc: ArrayDesc,
}

impl Array {
    /// Maps the image that begins at byte 0 of `memory`.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn map(memory: &Arc<Memory>, desc: ArrayDesc) -> Result<Self, Error> {
        let shape = MipmappedArrayDesc { array: desc, levels: 1, ..Default::default() };
        let mut levels = RawMipmappedArray::NULL;
        memory.device().call(
            || format!("map {} bytes of memory as {desc:?}", memory.size()),
            // SAFETY: `levels` is writable, the memory alive.
            |symbols| unsafe { symbols.map_array(&mut levels, memory.raw(), &shape) },
        )?;
        let memory = Arc::clone(memory);
        let mut array = Self { memory, levels, raw: RawArray::NULL, desc };
        let raw = &mut array.raw;
        array.memory.device().call(
            || format!("take level 0 of {desc:?}"),
            // SAFETY: `raw` is writable, and there is a level 0.
            |symbols| unsafe { symbols.array_level(raw, levels, 0) },
        )?;
        Ok(array)
    }

    /// `CUarray`. Valid as long as `self`.
    pub fn raw(&self) -> RawArray {
        self.raw
    }

    /// How it was mapped.
    pub fn desc(&self) -> &ArrayDesc {
        &self.desc
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        // SAFETY: streams hold an `Arc` of what their work reads, so nothing uses it; the memory is
        // freed after us (field order does not matter: it is an `Arc` that we still hold).
        self.memory.device().free(|symbols| unsafe { symbols.destroy_array(self.levels) });
    }
}
