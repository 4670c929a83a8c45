//! The luma of any picture, 8 bits for each pixel.
//!
//! Of a Y'CbCr picture it is the codes of its first plane, in the range that they have: those of more
//! than 8 bits are rounded to the nearest, so that black stays 16 in limited range and 0 in full.
//! Of an R'G'B' picture it is `KR R' + KG G' + KB B'` in full range, with the weights of BT.709, or
//! of what its primaries say.
//!
//! Shader and twin agree bit for bit. Against real numbers both are off by half a code and no more
//! than a hundredth, so by one code at most; luma of 8 bits is what it was.

mod codes;
mod cpu;

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Extent, Fourcc, Frame, FrameDescriptor, Modifier, Observer, PlaneLayout,
};
use zerohop_vulkan::{Device, Image, Pixels, Sight};

pub(crate) use codes::Codes;
pub(crate) use cpu::paint;

use crate::classify::first_plane;
use crate::paint::{Output, Paint, Painting, Work};
use crate::shader::{self, EVERY, Push};
use crate::{Error, Grid, Route, TILE, TileSet, check_shape};

/// Writes the luma of what changed into buffers of its own.
pub struct Luma(pub(crate) Paint<LumaOf>);

/// What [`Luma`] writes.
pub(crate) struct LumaOf {
    fourcc: Fourcc,
    grid: Grid,
    output: Output,
    pub(crate) codes: Codes,
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
        let codes = Codes::of(descriptor)?;
        let output = output(descriptor.extent, codes.color(descriptor))?;
        let painting = LumaOf { fourcc, grid, output, codes };
        Ok(Self(Paint::new(device, grid, painting, observer)))
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        Self(self.0.with_route(route))
    }

    /// Leaves what it writes in memory of the device, where that is not the host's: for those who
    /// read it on the same device.
    #[must_use]
    pub fn staying(self) -> Self {
        Self(self.0.staying())
    }

    /// As if the host's memory lay across a bus: for tests and measurements.
    #[must_use]
    pub fn with_far_host(self) -> Self {
        Self(self.0.with_far_host())
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

/// One plane with room for whole tiles.
pub(crate) fn output(extent: Extent, color: Color) -> Result<Output, Error> {
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

impl LumaOf {
    /// What a shader is told that looks at all `count` tiles and writes their luma (`job.wgsl`).
    pub(crate) fn job(&self, image: &Image, count: u32) -> Result<Push, Error> {
        let format = first_plane(self.fourcc)?;
        let stride = self.output.descriptor.planes[0].stride / 4;
        let job = shader::plane_job(image, format, self.grid, count, EVERY);
        Ok(job.then(&self.codes.push(image)).words([stride, 0, 0, 0]))
    }
}

impl Painting for LumaOf {
    const EACH: u32 = 16;

    fn output(&self) -> &Output {
        &self.output
    }

    fn code(&self, sight: Sight) -> Result<&'static [u32], Error> {
        match (&self.codes, sight) {
            (Codes::YCbCr(_), Sight::Images | Sight::Words) => Ok(shader::LUMA_YCBCR_IMAGES),
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

    fn push(&self, image: &Image, count: u32, flags: u32) -> Push {
        let extent = self.grid.extent();
        let stride = self.output.descriptor.planes[0].stride / 4;
        self.codes
            .push(image)
            .words([extent.width, extent.height, stride, 0])
            .list(self.grid, count, flags)
    }

    fn paint(&self, planes: &[Pixels<'_>], work: &Work<'_>, out: &mut [u8]) {
        paint(&planes[0], &self.codes, &self.output, work, out);
    }
}
