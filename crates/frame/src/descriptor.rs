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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// `DRM_FORMAT_NV12`: plane 0 is Y, plane 1 is Cb and Cr at half width and height.
    pub const NV12: Self = Self(u32::from_le_bytes(*b"NV12"));
    /// `DRM_FORMAT_YUV420`: planes Y, Cb, Cr, the last two at half width and height.
    pub const YUV420: Self = Self(u32::from_le_bytes(*b"YU12"));
}

impl fmt::Display for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_le_bytes().iter().try_for_each(|&byte| write!(f, "{}", byte.escape_ascii()))
    }
}

/// A DRM format modifier: how pixels are tiled or compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Modifier(pub u64);

impl Modifier {
    /// Rows one after the other (`DRM_FORMAT_MOD_LINEAR`).
    pub const LINEAR: Self = Self(0);
    /// The exporter did not say (`DRM_FORMAT_MOD_INVALID`).
    pub const INVALID: Self = Self(0x00ff_ffff_ffff_ffff);
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
    /// Tiling of every plane. [`Modifier::INVALID`] for opaque memory only, whose layout its
    /// driver knows; its one plane then has offset and stride 0.
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
}
