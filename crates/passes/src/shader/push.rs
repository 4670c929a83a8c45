//! What shaders are told.

use zerohop_frame::Extent;
use zerohop_vulkan::{Image, PixelFormat, PixelLayout, Sight};

use super::{Source, is_half};
use crate::Grid;
use crate::classify::lift;

/// The start of a job over `count` tiles of `grid`: what all shaders over tiles are told.
pub(crate) fn job(source: Source, format: PixelFormat, grid: Grid, count: u32, flags: u32) -> Push {
    let shift = match format.layout() {
        PixelLayout::Packed { channels, .. } => channels.map(|one| one.shift | one.bits << 16),
        PixelLayout::Half { .. } => [0; 4],
    };
    let push = match source {
        _ if source.sight() == Sight::Words => Push::default().words([0; 4]),
        _ => Push::default().floats(source.scale(format)),
    };
    push.words(shift).tiles(format, grid, count, flags)
}

/// The same over the first plane, where shaders see it in a buffer or all bits of it in an image.
pub(crate) fn plane_job(
    image: &Image,
    format: PixelFormat,
    grid: Grid,
    count: u32,
    flags: u32,
) -> Push {
    let place = image.planes()[0].place().map_or([0; 2], |at| [at.offset, at.stride]);
    let bytes = format.bytes() as u32;
    let push = Push::default().words(place).words([0; 4]).words([bytes, 8 * bytes]);
    push.tiles(format, grid, count, flags)
}

/// Push constants, word by word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Push(Vec<u8>);

impl Push {
    pub(crate) fn floats(mut self, values: [f32; 4]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    pub(crate) fn words<const N: usize>(mut self, values: [u32; N]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// Of which picture, which tiles, and where these are listed (`job.wgsl`).
    pub(crate) fn tiles(self, format: PixelFormat, grid: Grid, count: u32, flags: u32) -> Self {
        let Extent { width, height } = grid.extent();
        let last = 1 << lift(format);
        let first = if is_half(format) { 1 } else { last };
        self.words([width, height]).list(grid, count, flags).words([first, last])
    }

    pub(crate) fn then(mut self, more: &Self) -> Self {
        self.0.extend(&more.0);
        self
    }

    /// Which tiles, and whether they are listed (`tiles.wgsl`).
    pub(crate) fn list(self, grid: Grid, count: u32, flags: u32) -> Self {
        self.words([grid.columns(), count, flags, 0])
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// [`Push::tiles`]: there is no list, since it would have all tiles in order.
pub(crate) const EVERY: u32 = 1;
/// [`Push::tiles`]: without a list, all tiles are stale.
pub(crate) const STALE: u32 = 2;
