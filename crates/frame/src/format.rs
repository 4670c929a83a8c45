//! The planes of each pixel format.

use arrayvec::ArrayVec;

use crate::{Extent, Fourcc, MAX_PLANES, passing};

/// One plane of a pixel format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatPlane {
    /// The format of a picture that is this plane alone, such as [`Fourcc::GR88`].
    pub fourcc: Fourcc,
    /// How many pixels of the picture share a sample, across and down: 1, 2 or 4.
    pub shared: (u32, u32),
    /// Bytes of a sample with all its components.
    pub bytes: u32,
}

impl FormatPlane {
    /// The samples of the plane in a picture of `extent`, across and down. Odd sides are rounded up.
    pub fn extent(&self, extent: Extent) -> Extent {
        let (across, down) = self.shared;
        Extent { width: extent.width.div_ceil(across), height: extent.height.div_ceil(down) }
    }

    /// Bytes of a row without padding, in a picture of `extent`.
    pub fn row_bytes(&self, extent: Extent) -> u64 {
        u64::from(self.extent(extent).width) * u64::from(self.bytes)
    }
}

/// How a Y'CbCr format stores its components. Plane 0 is luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YCbCr {
    /// Bits of a component that count: 8, 10, 12 or 16.
    pub bits: u32,
    /// How many bits lie below them, in a little-endian word of 16.
    pub shift: u32,
    /// How many pixels share a chroma sample, across and down.
    pub shared: (u32, u32),
    /// Whether plane 1 holds both components of the chroma in turn, or each has a plane.
    pub interleaved: bool,
    /// Whether Cr comes before Cb.
    pub swapped: bool,
}

impl YCbCr {
    /// Bytes of one component.
    pub fn bytes(&self) -> u32 {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// The code in a component of two bytes, without the bits that do not count.
    #[inline(always)]
    pub fn code(&self, word: u16) -> u32 {
        u32::from(word) >> self.shift & ((1 << self.bits) - 1)
    }

    /// How many planes there are: 2 or 3.
    pub fn planes(&self) -> usize {
        if self.interleaved { 2 } else { 3 }
    }
}

/// Chroma at half width and height.
const QUARTER: (u32, u32) = (2, 2);
/// Chroma at half width.
const HALF: (u32, u32) = (2, 1);
/// Chroma at each pixel.
const FULL: (u32, u32) = (1, 1);

impl Fourcc {
    /// How the components lie, if this is a Y'CbCr format of several planes.
    ///
    /// # References
    ///
    /// `include/uapi/drm/drm_fourcc.h`, "2 plane YCbCr" and "3 plane YCbCr".
    pub fn ycbcr(self) -> Option<YCbCr> {
        let both = |bits, shift, shared, swapped| {
            Some(YCbCr { bits, shift, shared, interleaved: true, swapped })
        };
        let each = |bits, shift, shared, swapped| {
            Some(YCbCr { bits, shift, shared, interleaved: false, swapped })
        };
        match &self.0.to_le_bytes() {
            b"NV12" => both(8, 0, QUARTER, false),
            b"NV21" => both(8, 0, QUARTER, true),
            b"NV16" => both(8, 0, HALF, false),
            b"NV61" => both(8, 0, HALF, true),
            b"NV24" => both(8, 0, FULL, false),
            b"NV42" => both(8, 0, FULL, true),
            b"P010" => both(10, 6, QUARTER, false),
            b"P012" => both(12, 4, QUARTER, false),
            b"P016" => both(16, 0, QUARTER, false),
            b"P210" => both(10, 6, HALF, false),
            b"YU12" => each(8, 0, QUARTER, false),
            b"YV12" => each(8, 0, QUARTER, true),
            b"YU16" => each(8, 0, HALF, false),
            b"YV16" => each(8, 0, HALF, true),
            b"YU24" => each(8, 0, FULL, false),
            b"YV24" => each(8, 0, FULL, true),
            b"S010" => each(10, 0, QUARTER, false),
            b"S012" => each(12, 0, QUARTER, false),
            b"S016" => each(16, 0, QUARTER, false),
            b"S210" => each(10, 0, HALF, false),
            b"S212" => each(12, 0, HALF, false),
            b"S216" => each(16, 0, HALF, false),
            b"S410" => each(10, 0, FULL, false),
            b"S412" => each(12, 0, FULL, false),
            b"S416" => each(16, 0, FULL, false),
            _ => None,
        }
    }

    /// The planes of the format, in order; `None` for a format that is not known here.
    pub fn planes(self) -> Option<ArrayVec<FormatPlane, MAX_PLANES>> {
        let Some(ycbcr) = self.ycbcr() else {
            let Some(bytes) = self.pixel_bytes() else { return passing::planes(self) };
            return Some(ArrayVec::from_iter([FormatPlane { fourcc: self, shared: FULL, bytes }]));
        };
        let wide = ycbcr.bytes();
        let (one, two) = if wide == 2 { (Self::R16, Self::GR1616) } else { (Self::R8, Self::GR88) };
        let luma = FormatPlane { fourcc: one, shared: FULL, bytes: wide };
        let chroma = if ycbcr.interleaved {
            FormatPlane { fourcc: two, shared: ycbcr.shared, bytes: 2 * wide }
        } else {
            FormatPlane { fourcc: one, shared: ycbcr.shared, bytes: wide }
        };
        Some([luma, chroma, chroma].into_iter().take(ycbcr.planes()).collect())
    }

    /// Bytes of a pixel of a format with one plane.
    fn pixel_bytes(self) -> Option<u32> {
        Some(match &self.0.to_le_bytes() {
            b"R8  " => 1,
            b"R16 " | b"GR88" | b"RG88" | b"RG16" | b"BG16" => 2,
            b"XR24" | b"AR24" | b"XB24" | b"AB24" | b"RX24" | b"RA24" | b"BX24" | b"BA24"
            | b"XR30" | b"AR30" | b"XB30" | b"AB30" | b"GR32" | b"RG32" => 4,
            b"XB4H" | b"AB4H" | b"XR4H" | b"AR4H" | b"XB48" | b"AB48" => 8,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_of_an_odd_picture_are_rounded_up() {
        let extent = Extent { width: 7, height: 5 };
        let sizes = |fourcc: Fourcc| -> Vec<_> {
            let planes = fourcc.planes().expect("a known format");
            planes.iter().map(|it| (it.row_bytes(extent), it.extent(extent).height)).collect()
        };
        assert_eq!(sizes(Fourcc::NV12), [(7, 5), (8, 3)]);
        assert_eq!(sizes(Fourcc::P010), [(14, 5), (16, 3)]);
        assert_eq!(sizes(Fourcc::YUV420), [(7, 5), (4, 3), (4, 3)]);
        assert_eq!(sizes(Fourcc::NV16), [(7, 5), (8, 5)]);
        assert_eq!(sizes(Fourcc::NV24), [(7, 5), (14, 5)]);
        assert_eq!(sizes(Fourcc::XRGB8888), [(28, 5)]);
        assert_eq!(Fourcc(0).planes(), None);
    }

    #[test]
    fn each_plane_alone_is_a_format_of_its_size() {
        for fourcc in [Fourcc::NV12, Fourcc::P016, Fourcc::YUV420, Fourcc(0x3031_3053)] {
            for plane in fourcc.planes().expect("a known format") {
                let alone = plane.fourcc.planes().expect("a known format");
                assert_eq!((alone.len(), alone[0].bytes), (1, plane.bytes), "{fourcc}");
            }
        }
    }
}
