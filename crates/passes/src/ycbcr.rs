//! What the numbers of a Y'CbCr picture mean.

use zerohop_frame::{Color, Extent, FrameDescriptor, YCbCr};
use zerohop_vulkan::Image;

use crate::Error;
use crate::shader::Push;

/// What R' and B' weigh in Y'; G' weighs the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kind {
    pub(crate) red: f64,
    pub(crate) blue: f64,
}

/// ITU-R BT.601.
const BT601: Kind = Kind { red: 0.299, blue: 0.114 };
/// ITU-R BT.709.
const BT709: Kind = Kind { red: 0.2126, blue: 0.0722 };
/// ITU-R BT.2020, non-constant luminance.
const BT2020: Kind = Kind { red: 0.2627, blue: 0.0593 };

/// `MatrixCoefficients` 2 of ITU-T H.273: nobody said.
const UNSPECIFIED: u8 = 2;

impl Kind {
    /// Of a Y'CbCr picture (H.273 table 4). Where nobody said, it is BT.601 for pictures up to the
    /// size of PAL television and BT.709 for larger ones.
    pub(crate) fn of(color: &Color, extent: Extent) -> Result<Self, Error> {
        match color.matrix {
            1 => Ok(BT709),
            5 | 6 => Ok(BT601),
            9 => Ok(BT2020),
            UNSPECIFIED if extent.width <= 1024 && extent.height <= 576 => Ok(BT601),
            UNSPECIFIED => Ok(BT709),
            other => Err(Error::Matrix(other)),
        }
    }

    /// Of the luma of an R'G'B' picture, by its primaries (H.273 table 2).
    pub(crate) fn of_rgb(color: &Color) -> Self {
        match color.primaries {
            5 | 6 => BT601,
            9 => BT2020,
            _ => BT709,
        }
    }

    pub(crate) fn green(&self) -> f64 {
        1.0 - self.red - self.blue
    }
}

/// How codes of some bits stand for numbers (H.273, 8.3 with `BitDepth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The code of black.
    pub(crate) black: u32,
    /// Codes from black to white.
    pub(crate) luma: u32,
    /// Codes from the smallest to the largest chroma.
    pub(crate) chroma: u32,
    /// The code of no chroma.
    pub(crate) middle: u32,
}

impl Range {
    pub(crate) fn of(full: bool, bits: u32) -> Self {
        let middle = 1 << (bits - 1);
        if full {
            let most = (1 << bits) - 1;
            return Self { black: 0, luma: most, chroma: most, middle };
        }
        let (luma, chroma) = (219 << (bits - 8), 224 << (bits - 8));
        Self { black: 16 << (bits - 8), luma, chroma, middle }
    }
}

/// The format of a Y'CbCr picture of several planes.
pub(crate) fn format_of(descriptor: &FrameDescriptor) -> Result<YCbCr, Error> {
    descriptor.fourcc.ycbcr().ok_or(Error::NotYCbCr(descriptor.fourcc))
}

/// Where the planes of a picture lie, for `Planes` of `planes.wgsl`: eight words.
pub(crate) fn push_planes(push: Push, image: &Image, format: &YCbCr) -> Push {
    let place = |plane: usize| {
        let place = image.planes().get(plane).and_then(|plane| plane.place());
        place.map_or([0; 2], |place| [place.offset, place.stride])
    };
    let bits = format.bits | format.shift << 16;
    push.words(place(0)).words(place(1)).words(place(2)).words([format.bytes(), bits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_recommendations() {
        let limited = Range::of(false, 10);
        assert_eq!(
            (limited.black, limited.luma, limited.chroma, limited.middle),
            (64, 876, 896, 512)
        );
        let full = Range::of(true, 8);
        assert_eq!((full.black, full.luma, full.chroma, full.middle), (0, 255, 255, 128));
    }

    #[test]
    fn a_matrix_that_is_no_mix_of_three_is_refused() {
        let extent = Extent { width: 64, height: 64 };
        let of = |matrix| Kind::of(&Color { matrix, ..Color::BT709 }, extent);
        assert_eq!(of(6).unwrap(), BT601);
        assert_eq!(of(2).unwrap(), BT601);
        let err = of(10).unwrap_err();
        assert!(err.to_string().starts_with("no pass knows the colour matrix 10"), "{err}");
    }
}
