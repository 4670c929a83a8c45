//! What changed from picture to picture, and a picture of it.
//!
//! [`Classify`] looks at the luma plane of a Y'CbCr picture where it lies, by the hashes of its 16x16
//! tiles; no old picture is kept. Of an R'G'B' picture it looks at all components. The result is
//! the luma of the tiles that changed, on black.

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, Observer};
use zerohop_vulkan::{Device, Image};

use crate::{Classify, Error, Grid, Luma, Route, TileSet, Verdict};

/// Finds out what changed, and shows it.
pub struct Diff {
    classify: Classify,
    luma: Luma,
    grid: Grid,
}

/// What changed in a picture.
pub struct Difference {
    /// What became of the picture since the one before it.
    pub verdict: Verdict,
    /// The luma of the tiles that changed, on black. `None` when eight are out and none has come
    /// back.
    pub picture: Option<Arc<Frame>>,
}

impl Diff {
    /// For pictures of `descriptor`'s shape. Make a new one when it changes.
    ///
    /// # Errors
    ///
    /// As [`Luma::new`].
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let classify = Classify::new(device, descriptor, Arc::clone(&observer))?;
        let luma = Luma::new(device, descriptor, observer)?;
        Ok(Self { classify, luma, grid: Grid::of(descriptor.extent) })
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        let (classify, luma) = (self.classify.with_route(route), self.luma.with_route(route));
        Self { classify, luma, ..self }
    }

    /// Leaves what it writes in memory of the device, as [`Luma::staying`].
    #[must_use]
    pub fn staying(self) -> Self {
        Self { luma: self.luma.staying(), ..self }
    }

    /// What comes out.
    pub fn descriptor(&self) -> FrameDescriptor {
        self.luma.descriptor()
    }

    /// Compares a picture that has `image` for its buffer with the one before it. Everything of the
    /// first one has changed.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which everything counts as changed.
    pub fn diff(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Difference, Error> {
        let verdict = self.classify.classify(frame, image)?;
        let none = TileSet::none(self.grid);
        let picture = self.luma.part(frame, image, verdict.tiles().unwrap_or(&none))?;
        Ok(Difference { verdict, picture })
    }
}
