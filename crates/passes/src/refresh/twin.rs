//! The twin over pictures in plain memory: for tests and measurements.

use std::sync::Arc;

use zerohop_frame::FrameDescriptor;

use super::cpu::{Kept, look};
use crate::classify::{Hash, Keys};
use crate::convert::Conversion;
use crate::{Chroma, Classify, Error, Grid, Rows, TileSet};

/// What [`Refresh`](crate::Refresh) does, by the CPU, into plain memory.
pub struct Twin {
    conversion: Conversion,
    keys: Arc<Keys>,
    hashes: Vec<Hash>,
    stale: TileSet,
    out: Vec<u8>,
}

impl Twin {
    /// For pictures of `descriptor`'s shape.
    ///
    /// # Errors
    ///
    /// As [`Convert::new`](crate::Convert::new).
    pub fn new(descriptor: &FrameDescriptor, chroma: Chroma) -> Result<Self, Error> {
        let conversion = Conversion::new(descriptor, chroma)?;
        let grid = Grid::of(descriptor.extent);
        Ok(Self {
            keys: Arc::new(Keys::random(conversion.format)),
            hashes: vec![[0; 2]; grid.len()],
            stale: TileSet::all(grid),
            out: vec![0; conversion.layout.size as usize],
            conversion,
        })
    }

    /// Makes the hashes that `other` makes.
    #[must_use]
    pub fn with_keys_of(self, other: &Classify) -> Self {
        Self { keys: Arc::clone(&other.hashes.keys), ..self }
    }

    /// Looks at all of a picture, writes what changed, and returns that.
    ///
    /// # Panics
    ///
    /// When `picture` has not all pixels.
    pub fn look(&mut self, picture: &impl Rows) -> TileSet {
        let Self { conversion, keys, hashes, stale, out } = self;
        let all = TileSet::all(stale.grid());
        look(picture, conversion, &all, Kept { keys, hashes, stale, out })
    }

    /// The hashes of the picture.
    pub fn hashes(&self) -> &[[u64; 2]] {
        &self.hashes
    }
}
