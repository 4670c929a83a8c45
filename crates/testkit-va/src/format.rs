//! The formats of surfaces: by libva's names, by DRM's, and where their samples lie.

use crate::abi::profile;
use crate::error::Error;

/// How a surface's samples lie.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// `VA_FOURCC_*`.
    pub(crate) fourcc: u32,
    /// `DRM_FORMAT_*` of all planes as one layer.
    pub(crate) drm: u32,
    /// `VA_RT_FORMAT_*`.
    pub(crate) target: u32,
    /// Bits of a sample that count, the upper ones of its byte or its two bytes.
    pub(crate) bits: u32,
    /// Luma first.
    pub(crate) planes: &'static [Part],
}

/// One plane of a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// `DRM_FORMAT_*` as a layer of its own.
    pub(crate) drm: u32,
    /// Samples side by side: 2 where Cb and Cr are.
    pub(crate) samples: u32,
    /// How many luma samples share one of its, across and down.
    pub(crate) shared: (u32, u32),
}

const fn code(name: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*name)
}

const fn part(name: &[u8; 4], samples: u32, shared: (u32, u32)) -> Part {
    Part { drm: code(name), samples, shared }
}

/// 4:2:0 in 8 bits.
pub(crate) static NV12: Format = Format {
    fourcc: code(b"NV12"),
    drm: code(b"NV12"),
    target: 1,
    bits: 8,
    planes: &[part(b"R8  ", 1, (1, 1)), part(b"GR88", 2, (2, 2))],
};

/// 4:2:0 in the upper 10 of 16 bits.
static P010: Format = Format {
    fourcc: code(b"P010"),
    drm: code(b"P010"),
    target: 0x100,
    bits: 10,
    planes: &[part(b"R16 ", 1, (1, 1)), part(b"GR32", 2, (2, 2))],
};

/// 4:2:2 in 8 bits, in three planes.
static YUV422: Format = Format {
    fourcc: code(b"422H"),
    drm: code(b"YU16"),
    target: 2,
    bits: 8,
    planes: &[part(b"R8  ", 1, (1, 1)), part(b"R8  ", 1, (2, 1)), part(b"R8  ", 1, (2, 1))],
};

/// 4:4:4 in 8 bits, in three planes.
static YUV444: Format = Format {
    fourcc: code(b"444P"),
    drm: code(b"YU24"),
    target: 4,
    bits: 8,
    planes: &[part(b"R8  ", 1, (1, 1)), part(b"R8  ", 1, (1, 1)), part(b"R8  ", 1, (1, 1))],
};

/// All of them, the usual one first.
pub(crate) static ALL: [&Format; 4] = [&NV12, &P010, &YUV422, &YUV444];

impl Format {
    /// The one that libva calls `fourcc`.
    pub(crate) fn named(fourcc: u32) -> Option<&'static Self> {
        ALL.into_iter().find(|format| format.fourcc == fourcc)
    }

    /// The first of a target's.
    pub(crate) fn of_target(target: u32) -> Option<&'static Self> {
        ALL.into_iter().find(|format| format.target & target != 0)
    }

    /// Those that a profile decodes to.
    pub(crate) fn of_profile(id: i32) -> &'static [&'static Self] {
        match id {
            profile::JPEG_BASELINE => {
                static JPEG: [&Format; 3] = [&NV12, &YUV422, &YUV444];
                &JPEG
            }
            profile::VP9_2 => {
                static DEEP: [&Format; 1] = [&P010];
                &DEEP
            }
            _ => &ALL[..1],
        }
    }

    /// The targets of a profile, as a mask.
    pub(crate) fn targets(profile: i32) -> u32 {
        Self::of_profile(profile).iter().fold(0, |mask, format| mask | format.target)
    }

    /// Bytes of a sample.
    pub(crate) fn bytes(&self) -> u32 {
        self.bits.div_ceil(8)
    }

    /// Bytes of a pixel times 8, on the average.
    pub(crate) fn bits_per_pixel(&self) -> u32 {
        let of = |part: &Part| 8 * self.bytes() * part.samples / (part.shared.0 * part.shared.1);
        self.planes.iter().map(of).sum()
    }

    /// Bytes of a row of plane `plane` of a picture that is so wide.
    pub(crate) fn row(&self, plane: usize, width: u32) -> u32 {
        let part = &self.planes[plane];
        // Chroma of the last column is there, whose luma may not be: rows of all planes are as long.
        let across = width.next_multiple_of(self.planes[1].shared.0) / part.shared.0;
        across * part.samples * self.bytes()
    }

    /// Rows of plane `plane` of a picture that is so high.
    pub(crate) fn rows(&self, plane: usize, height: u32) -> u32 {
        height.div_ceil(self.planes[plane].shared.1)
    }
}

/// A decoded picture: luma, Cb and Cr, in bytes or in little-endian words.
pub(crate) struct Planar<'a> {
    pub(crate) planes: [&'a [u8]; 3],
    /// In bytes.
    pub(crate) strides: [usize; 3],
    /// Bits of a sample.
    pub(crate) bits: u32,
    /// How many luma samples share one of chroma, across and down.
    pub(crate) shared: (u32, u32),
}

impl Planar<'_> {
    /// Whether it goes into a surface of `format` sample by sample.
    pub(crate) fn check(&self, format: &Format) -> Result<(), Error> {
        if (self.bits, self.shared) == (format.bits, format.planes[1].shared) {
            return Ok(());
        }
        eprintln!(
            "zerohop-va: {} bits, {:?} to a chroma sample, and a surface of {} bits, {:?}",
            self.bits, self.shared, format.bits, format.planes[1].shared
        );
        Err(Error::Decoding)
    }
}
