//! R'G'B' pictures as Y'CbCr, for encoders.
//!
//! BT.709 in limited range, 8 or 10 bits, a quarter of the chroma; the arithmetic and where the chroma
//! lies are in `matrix.rs`. Pictures of odd size get their last column or row twice, and those
//! smaller than 16x16 are padded in the same way, since encoders take nothing less.
//!
//! The result lies in a pool of memfds that the device knows as buffers of its own: an encoder in
//! another thread or process maps what the pass wrote, and nothing is copied. A buffer remembers
//! which tiles changed since it was last written, and only these are written again.

pub(crate) mod cpu;
pub(crate) mod curve;
pub(crate) mod decode;
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
use crate::shader::{self, Push, Source};
use crate::{Error, Grid, Route, TileSet, check_shape};

/// Writes what changed as Y'CbCr into buffers of its own.
pub struct Convert(pub(crate) Paint<Conversion>);

/// What [`Convert`] writes.
pub(crate) struct Conversion {
    pub(crate) format: PixelFormat,
    pub(crate) grid: Grid,
    pub(crate) layout: Layout,
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
        let painting = Conversion::new(descriptor, chroma)?;
        Ok(Self(Paint::new(device, painting.grid, painting, observer)))
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        Self(self.0.with_route(route))
    }

    /// As if the host's memory lay across a bus: for tests and measurements.
    #[must_use]
    pub fn with_far_host(self) -> Self {
        Self(self.0.with_far_host())
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
    const EACH: u32 = 8;

    fn output(&self) -> &Output {
        &self.output
    }

    fn code(&self, sight: Sight) -> Result<&'static [u32], Error> {
        use Chroma::{Deep, Interleaved, Planar};
        if sight == Sight::Buffers {
            return Err(Error::Sight(self.format.fourcc()));
        }
        Ok(match (Source::of(self.format), self.layout.chroma) {
            (Source::Bgr, Interleaved) => shader::CONVERT_BGR_NV12,
            (Source::Bgr, Planar) => shader::CONVERT_BGR_I420,
            (Source::Bgr, Deep) => shader::CONVERT_BGR_P010,
            (Source::Rgb, Interleaved) => shader::CONVERT_RGB_NV12,
            (Source::Rgb, Planar) => shader::CONVERT_RGB_I420,
            (Source::Rgb, Deep) => shader::CONVERT_RGB_P010,
            (Source::Half, Interleaved) => shader::CONVERT_HALF_NV12,
            (Source::Half, Planar) => shader::CONVERT_HALF_I420,
            (Source::Half, Deep) => shader::CONVERT_HALF_P010,
            (_, Interleaved) => shader::CONVERT_ANY_NV12,
            (_, Planar) => shader::CONVERT_ANY_I420,
            (_, Deep) => shader::CONVERT_ANY_P010,
        })
    }

    fn table(&self) -> Option<Vec<u32>> {
        shader::is_half(self.format).then(|| self.curve.words())
    }

    fn push(&self, _: &Image, count: u32, flags: u32) -> Push {
        self.job(Source::of(self.format), count, flags)
    }

    fn paint(&self, planes: &[Pixels<'_>], work: &Work<'_>, out: &mut [u8]) {
        convert_tiles(&planes[0], &self.twin(), work.tiles, out);
    }
}

impl Conversion {
    pub(crate) fn new(descriptor: &FrameDescriptor, chroma: Chroma) -> Result<Self, Error> {
        let format = PixelFormat::of(descriptor.fourcc)?;
        if !format.is_rgb() {
            return Err(Error::NotRgb(descriptor.fourcc));
        }
        let grid = Grid::of(descriptor.extent);
        let layout = Layout::of(descriptor.extent, chroma)?;
        Ok(Self {
            format,
            grid,
            layout,
            output: layout.output(),
            matrix: Matrix::for_format(format, chroma.bits()),
            curve: Curve::of(&descriptor.color),
        })
    }

    /// What the twin is told.
    pub(crate) fn twin(&self) -> Job<'_> {
        let Self { format, matrix, curve, layout, .. } = self;
        Job { format: *format, matrix: *matrix, curve, layout: *layout }
    }

    /// What a shader is told (`job.wgsl`).
    pub(crate) fn job(&self, source: Source, count: u32, flags: u32) -> Push {
        let Layout { stride, chroma_stride, cb, cr, .. } = self.layout;
        // Where the shader knows the places, in the order in which colours lie.
        let by_place = matches!(source, Source::EightWords | Source::TenWords);
        let swap = by_place && Source::of(self.format) == Source::Bgr;
        shader::job(source, self.format, self.grid, count, flags)
            .words(weights(&self.matrix.luma, swap))
            .words(weights(&self.matrix.blue, swap))
            .words(weights(&self.matrix.red, swap))
            .words([stride / 4, chroma_stride / 4, cb / 4, cr / 4])
    }
}

fn weights(weights: &Weights, swap: bool) -> [u32; 4] {
    let [r, g, b] = weights.rgb;
    let (first, third) = if swap { (b, r) } else { (r, b) };
    [first, g, third, weights.bias].map(i32::cast_unsigned)
}
