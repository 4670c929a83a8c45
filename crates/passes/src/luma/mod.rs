//! The luma of any picture, 8 bits for each pixel.
//!
//! Of a Y'CbCr picture it is the codes of its first plane, in the range that they have: those of more
//! than 8 bits are rounded to the nearest, so that black stays 16 in limited range and 0 in full.
//! Of an R'G'B' picture it is `KR R' + KG G' + KB B'` in full range, with the weights of BT.709, or
//! of what its primaries say.
//!
//! Shader and twin agree bit for bit. Against real numbers both are off by half a code and no more
//! than a hundredth, so by one code at most; luma of 8 bits is what it was.

mod cpu;

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Extent, Fourcc, Frame, FrameDescriptor, Modifier, Observer, PlaneLayout, YCbCr,
};
use zerohop_vulkan::{Device, Image, PixelFormat, Pixels, Sight};

use cpu::{Codes, paint};

use crate::convert::curve::{self, Curve};
use crate::paint::{Output, Paint, Painting, Work};
use crate::shader::{self, Push};
use crate::ycbcr::{Kind, Range, push_planes};
use crate::{Error, Grid, Route, TILE, TileSet, check_shape};

/// Bits after the point.
const POINT: u32 = 24;

/// Writes the luma of what changed into buffers of its own.
pub struct Luma(Paint<LumaOf>);

/// What [`Luma`] writes.
struct LumaOf {
    fourcc: Fourcc,
    grid: Grid,
    output: Output,
    codes: Codes,
}

impl Luma {
    /// For pictures of `descriptor`'s shape. Make a new one when it changes.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] names a format that no pass reads, [`Error::TooLarge`].
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let grid = Grid::of(descriptor.extent);
        let fourcc = descriptor.fourcc;
        let (codes, color) = match fourcc.ycbcr() {
            Some(format) => (Codes::YCbCr(of_ycbcr(format, descriptor)), descriptor.color),
            None => {
                let format = PixelFormat::of(fourcc)?;
                if [Fourcc::GR88, Fourcc::GR1616].contains(&fourcc) {
                    return Err(Error::NotRgb(fourcc));
                }
                let color = Color { matrix: 1, full_range: true, ..descriptor.color };
                (of_pixels(format, &descriptor.color), color)
            }
        };
        let output = output(descriptor.extent, color)?;
        let painting = LumaOf { fourcc, grid, output, codes };
        Ok(Self(Paint::new(device, grid, painting, observer)))
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        Self(self.0.with_route(route))
    }

    /// What comes out: [`Fourcc::R8`].
    pub fn descriptor(&self) -> FrameDescriptor {
        self.0.painting.output.descriptor.clone()
    }

    /// Notes that `tiles` changed in a picture whose luma is not going to be written.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another size of picture.
    pub fn skip(&mut self, tiles: &TileSet) {
        self.0.skip(tiles);
    }

    /// The luma of a picture that has `image` for its buffer, and of which `tiles` changed since the
    /// last one given to [`luma`](Self::luma) or [`skip`](Self::skip). The result has the times and
    /// the number of `frame`, and goes home to this pass. `None` when eight results are out and none
    /// has come back: the picture counts as skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which the picture counts as skipped.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another size of picture.
    pub fn luma(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        tiles: &TileSet,
    ) -> Result<Option<Arc<Frame>>, Error> {
        check_shape(self.0.grid().extent(), self.0.painting.fourcc, image)?;
        self.0.write(frame, image, tiles, None)
    }

    /// As [`luma`](Self::luma), of a picture of which only `shown` is to be seen and the rest black.
    pub(crate) fn part(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        shown: &TileSet,
    ) -> Result<Option<Arc<Frame>>, Error> {
        check_shape(self.0.grid().extent(), self.0.painting.fourcc, image)?;
        let all = TileSet::all(self.0.grid());
        self.0.write(frame, image, &all, Some(shown))
    }
}

/// What a code of the luma plane weighs.
fn of_ycbcr(format: YCbCr, descriptor: &FrameDescriptor) -> cpu::Plane {
    let range = Range::of(descriptor.color.full_range, format.bits);
    let most = if descriptor.color.full_range { range.luma } else { 255 << (format.bits - 8) };
    let weight = weight(1.0, most);
    cpu::Plane { format, most, weight }
}

fn of_pixels(format: PixelFormat, color: &Color) -> Codes {
    if !format.is_rgb() {
        // One component that is luma already.
        let bits = if format.bytes() == 1 { 8 } else { 16 };
        let one = YCbCr { bits, shift: 0, shared: (1, 1), interleaved: true, swapped: false };
        let most = if color.full_range { (1 << bits) - 1 } else { 255 << (bits - 8) };
        return Codes::YCbCr(cpu::Plane { format: one, most, weight: weight(1.0, most) });
    }
    let kind = Kind::of_rgb(color);
    let max = match format.layout() {
        zerohop_vulkan::PixelLayout::Packed { channels: [r, g, b, _], .. } => {
            [r.max(), g.max(), b.max()]
        }
        zerohop_vulkan::PixelLayout::Half { .. } => [curve::MAX.into(); 3],
    };
    let parts = [kind.red, kind.green(), kind.blue];
    let weights = std::array::from_fn(|i| weight(parts[i], max[i]));
    Codes::Rgb { format, weights, curve: Curve::of(color) }
}

/// `part * 255 / most`, times 2^24. Rounded down, so that no sum is above 255.
fn weight(part: f64, most: u32) -> u32 {
    (part * 255.0 * f64::from(1 << POINT) / f64::from(most)) as u32
}

/// One plane with room for whole tiles.
fn output(extent: Extent, color: Color) -> Result<Output, Error> {
    const MAX: u32 = 1 << 14;
    if extent.width > MAX || extent.height > MAX {
        return Err(Error::TooLarge(extent));
    }
    let stride = extent.width.next_multiple_of(64);
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    let (fourcc, modifier) = (Fourcc::R8, Modifier::LINEAR);
    let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let size = stride * extent.height.next_multiple_of(TILE);
    Ok(Output { descriptor, steps: ArrayVec::from_iter([stride * TILE]), size })
}

impl Painting for LumaOf {
    const EACH: usize = 1;

    fn output(&self) -> &Output {
        &self.output
    }

    fn code(&self, sight: Sight) -> Result<&'static [u32], Error> {
        match (&self.codes, sight) {
            (Codes::YCbCr(_), Sight::Images) => Ok(shader::LUMA_YCBCR_IMAGES),
            (Codes::YCbCr(_), Sight::Buffers) => Ok(shader::LUMA_YCBCR_BUFFERS),
            (Codes::Rgb { .. }, Sight::Buffers) => Err(Error::Sight(self.fourcc)),
            (Codes::Rgb { format, .. }, _) if shader::is_half(*format) => Ok(shader::LUMA_HALF),
            (Codes::Rgb { .. }, _) => Ok(shader::LUMA_PACKED),
        }
    }

    fn table(&self) -> Option<Vec<u32>> {
        match &self.codes {
            Codes::Rgb { format, curve, .. } if shader::is_half(*format) => Some(curve.words()),
            _ => None,
        }
    }

    fn push(&self, image: &Image, count: u32) -> Push {
        let push = match &self.codes {
            Codes::YCbCr(plane) => push_planes(Push::default(), image, &plane.format).words([
                plane.most,
                plane.weight,
                0,
                0,
            ]),
            Codes::Rgb { format, weights: [r, g, b], .. } => {
                Push::default().floats(shader::scale(*format)).words([*r, *g, *b, 0])
            }
        };
        let extent = self.grid.extent();
        let stride = self.output.descriptor.planes[0].stride / 4;
        push.words([extent.width, extent.height, self.grid.columns(), count])
            .words([stride, 0, 0, 0])
    }

    fn paint(&self, planes: &[Pixels<'_>], work: &Work<'_>, out: &mut [u8]) {
        paint(&planes[0], &self.codes, &self.output, work, out);
    }
}
