//! How a converted picture lies in memory.

use arrayvec::ArrayVec;
use zerohop_frame::{Color, Extent, Fourcc, FrameDescriptor, Modifier, PlaneLayout, Siting};

use crate::paint::Output;
use crate::{Error, TILE};

/// Where the chroma goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// One plane, in which Cb and Cr take turns: `NV12`, as hardware encoders like it.
    Interleaved,
    /// Two planes, Cb and then Cr: `YU12`, also called I420.
    Planar,
    /// As `Interleaved`, with ten bits at the top of words of sixteen: `P010`.
    Deep,
}

impl Chroma {
    /// Bits of a code.
    pub(crate) fn bits(self) -> u32 {
        if self == Self::Deep { 10 } else { 8 }
    }

    /// What such pictures are called.
    pub(crate) fn fourcc(self) -> Fourcc {
        match self {
            Self::Interleaved => Fourcc::NV12,
            Self::Planar => Fourcc::YUV420,
            Self::Deep => Fourcc::P010,
        }
    }
}

/// The sizes of a converted picture. All in bytes and samples, planes one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What encoders see: even, and at least 16x16.
    pub(crate) extent: Extent,
    pub(crate) chroma: Chroma,
    /// Bytes from row to row of luma.
    pub(crate) stride: u32,
    /// Bytes from row to row of one chroma plane.
    pub(crate) chroma_stride: u32,
    /// Start of Cb, or of both.
    pub(crate) cb: u32,
    /// Start of Cr; that of `cb` where they take turns.
    pub(crate) cr: u32,
    /// Bytes of everything.
    pub(crate) size: u32,
}

impl Layout {
    /// For pictures of `source`. There is room for whole tiles: what is written past the picture's
    /// edge repeats it, and is never read.
    pub(crate) fn of(source: Extent, chroma: Chroma) -> Result<Self, Error> {
        const MAX: u32 = 1 << 14;
        if source.width > MAX || source.height > MAX {
            return Err(Error::TooLarge(source));
        }
        let even = |side: u32| side.next_multiple_of(2).max(16);
        let extent = Extent { width: even(source.width), height: even(source.height) };
        // Rows of a cache line's multiple, so that no two tiles share one.
        let bytes = chroma.bits().div_ceil(8);
        let stride = extent.width.next_multiple_of(64) * bytes;
        let rows = extent.height.next_multiple_of(TILE);
        let cb = stride * rows;
        let (chroma_stride, planes) = match chroma {
            Chroma::Interleaved | Chroma::Deep => (stride, 1),
            Chroma::Planar => (stride / 2, 2),
        };
        let plane = chroma_stride * (rows / 2);
        let cr = cb + plane * (planes - 1);
        Ok(Self { extent, chroma, stride, chroma_stride, cb, cr, size: cb + plane * planes })
    }

    /// The same for everybody else.
    pub(crate) fn output(&self) -> Output {
        let chroma = self.chroma_stride * TILE / 2;
        let steps = [self.stride * TILE, chroma, chroma];
        let descriptor = self.descriptor();
        let steps = steps.into_iter().take(descriptor.planes.len()).collect();
        Output { descriptor, steps, size: self.size }
    }

    fn descriptor(&self) -> FrameDescriptor {
        let plane = |offset, stride| PlaneLayout { object: 0, offset, stride };
        let mut planes =
            ArrayVec::from_iter([plane(0, self.stride), plane(self.cb, self.chroma_stride)]);
        if self.chroma == Chroma::Planar {
            planes.push(plane(self.cr, self.chroma_stride));
        }
        let fourcc = self.chroma.fourcc();
        // Each chroma sample is the mean of its four pixels.
        let color = Color { siting: Some(Siting::Centre), ..Color::BT709 };
        let (extent, modifier) = (self.extent, Modifier::LINEAR);
        FrameDescriptor { extent, fourcc, modifier, planes, color }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, TileSet};

    #[test]
    fn odd_and_tiny_pictures_are_padded() {
        let of = |width, height| Layout::of(Extent { width, height }, Chroma::Planar).unwrap();
        assert_eq!(of(1, 1).extent, Extent { width: 16, height: 16 });
        assert_eq!(of(17, 33).extent, Extent { width: 18, height: 34 });
        let wide = of(1366, 768);
        assert_eq!((wide.extent.width, wide.stride, wide.chroma_stride), (1366, 1408, 704));
        assert_eq!(wide.cr - wide.cb, 704 * 384);
        assert_eq!(wide.size, 1408 * 768 * 3 / 2);
    }

    #[test]
    fn rows_are_those_of_the_tiles() {
        let extent = Extent { width: 64, height: 64 };
        let layout = Layout::of(extent, Chroma::Planar).unwrap();
        let mut tiles = TileSet::none(Grid::of(extent));
        [0, 1, 5, 15].into_iter().for_each(|tile| tiles.insert(tile));
        // Rows of tiles 0 and 1 in one run, and row 3.
        let (cb, cr) = (4096, 4096 + 1024);
        let expected =
            [(0, 2048), (3072, 1024), (cb, 512), (cb + 768, 256), (cr, 512), (cr + 768, 256)];
        assert_eq!(layout.output().rows_of(&tiles), expected);
        let whole = layout.output().rows_of(&TileSet::all(Grid::of(extent)));
        assert_eq!(whole.iter().map(|(_, length)| length).sum::<u64>(), layout.size.into());
    }

    #[test]
    fn a_picture_too_large_is_refused_with_its_size() {
        let err = Layout::of(Extent { width: 1 << 15, height: 2 }, Chroma::Planar).unwrap_err();
        assert_eq!(err.to_string(), "pictures of 32768x2 pixels are too large");
    }
}
