//! The ways by which pictures come in.

use std::fmt;

use zerohop_frame::Fallback;

/// How the memory of a picture became something that shaders read, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// Opaque memory, as the image that its maker made.
    Opaque,
    /// One image of all planes over a dma-buf, by its modifier.
    Image,
    /// One image of all planes, each bound to a dma-buf by itself.
    Disjoint,
    /// One image for each plane over the same dma-bufs.
    PlaneImages,
    /// The memory as buffers, in which shaders find the planes by offset and stride. `LINEAR` only.
    Buffers,
    /// Copied by the device each time it is read: into linear memory, or into an image.
    DeviceCopy,
    /// Copied by the CPU each time it is read, into memory of the device.
    CpuCopy,
}

impl Way {
    /// All of them, best first.
    pub const ALL: [Self; 7] = [
        Self::Opaque,
        Self::Image,
        Self::Disjoint,
        Self::PlaneImages,
        Self::Buffers,
        Self::DeviceCopy,
        Self::CpuCopy,
    ];

    /// What it costs, when it is worse than reading the memory where it lies.
    fn cost(self) -> Option<&'static str> {
        match self {
            Self::DeviceCopy => Some("the device copies each picture before it is read"),
            Self::CpuCopy => Some("the CPU copies each picture before it is read"),
            _ => None,
        }
    }

    /// The entry in a report, when it is worse than reading the memory where it lies. `refused` is
    /// why no better way was taken.
    pub(crate) fn fallback(self, refused: &Refusals) -> Option<Fallback> {
        let cost = self.cost()?.into();
        let reason = if refused.0.is_empty() {
            "no better way was asked for".to_owned()
        } else {
            refused.to_string()
        };
        Some(Fallback { what: "import".into(), reason, cost })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opaque => "opaque memory",
            Self::Image => "one image",
            Self::Disjoint => "one disjoint image",
            Self::PlaneImages => "an image for each plane",
            Self::Buffers => "buffers",
            Self::DeviceCopy => "a copy by the device",
            Self::CpuCopy => "a copy by the CPU",
        })
    }
}

/// Why ways were not taken, in one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(pub(crate) Vec<(Way, String)>);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (way, why)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}not as {way}, {why}")?;
        }
        Ok(())
    }
}
