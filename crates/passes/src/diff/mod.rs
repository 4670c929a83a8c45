//! What changed from picture to picture, and a picture of it.
//!
//! [`Classify`] looks at the luma plane of a Y'CbCr picture where it lies, by the hashes of its 16x16
//! tiles; no old picture is kept. Of an R'G'B' picture it looks at all components. The result is
//! the luma of the tiles that changed, on black.
//!
//! Where a shader with subgroups sees all of a Y'CbCr picture, it reads each tile once: it finds the
//! hash, and writes the tile's luma from the same registers, or black. Everything else is done in two
//! passes, with the same result.

mod gpu;

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, Observer, SyncPoint};
use zerohop_vulkan::{Copies, Device, Image};

use crate::{Classify, Error, Grid, Luma, Route, TileSet, Verdict, check_shape};
use gpu::Gpu;

/// Finds out what changed, and shows it.
pub struct Diff {
    classify: Classify,
    luma: Luma,
    grid: Grid,
    gpu: Option<Gpu>,
    fused: bool,
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
        let grid = Grid::of(descriptor.extent);
        Ok(Self { classify, luma, grid, gpu: None, fused: true })
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

    /// Does the work in two passes: for tests and measurements.
    #[must_use]
    pub fn apart(self) -> Self {
        Self { fused: false, ..self }
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
        check_shape(self.grid.extent(), self.classify.fourcc, image)?;
        let fits = self.fused && Gpu::fits(&self.classify, &self.luma.0.painting, image);
        let index = if fits { self.luma.0.pool.take()? } else { None };
        let (verdict, shown) = match index {
            Some(index) => self.look(index, frame, image)?,
            None => (self.classify.classify(frame, image)?, None),
        };
        let none = TileSet::none(self.grid);
        let changed = verdict.tiles().unwrap_or(&none);
        let picture = match (index, shown) {
            (Some(index), Some(shown)) if shown == *changed => Some(self.lend(index, frame)?),
            _ => self.luma.part(frame, image, changed)?,
        };
        Ok(Difference { verdict, picture })
    }

    /// Looks at a picture and writes into buffer `index` what changed. Returns that, too, if all of
    /// the picture was looked at.
    fn look(
        &mut self,
        index: usize,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(Verdict, Option<TileSet>), Error> {
        let Self { classify: Classify { watch, hashes, route, .. }, luma, gpu, .. } = self;
        let (paint, route) = (&mut luma.0, route.of(image));
        hashes.report(frame, image);
        let made = match gpu.take().filter(|gpu| Some(gpu.sight()) == image.sight()) {
            Some(made) => made,
            None => Gpu::new(image, &paint.painting, paint.far)?,
        };
        let gpu = &*gpu.insert(made);
        let mut shown = None;
        let verdict = watch.judge(frame, route, &mut |look| {
            let known = hashes.for_shader(image, route)?;
            if !look.is_full() {
                return known.look(frame, image, look);
            }
            let slot = paint.pool.slot(index);
            let changed = gpu.look((&paint.painting, &known.known), (frame, image), slot)?;
            shown = Some(changed.clone());
            Ok(changed)
        })?;
        Ok((verdict, shown))
    }

    /// Sends out buffer `index`, which shows what changed in `frame`.
    fn lend(&mut self, index: usize, frame: &Arc<Frame>) -> Result<Arc<Frame>, Error> {
        let paint = &mut self.luma.0;
        paint.skip(&TileSet::all(self.grid));
        let (mut point, mut copies, mut down) = (SyncPoint::Signaled, Copies::default(), 0);
        if let Some(gpu) = &self.gpu {
            let slot = paint.pool.slot(index);
            (point, copies, down) = gpu.bring_down(&paint.painting, slot)?;
        }
        paint.report(frame, copies, down);
        Ok(paint.lend(index, frame, point))
    }
}
