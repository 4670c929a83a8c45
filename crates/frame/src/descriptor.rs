//! How a picture is laid out in memory. Plain data: no descriptor, no device.

use std::fmt;

use arrayvec::ArrayVec;

use crate::Color;

/// The most memory planes a DRM format can have (`include/uapi/drm/drm_mode.h`, `drm_mode_fb_cmd2`).
pub const MAX_PLANES: usize = 4;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A DRM pixel format code (`include/uapi/drm/drm_fourcc.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fourcc(pub u32);

impl Fourcc {
    /// `DRM_FORMAT_XRGB8888`: bytes B, G, R, unused.
    pub const XRGB8888: Self = Self(u32::from_le_bytes(*b"XR24"));
    /// `DRM_FORMAT_ARGB8888`: bytes B, G, R, A.
    pub const ARGB8888: Self = Self(u32::from_le_bytes(*b"AR24"));
    /// `DRM_FORMAT_XBGR8888`: bytes R, G, B, unused.
    pub const XBGR8888: Self = Self(u32::from_le_bytes(*b"XB24"));
    /// `DRM_FORMAT_ABGR8888`: bytes R, G, B, A.
    pub const ABGR8888: Self = Self(u32::from_le_bytes(*b"AB24"));
    /// `DRM_FORMAT_XRGB2101010`: a little-endian word x:R:G:B of 2:10:10:10 bits.
    pub const XRGB2101010: Self = Self(u32::from_le_bytes(*b"XR30"));
    /// `DRM_FORMAT_ARGB2101010`: a little-endian word A:R:G:B of 2:10:10:10 bits.
    pub const ARGB2101010: Self = Self(u32::from_le_bytes(*b"AR30"));
    /// `DRM_FORMAT_XBGR2101010`: a little-endian word x:B:G:R of 2:10:10:10 bits.
    pub const XBGR2101010: Self = Self(u32::from_le_bytes(*b"XB30"));
    /// `DRM_FORMAT_ABGR2101010`: a little-endian word A:B:G:R of 2:10:10:10 bits.
    pub const ABGR2101010: Self = Self(u32::from_le_bytes(*b"AB30"));
    /// `DRM_FORMAT_RGB565`: a little-endian word R:G:B of 5:6:5 bits.
    pub const RGB565: Self = Self(u32::from_le_bytes(*b"RG16"));
    /// `DRM_FORMAT_XBGR16161616F`: half floats R, G, B, unused.
    pub const XBGR16161616F: Self = Self(u32::from_le_bytes(*b"XB4H"));
    /// `DRM_FORMAT_ABGR16161616F`: half floats R, G, B, A.
    pub const ABGR16161616F: Self = Self(u32::from_le_bytes(*b"AB4H"));
    /// `DRM_FORMAT_RGB888`: bytes B, G, R.
    pub const RGB888: Self = Self(u32::from_le_bytes(*b"RG24"));
    /// `DRM_FORMAT_BGR888`: bytes R, G, B.
    pub const BGR888: Self = Self(u32::from_le_bytes(*b"BG24"));
    /// `DRM_FORMAT_R8`: one component of 8 bits.
    pub const R8: Self = Self(u32::from_le_bytes(*b"R8  "));
    /// `DRM_FORMAT_R16`: one component of 16 bits.
    pub const R16: Self = Self(u32::from_le_bytes(*b"R16 "));
    /// `DRM_FORMAT_GR88`: bytes R, G.
    pub const GR88: Self = Self(u32::from_le_bytes(*b"GR88"));
    /// `DRM_FORMAT_GR1616`: little-endian words R, G of 16 bits.
    pub const GR1616: Self = Self(u32::from_le_bytes(*b"GR32"));
    /// `DRM_FORMAT_NV12`: plane 0 is Y, plane 1 is Cb and Cr at half width and height.
    pub const NV12: Self = Self(u32::from_le_bytes(*b"NV12"));
    /// `DRM_FORMAT_NV16`: as `NV12` with chroma at half width and full height.
    pub const NV16: Self = Self(u32::from_le_bytes(*b"NV16"));
    /// `DRM_FORMAT_NV24`: as `NV12` with chroma at full width and height.
    pub const NV24: Self = Self(u32::from_le_bytes(*b"NV24"));
    /// `DRM_FORMAT_P010`: as `NV12` in words of 16 bits, of which the upper 10 count.
    pub const P010: Self = Self(u32::from_le_bytes(*b"P010"));
    /// `DRM_FORMAT_P012`: as `NV12` in words of 16 bits, of which the upper 12 count.
    pub const P012: Self = Self(u32::from_le_bytes(*b"P012"));
    /// `DRM_FORMAT_P016`: as `NV12` in words of 16 bits.
    pub const P016: Self = Self(u32::from_le_bytes(*b"P016"));
    /// `DRM_FORMAT_YUV420`: planes Y, Cb, Cr, the last two at half width and height.
    pub const YUV420: Self = Self(u32::from_le_bytes(*b"YU12"));
    /// `DRM_FORMAT_YVU420`: as `YUV420` with Cr before Cb.
    pub const YVU420: Self = Self(u32::from_le_bytes(*b"YV12"));
    /// `DRM_FORMAT_YUV422`: planes Y, Cb, Cr, the last two at half width.
    pub const YUV422: Self = Self(u32::from_le_bytes(*b"YU16"));
    /// `DRM_FORMAT_YUV444`: planes Y, Cb, Cr, all of one size.
    pub const YUV444: Self = Self(u32::from_le_bytes(*b"YU24"));
}

impl fmt::Display for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_le_bytes().iter().try_for_each(|&byte| write!(f, "{}", byte.escape_ascii()))
    }
}

/// A DRM format modifier: how pixels are tiled or compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Modifier(pub u64);

impl Modifier {
    /// Rows one after the other (`DRM_FORMAT_MOD_LINEAR`).
    pub const LINEAR: Self = Self(0);
    /// The exporter did not say (`DRM_FORMAT_MOD_INVALID`).
    pub const INVALID: Self = Self(0x00ff_ffff_ffff_ffff);
}

impl fmt::Display for Modifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LINEAR => f.write_str("LINEAR"),
            Self::INVALID => f.write_str("INVALID"),
            Self(other) => write!(f, "{other:#x}"),
        }
    }
}

/// Where one memory plane lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaneLayout {
    /// Index of the memory object that holds the plane.
    pub object: usize,
    /// Bytes from the start of that object.
    pub offset: u32,
    /// Bytes from one row to the next.
    pub stride: u32,
}

/// The shape of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrameDescriptor {
    /// Size of the picture.
    pub extent: Extent,
    /// Pixel format.
    pub fourcc: Fourcc,
    /// Tiling of every plane. [`Modifier::INVALID`] for an image in opaque memory only, whose
    /// layout its driver knows; its one plane then has offset and stride 0.
    pub modifier: Modifier,
    /// The memory planes, in the order of the format.
    pub planes: ArrayVec<PlaneLayout, MAX_PLANES>,
    /// What the numbers mean as colour.
    pub color: Color,
}

/// Why a descriptor cannot describe a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// A side is zero.
    #[error("the picture is {}x{} pixels", .0.width, .0.height)]
    Empty(Extent),
    /// There is no plane.
    #[error("the {0} picture has no plane")]
    NoPlane(Fourcc),
    /// The modifier does not go with the kind of memory.
    #[error("the {0} picture has no explicit modifier")]
    NoModifier(Fourcc),
    /// A plane points past the memory objects.
    #[error("plane {plane} is in object {object}, but the buffer has {objects}")]
    NoObject {
        /// The plane.
        plane: usize,
        /// The object it names.
        object: usize,
        /// How many there are.
        objects: usize,
    },
    /// Linear memory with another number of planes than the format has.
    #[error("the {fourcc} picture has {found} planes, not {needed}")]
    Planes {
        /// The format.
        fourcc: Fourcc,
        /// How many it has.
        needed: usize,
        /// How many came.
        found: usize,
    },
    /// Rows that overlap.
    #[error("plane {plane} has a stride of {stride} bytes, and its rows have {least}")]
    Stride {
        /// The plane.
        plane: usize,
        /// Its stride.
        stride: u32,
        /// Bytes of one row.
        least: u64,
    },
    /// A plane that ends after its memory does.
    #[error("plane {plane} ends at byte {end} of object {object}, which has {size}")]
    PlaneEnd {
        /// The plane.
        plane: usize,
        /// One past its last byte.
        end: u64,
        /// The memory object it is in.
        object: usize,
        /// Bytes of that object.
        size: u64,
    },
}

impl FrameDescriptor {
    /// Checks the descriptor against a buffer of `objects` memory objects.
    ///
    /// # Errors
    ///
    /// The first [`DescriptorError`] found.
    pub fn check(&self, objects: usize) -> Result<(), DescriptorError> {
        if self.extent.width == 0 || self.extent.height == 0 {
            return Err(DescriptorError::Empty(self.extent));
        }
        if self.planes.is_empty() {
            return Err(DescriptorError::NoPlane(self.fourcc));
        }
        for (plane, layout) in self.planes.iter().enumerate() {
            if layout.object >= objects {
                return Err(DescriptorError::NoObject { plane, object: layout.object, objects });
            }
        }
        Ok(())
    }

    /// Checks the planes of linear memory: as many as the format has, with rows that do not
    /// overlap. Formats that are not known here pass with any.
    ///
    /// # Errors
    ///
    /// [`DescriptorError::Planes`], [`DescriptorError::Stride`].
    pub fn check_rows(&self) -> Result<(), DescriptorError> {
        let known = self.fourcc.planes();
        let needed = known.as_ref().map_or(self.planes.len(), ArrayVec::len);
        if self.planes.len() != needed {
            let (fourcc, found) = (self.fourcc, self.planes.len());
            return Err(DescriptorError::Planes { fourcc, needed, found });
        }
        for (plane, layout) in self.planes.iter().enumerate() {
            let least = known.as_ref().map_or(1, |known| known[plane].row_bytes(self.extent));
            if u64::from(layout.stride) < least {
                return Err(DescriptorError::Stride { plane, stride: layout.stride, least });
            }
        }
        Ok(())
    }

    /// Checks that the planes in memory object `object`, which has `size` bytes, lie in it.
    ///
    /// # Errors
    ///
    /// [`DescriptorError::PlaneEnd`].
    pub fn check_end(&self, object: usize, size: u64) -> Result<(), DescriptorError> {
        for (plane, layout) in self.planes.iter().enumerate() {
            let end = self.end(plane);
            if layout.object == object && end > size {
                return Err(DescriptorError::PlaneEnd { plane, end, object, size });
            }
        }
        Ok(())
    }

    /// One past the last byte of `plane` in its memory object: every row of a linear plane, also
    /// the last, takes a whole stride. How long others are, their driver knows; they must begin
    /// inside.
    ///
    /// # Panics
    ///
    /// When there is no such plane.
    pub fn end(&self, plane: usize) -> u64 {
        let layout = &self.planes[plane];
        if self.modifier != Modifier::LINEAR {
            return u64::from(layout.offset) + 1;
        }
        let known = self.fourcc.planes().and_then(|known| known.get(plane).copied());
        let rows = known.map_or(self.extent, |plane| plane.extent(self.extent)).height;
        u64::from(layout.offset) + u64::from(layout.stride) * u64::from(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nv12() -> FrameDescriptor {
        FrameDescriptor {
            extent: Extent { width: 64, height: 32 },
            fourcc: Fourcc::NV12,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([
                PlaneLayout { object: 0, offset: 0, stride: 64 },
                PlaneLayout { object: 1, offset: 0, stride: 64 },
            ]),
            color: Color::BT709,
        }
    }

    #[test]
    fn a_plane_must_lie_in_an_object() {
        assert_eq!(nv12().check(2), Ok(()));
        let err = nv12().check(1).unwrap_err();
        assert_eq!(err.to_string(), "plane 1 is in object 1, but the buffer has 1");
    }

    #[test]
    fn rows_must_not_overlap_and_planes_must_end_in_their_memory() {
        assert_eq!(nv12().check_rows(), Ok(()));
        assert_eq!(nv12().check_end(0, 64 * 32), Ok(()));
        assert_eq!(nv12().check_end(1, 64 * 16), Ok(()));
        let err = nv12().check_end(1, 1023).unwrap_err();
        assert_eq!(err.to_string(), "plane 1 ends at byte 1024 of object 1, which has 1023");
        let mut narrow = nv12();
        narrow.planes[1].stride = 63;
        let err = narrow.check_rows().unwrap_err();
        assert_eq!(err.to_string(), "plane 1 has a stride of 63 bytes, and its rows have 64");
        narrow.planes.pop();
        let err = narrow.check_rows().unwrap_err();
        assert_eq!(err.to_string(), "the NV12 picture has 1 planes, not 2");
    }

    #[test]
    fn numbers_of_a_stranger_do_not_overflow() {
        let mut wild = nv12();
        wild.extent = Extent { width: u32::MAX, height: u32::MAX };
        wild.planes[1] = PlaneLayout { object: 0, offset: u32::MAX, stride: u32::MAX };
        assert!(wild.check_rows().is_err());
        assert!(wild.check_end(0, 1 << 40).is_err());
    }
}
