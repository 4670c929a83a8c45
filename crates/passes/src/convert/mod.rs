//! R'G'B' pictures as Y'CbCr, for encoders.
//!
//! BT.709 in limited range, 8 bits, a quarter of the chroma; the arithmetic and where the chroma
//! lies are in `matrix.rs`. Pictures of odd size get their last column or row twice, and those
//! smaller than 16x16 are padded in the same way, since encoders take nothing less.
//!
//! The result lies in a pool of memfds that the device knows as buffers of its own: an encoder in
//! another thread or process maps what the pass wrote, and nothing is copied. A buffer remembers
//! which tiles changed since it was last written, and only these are written again.

mod cpu;
mod curve;
mod gpu;
mod layout;
mod matrix;
mod pool;

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{Damage, Frame, FrameDescriptor, FrameInfo, Observer, SyncPoint};
use zerohop_vulkan::{Device, Image, PixelFormat, wait_on_cpu};

use cpu::{Job, convert_tiles};
use curve::Curve;
use gpu::Gpu;
pub use layout::Chroma;
use layout::Layout;
use matrix::Matrix;
use pool::Pool;

use crate::{Error, Grid, Route, TileSet, check_shape};

/// Writes what changed as Y'CbCr into buffers of its own.
pub struct Convert {
    device: Arc<Device>,
    format: PixelFormat,
    grid: Grid,
    layout: Layout,
    matrix: Matrix,
    curve: Curve,
    route: Route,
    observer: Arc<dyn Observer>,
    pool: Pool,
    gpu: Option<Gpu>,
    /// The tiles that changed since the last frame that went out.
    since: TileSet,
}

impl Convert {
    /// For pictures of `descriptor`'s shape. Make a new one when it changes.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] names a format that no pass reads, [`Error::NotRgb`], [`Error::TooLarge`].
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        chroma: Chroma,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let format = PixelFormat::of(descriptor.fourcc)?;
        if !format.is_rgb() {
            return Err(Error::NotRgb(descriptor.fourcc));
        }
        let grid = Grid::of(descriptor.extent);
        let layout = Layout::of(descriptor.extent, chroma)?;
        Ok(Self {
            device: Arc::clone(device),
            format,
            grid,
            layout,
            matrix: Matrix::for_format(format),
            curve: Curve::of(&descriptor.color),
            route: Route::Best,
            observer,
            pool: Pool::new(device, layout, grid),
            gpu: None,
            since: TileSet::all(grid),
        })
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    /// What comes out.
    pub fn descriptor(&self) -> FrameDescriptor {
        self.layout.descriptor()
    }

    /// Notes that `tiles` changed in a picture that is not going to be converted.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another size of picture.
    pub fn skip(&mut self, tiles: &TileSet) {
        self.pool.mark(tiles);
        self.since.union_with(tiles);
    }

    /// Converts a picture that has `image` for its buffer, and of which `tiles` changed since the
    /// last one given to [`convert`](Self::convert) or [`skip`](Self::skip). The result has the
    /// times and the number of `frame`, and goes home to this pass. `None` when eight results are
    /// out and none has come back: the picture counts as skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which the picture counts as skipped.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another size of picture.
    pub fn convert(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        tiles: &TileSet,
    ) -> Result<Option<Arc<Frame>>, Error> {
        check_shape(self.grid.extent(), self.format.fourcc(), image)?;
        self.skip(tiles);
        let Some(index) = self.pool.take()? else { return Ok(None) };
        let acquire = self.write(index, frame, image)?;
        self.pool.lend(index, acquire.clone());
        let buffer = Arc::clone(&self.pool.slot(index).shared);
        let damage = Damage::Rects(ArrayVec::from_iter([self.since.bounds()]));
        self.since.clear();
        let info = FrameInfo { damage, ..frame.info().clone() };
        Ok(Some(Arc::new(Frame::new(buffer, info, acquire, self.pool.home()))))
    }

    /// Writes the stale tiles of a buffer.
    fn write(
        &mut self,
        index: usize,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<SyncPoint, Error> {
        let route = self.route.of(image);
        let slot = self.pool.slot(index);
        if let (Route::InPlace, Some(pixels)) = (route, image.pixels()) {
            wait_on_cpu(frame.acquire())?;
            let job = Job {
                format: self.format,
                matrix: self.matrix,
                curve: &self.curve,
                layout: self.layout,
            };
            convert_tiles(&pixels, &job, &slot.stale, slot.host.bytes_mut());
            return Ok(SyncPoint::Signaled);
        }
        let gpu = match self.gpu.take() {
            Some(gpu) => gpu,
            None => Gpu::new(&self.device, self.format, self.layout, self.grid, &self.curve)?,
        };
        let gpu = self.gpu.insert(gpu);
        let (point, copies) = gpu.write(frame, image, slot, &self.matrix)?;
        copies.report(frame, &*self.observer, "the device and the host do not share this memory");
        Ok(point)
    }
}
