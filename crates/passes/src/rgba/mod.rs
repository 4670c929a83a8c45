//! Y'CbCr pictures as R'G'B', 8 bits for each component.
//!
//! Any format of two or three planes and 8 to 16 bits, BT.601, BT.709 and BT.2020 with non-constant
//! luminance, limited and full range; the arithmetic is in `matrix.rs`. Chroma that pixels share is
//! mixed linearly from the samples around each, by where they lie ([`Siting`]). The transfer stays
//! what it is: codes of BT.709 or PQ come out as such.
//!
//! Shader and twin agree bit for bit; against real numbers both are within one code.

mod cpu;
mod matrix;
mod siting;

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Extent, Fourcc, Frame, FrameDescriptor, Modifier, Observer, PlaneLayout, Siting,
};
use zerohop_vulkan::{Device, Image, Pixels, Sight};

use cpu::{Job, paint};
use matrix::Matrix;
use siting::places;

use crate::paint::{Output, Paint, Painting, Work};
use crate::shader::{self, Push};
use crate::ycbcr::{Kind, Range, format_of, push_planes};
use crate::{Error, Grid, Route, TILE, TileSet, check_shape};

/// Writes what changed as R'G'B' into buffers of its own.
pub struct Rgba(Paint<Colors>);

/// What [`Rgba`] writes.
struct Colors {
    fourcc: Fourcc,
    grid: Grid,
    output: Output,
    job: Job,
}

impl Rgba {
    /// For pictures of `descriptor`'s shape and colour. Make a new one when they change.
    ///
    /// # Errors
    ///
    /// [`Error::NotYCbCr`], [`Error::Matrix`], [`Error::TooLarge`].
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        siting: Siting,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let format = format_of(descriptor)?;
        let FrameDescriptor { extent, fourcc, color, .. } = *descriptor;
        let kind = Kind::of(&color, extent)?;
        let output = output(extent, color)?;
        let (across, down) = format.shared;
        let job = Job {
            format,
            matrix: Matrix::of(kind, Range::of(color.full_range, format.bits)),
            places: places(siting, &format),
            chroma: Extent {
                width: extent.width.div_ceil(across),
                height: extent.height.div_ceil(down),
            },
            stride: output.descriptor.planes[0].stride as usize,
        };
        let grid = Grid::of(extent);
        let painting = Colors { fourcc, grid, output, job };
        Ok(Self(Paint::new(device, grid, painting, observer)))
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        Self(self.0.with_route(route))
    }

    /// What comes out: [`Fourcc::XBGR8888`], whose fourth byte is 255.
    pub fn descriptor(&self) -> FrameDescriptor {
        self.0.painting.output.descriptor.clone()
    }

    /// Notes that `tiles` changed in a picture that is not going to be converted.
    ///
    /// # Panics
    ///
    /// When `tiles` is of another size of picture.
    pub fn skip(&mut self, tiles: &TileSet) {
        self.0.skip(&tiles.grown());
    }

    /// Converts a picture that has `image` for its buffer, and of which `tiles` changed since the
    /// last one given to [`convert`](Self::convert) or [`skip`](Self::skip): these and those beside
    /// them, which share chroma with them, are written. The result has the times and the number of
    /// `frame`, and goes home to this pass. `None` when eight results are out and none has come
    /// back: the picture counts as skipped.
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
        check_shape(self.0.grid().extent(), self.0.painting.fourcc, image)?;
        self.0.write(frame, image, &tiles.grown(), None)
    }
}

/// One plane with room for whole tiles.
fn output(extent: Extent, color: Color) -> Result<Output, Error> {
    const MAX: u32 = 1 << 14;
    if extent.width > MAX || extent.height > MAX {
        return Err(Error::TooLarge(extent));
    }
    let stride = extent.width.next_multiple_of(TILE) * 4;
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    let color = Color { matrix: 0, full_range: true, siting: None, ..color };
    let (fourcc, modifier) = (Fourcc::XBGR8888, Modifier::LINEAR);
    let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let size = stride * extent.height.next_multiple_of(TILE);
    Ok(Output { descriptor, steps: ArrayVec::from_iter([stride * TILE]), size })
}

impl Painting for Colors {
    const EACH: u32 = 8;

    fn output(&self) -> &Output {
        &self.output
    }

    fn code(&self, sight: Sight) -> Result<&'static [u32], Error> {
        let format = &self.job.format;
        Ok(match (sight == Sight::Buffers, format.interleaved, format.bytes()) {
            (false, true, 1) => shader::RGBA_IMAGES_PAIRS_BYTE,
            (false, true, _) => shader::RGBA_IMAGES_PAIRS_SHORT,
            (false, false, 1) => shader::RGBA_IMAGES_PLANAR_BYTE,
            (false, false, _) => shader::RGBA_IMAGES_PLANAR_SHORT,
            (true, true, 1) => shader::RGBA_BUFFERS_PAIRS_BYTE,
            (true, true, _) => shader::RGBA_BUFFERS_PAIRS_SHORT,
            (true, false, 1) => shader::RGBA_BUFFERS_PLANAR_BYTE,
            (true, false, _) => shader::RGBA_BUFFERS_PLANAR_SHORT,
        })
    }

    fn push(&self, image: &Image, count: u32, flags: u32) -> Push {
        let Job { format, matrix, places: [across, down], chroma, stride } = self.job;
        let extent = self.grid.extent();
        let lie = (across as u32) << 2 | (down as u32) << 4;
        let Matrix { black, middle, luma, red, green: [cb, cr], blue } = matrix;
        // Of the component that comes first in memory, and the second; and the bits of what they make.
        let [(first, green_of_first, first_at), (second, green_of_second, second_at)] =
            if format.swapped {
                [(red, cr, 0), (blue, cb, 16)]
            } else {
                [(blue, cb, 16), (red, cr, 0)]
            };
        push_planes(Push::default(), image, &format)
            .words([extent.width, extent.height, chroma.width, chroma.height])
            .list(self.grid, count, flags)
            .words([stride as u32 / 4, lie])
            .words([black, middle, luma, second].map(i32::cast_unsigned))
            .words([green_of_first, green_of_second, first].map(i32::cast_unsigned))
            .words([first_at, second_at, 0])
    }

    fn paint(&self, planes: &[Pixels<'_>], work: &Work<'_>, out: &mut [u8]) {
        paint(planes, &self.job, work.tiles, out);
    }
}
