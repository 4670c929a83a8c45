//! What is encoded, and from what.

use std::fmt;

use zerohop_frame::{Extent, Fourcc};

use crate::sys::{self, GUID};

/// A way to compress video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264, MPEG-4 AVC.
    #[default]
    H264,
    /// H.265, HEVC.
    Hevc,
    /// AV1.
    Av1,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::H264, Self::Hevc, Self::Av1];

    /// The library's name for it.
    pub fn guid(self) -> GUID {
        match self {
            Self::H264 => sys::NV_ENC_CODEC_H264_GUID,
            Self::Hevc => sys::NV_ENC_CODEC_HEVC_GUID,
            Self::Av1 => sys::NV_ENC_CODEC_AV1_GUID,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
        })
    }
}

/// How a picture lies in memory: an `NV_ENC_BUFFER_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format(pub u32);

impl Format {
    /// What the library calls pictures of `fourcc`, if it takes them. Both name the bits of a
    /// little-endian word from the highest on, so that the names agree; what alpha holds is of no
    /// interest to either.
    ///
    /// | DRM | bits of the word | NVENC |
    /// |---|---|---|
    /// | `XR24`, `AR24` | A R G B, 8 each | `ARGB` |
    /// | `XB24`, `AB24` | A B G R, 8 each | `ABGR` |
    /// | `XR30`, `AR30` | 2 A, 10 R, 10 G, 10 B | `ARGB10` |
    /// | `XB30`, `AB30` | 2 A, 10 B, 10 G, 10 R | `ABGR10` |
    /// | `NV12` | Y, then CbCr | `NV12` |
    /// | `P010` | the same, 10 bits in the high ones of 16 | `YUV420_10BIT` |
    ///
    /// # References
    ///
    /// `nvEncodeAPI.h`, `NV_ENC_BUFFER_FORMAT` ("word-ordered"); `drm_fourcc.h`.
    pub fn of(fourcc: Fourcc) -> Option<Self> {
        Some(Self(match fourcc {
            Fourcc::XRGB8888 | Fourcc::ARGB8888 => sys::NV_ENC_BUFFER_FORMAT_ARGB,
            Fourcc::XBGR8888 | Fourcc::ABGR8888 => sys::NV_ENC_BUFFER_FORMAT_ABGR,
            Fourcc::XRGB2101010 | Fourcc::ARGB2101010 => sys::NV_ENC_BUFFER_FORMAT_ARGB10,
            Fourcc::XBGR2101010 | Fourcc::ABGR2101010 => sys::NV_ENC_BUFFER_FORMAT_ABGR10,
            Fourcc::NV12 => sys::NV_ENC_BUFFER_FORMAT_NV12,
            Fourcc::P010 => sys::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
            _ => return None,
        }))
    }

    /// Whether the library converts it to Y'CbCr by itself.
    pub fn is_rgb(self) -> bool {
        self.pixel_bytes() == 4
    }

    /// Whether its components have 10 bits.
    pub fn has_ten_bits(self) -> bool {
        let ten = [
            sys::NV_ENC_BUFFER_FORMAT_ARGB10,
            sys::NV_ENC_BUFFER_FORMAT_ABGR10,
            sys::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
        ];
        ten.contains(&self.0)
    }

    /// Bytes of a pixel, or of a sample of luma.
    fn pixel_bytes(self) -> usize {
        match self.0 {
            sys::NV_ENC_BUFFER_FORMAT_NV12 => 1,
            sys::NV_ENC_BUFFER_FORMAT_YUV420_10BIT => 2,
            _ => 4,
        }
    }

    /// The rows of a picture of `extent`, those of the chroma too, and the bytes of each.
    pub fn rows(self, extent: Extent) -> (usize, usize) {
        let (width, height) = (extent.width as usize, extent.height as usize);
        if self.is_rgb() {
            (height, width * 4)
        } else {
            (height + height.div_ceil(2), width.next_multiple_of(2) * self.pixel_bytes())
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = sys::NUMBERS.iter().find_map(|(name, value)| {
            name.strip_prefix("NV_ENC_BUFFER_FORMAT_").filter(|_| *value == self.0)
        });
        match named {
            Some(name) => f.write_str(name),
            None => write!(f, "format {:#x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_named_from_the_highest_bits_on_by_both() {
        let name = |fourcc| Format::of(fourcc).map(|format| format.to_string());
        assert_eq!(name(Fourcc::XRGB8888).as_deref(), Some("ARGB"));
        assert_eq!(name(Fourcc::ABGR8888).as_deref(), Some("ABGR"));
        assert_eq!(name(Fourcc::XRGB2101010).as_deref(), Some("ARGB10"));
        assert_eq!(name(Fourcc::ABGR2101010).as_deref(), Some("ABGR10"));
        assert_eq!(name(Fourcc::P010).as_deref(), Some("YUV420_10BIT"));
        assert_eq!(name(Fourcc::RGB565), None);
    }

    #[test]
    fn chroma_has_rows_of_its_own() {
        let extent = Extent { width: 65, height: 33 };
        let rows = |fourcc| Format::of(fourcc).unwrap().rows(extent);
        assert_eq!(rows(Fourcc::XRGB8888), (33, 260));
        assert_eq!(rows(Fourcc::NV12), (50, 66));
        assert_eq!(rows(Fourcc::P010), (50, 132));
    }
}
