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
pub(crate) mod curve;
mod layout;
mod matrix;

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, Observer};
use zerohop_vulkan::{Device, Image, PixelFormat, Pixels, Sight};

use cpu::{Job, convert_tiles};
use curve::Curve;
pub use layout::Chroma;
use layout::Layout;
use matrix::{Matrix, Weights};

use crate::paint::{Output, Paint, Painting, Work};
use crate::shader::{self, Push};
use crate::{Error, Grid, Route, TileSet, check_shape};

/// Writes what changed as Y'CbCr into buffers of its own.
pub struct Convert(Paint<Conversion>);

/// What [`Convert`] writes.
struct Conversion {
    format: PixelFormat,
    grid: Grid,
    layout: Layout,
    output: Output,
    matrix: Matrix,
    curve: Curve,
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
        let painting = Conversion {
            format,
            grid,
            layout,
            output: layout.output(),
            matrix: Matrix::for_format(format),
            curve: Curve::of(&descriptor.color),
        };
        Ok(Self(Paint::new(device, grid, painting, observer)))
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        Self(self.0.with_route(route))
    }

    /// What comes out.
    pub fn descriptor(&self) -> FrameDescriptor {
        self.0.painting.output.descriptor.clone()
    }

    /// Notes that `tiles` changed in a picture that is not going to be converted.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another size of picture.
    pub fn skip(&mut self, tiles: &TileSet) {
        self.0.skip(tiles);
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
        check_shape(self.0.grid().extent(), self.0.painting.format.fourcc(), image)?;
        self.0.write(frame, image, tiles, None)
    }
}

impl Painting for Conversion {
    const EACH: usize = 8;

    fn output(&self) -> &Output {
        &self.output
    }

    fn code(&self, sight: Sight) -> Result<&'static [u32], Error> {
        match (sight, shader::is_half(self.format), self.layout.chroma) {
            (Sight::Buffers, ..) => Err(Error::Sight(self.format.fourcc())),
            (_, false, Chroma::Interleaved) => Ok(shader::CONVERT_PACKED_NV12),
            (_, false, Chroma::Planar) => Ok(shader::CONVERT_PACKED_I420),
            (_, true, Chroma::Interleaved) => Ok(shader::CONVERT_HALF_NV12),
            (_, true, Chroma::Planar) => Ok(shader::CONVERT_HALF_I420),
        }
    }

    fn table(&self) -> Option<Vec<u32>> {
        shader::is_half(self.format).then(|| self.curve.words())
    }

    fn push(&self, _: &Image, count: u32) -> Push {
        let Layout { stride, chroma_stride, cb, cr, .. } = self.layout;
        let extent = self.grid.extent();
        Push::default()
            .floats(shader::scale(self.format))
            .words(weights(&self.matrix.luma))
            .words(weights(&self.matrix.blue))
            .words(weights(&self.matrix.red))
            .words([extent.width, extent.height, self.grid.columns(), count])
            .words([stride / 4, chroma_stride / 4, cb / 4, cr / 4])
    }

    fn paint(&self, planes: &[Pixels<'_>], work: &Work<'_>, out: &mut [u8]) {
        let Self { format, matrix, curve, layout, .. } = self;
        let job = Job { format: *format, matrix: *matrix, curve, layout: *layout };
        convert_tiles(&planes[0], &job, work.tiles, out);
    }
}

fn weights(weights: &Weights) -> [u32; 4] {
    let [r, g, b] = weights.rgb;
    [r, g, b, weights.bias].map(i32::cast_unsigned)
}
