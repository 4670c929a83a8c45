//! Which image holds a picture whole, and as what its codes are seen.

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{Extent, FormatPlane, Fourcc, MAX_PLANES};

use crate::format::multi_planar;
use crate::plane::Plane;
use crate::{Device, Error, PixelFormat};

/// The codes of a picture, and the image that holds all of them.
pub(crate) enum Holds {
    /// Those of a picture with one plane.
    Pixels(PixelFormat),
    /// Those of several planes, in one image.
    Planes {
        /// The picture's format.
        fourcc: Fourcc,
        /// The image's.
        format: vk::Format,
        /// As what its planes are viewed.
        views: ArrayVec<vk::Format, MAX_PLANES>,
    },
}

impl Holds {
    /// What holds a picture of `extent`.
    ///
    /// # Errors
    ///
    /// [`Error::Format`]; [`Error::Odd`] for sides that the planes do not divide.
    pub(crate) fn of(device: &Device, fourcc: Fourcc, extent: Extent) -> Result<Self, Error> {
        let unknown = || Error::Format(fourcc);
        let planes = fourcc.planes().ok_or_else(unknown)?;
        if planes.len() == 1 {
            return PixelFormat::of(fourcc).map(Self::Pixels);
        }
        let view = |plane: &FormatPlane| Ok(PixelFormat::of(plane.fourcc)?.raw());
        let views = planes.iter().map(view).collect::<Result<_, Error>>()?;
        even(&planes, extent)?;
        let version = device.physical().properties.api_version;
        let format = multi_planar(fourcc, version).ok_or_else(unknown)?;
        Ok(Self::Planes { fourcc, format, views })
    }

    /// The image's format where it shows raw codes, and the formats of its planes where they have
    /// others.
    pub(crate) fn formats(&self) -> (vk::Format, ArrayVec<vk::Format, MAX_PLANES>) {
        match self {
            Self::Pixels(pixels) => (pixels.raw(), ArrayVec::new()),
            Self::Planes { format, views, .. } => (*format, views.clone()),
        }
    }

    /// How many planes the image has.
    pub(crate) fn planes(&self) -> usize {
        match self {
            Self::Pixels(_) => 1,
            Self::Planes { views, .. } => views.len(),
        }
    }

    /// Whether they are in an image of `found`.
    pub(crate) fn check(&self, found: vk::Format) -> Result<(), Error> {
        let (fits, fourcc) = match self {
            Self::Pixels(pixels) => (pixels.lies_in(found), pixels.fourcc()),
            Self::Planes { fourcc, format, .. } => (*format == found, *fourcc),
        };
        if fits { Ok(()) } else { Err(Error::ImageFormat { fourcc, format: found.as_raw() }) }
    }

    /// As what they are viewed, plane by plane.
    pub(crate) fn views(&self) -> ArrayVec<vk::Format, MAX_PLANES> {
        match self {
            Self::Pixels(pixels) => ArrayVec::from_iter([pixels.raw()]),
            Self::Planes { views, .. } => views.clone(),
        }
    }
}

/// The planes of `fourcc`, without memory yet.
///
/// # Errors
///
/// [`Error::Format`].
pub(crate) fn planes_of(
    fourcc: Fourcc,
    extent: Extent,
) -> Result<ArrayVec<Plane, MAX_PLANES>, Error> {
    let planes = fourcc.planes().ok_or(Error::Format(fourcc))?;
    let plane =
        |plane: &FormatPlane| Ok(Plane::new(PixelFormat::of(plane.fourcc)?, plane.extent(extent)));
    planes.iter().map(plane).collect()
}

/// Images of all planes have sides that the planes divide (VUID-VkImageCreateInfo-format-04712 and
/// 04713).
fn even(planes: &[FormatPlane], extent: Extent) -> Result<(), Error> {
    let (across, down) = planes[1].shared;
    if extent.width.is_multiple_of(across) && extent.height.is_multiple_of(down) {
        return Ok(());
    }
    Err(Error::Odd(extent))
}
