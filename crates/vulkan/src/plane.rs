//! One plane of a picture, as passes read it.

use zerohop_frame::Extent;

use crate::pixels::Mapping;
use crate::{PixelFormat, Pixels};

/// One plane of an [`Image`](crate::Image). A picture in RGB has one.
pub struct Plane {
    format: PixelFormat,
    extent: Extent,
    pub(crate) mapping: Option<Mapping>,
    pub(crate) place: Option<Place>,
}

/// Where a plane lies in the buffer that shaders see, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// To the first row.
    pub offset: u32,
    /// From one row to the next.
    pub stride: u32,
}

impl Plane {
    pub(crate) fn new(format: PixelFormat, extent: Extent) -> Self {
        Self { format, extent, mapping: None, place: None }
    }

    /// How its codes lie.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Its samples, across and down.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// The codes in plain memory, where the CPU can read them in place; see
    /// [`Image::pixels`](crate::Image::pixels).
    pub fn pixels(&self) -> Option<Pixels<'_>> {
        self.mapping.map(Pixels::new)
    }

    /// Where shaders find it, when the picture comes in buffers
    /// ([`Sight::Buffers`](crate::Sight)).
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Bytes of a row without padding.
    pub fn row_bytes(&self) -> usize {
        self.extent.width as usize * self.format.bytes()
    }

    /// Bytes of all rows without padding.
    pub fn bytes(&self) -> u64 {
        self.row_bytes() as u64 * u64::from(self.extent.height)
    }
}
