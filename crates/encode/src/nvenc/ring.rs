//! Surfaces of our own on the GPU, used again and again.

use std::sync::Arc;

use zerohop_cuda::{Device, Pitched};
use zerohop_frame::Extent;
use zerohop_nvenc::{Encoder, Input};

use crate::Error;

/// Surfaces of one size, registered with one encoder. Whoever encodes one holds its input.
pub(super) struct Ring {
    extent: Extent,
    surfaces: Vec<(Arc<Pitched>, Arc<Input>)>,
}

impl Ring {
    pub(super) fn new(extent: Extent) -> Self {
        Self { extent, surfaces: Vec::new() }
    }

    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    /// A surface that nobody reads; a new one when all are read.
    pub(super) fn take<T: Send + 'static>(
        &mut self,
        device: &Arc<Device>,
        encoder: &Encoder<T>,
    ) -> Result<(Arc<Pitched>, Arc<Input>), Error> {
        let free = self.surfaces.iter().find(|(_, input)| Arc::strong_count(input) == 1);
        if let Some((surface, input)) = free {
            return Ok((Arc::clone(surface), Arc::clone(input)));
        }
        let (rows, bytes) = encoder.format().rows(self.extent);
        let surface = Arc::new(Pitched::new(device, bytes, rows)?);
        let input = encoder.register(Arc::clone(&surface) as _, self.extent)?;
        self.surfaces.push((Arc::clone(&surface), Arc::clone(&input)));
        Ok((surface, input))
    }
}
