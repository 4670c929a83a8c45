//! How the codes of a pixel lie in memory, and which Vulkan format shows them raw.

use ash::vk;
use zerohop_frame::Fourcc;

use crate::Error;

/// Where the codes of a pixel lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelLayout {
    /// One little-endian word of `bytes` bytes with whole numbers in it.
    Packed {
        /// Bytes of a pixel: 1, 2 or 4.
        bytes: usize,
        /// R, G, B and A. A of no bits does not count.
        channels: [Channel; 4],
    },
    /// Four half floats (IEEE 754 binary16) R, G, B, A: 8 bytes.
    Half {
        /// Whether the fourth one counts.
        alpha: bool,
    },
}

/// One colour channel in a packed pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// The lowest bit.
    pub shift: u32,
    /// How many bits; 0 when the channel is absent.
    pub bits: u32,
}

impl Channel {
    /// The largest code: `2^bits - 1`.
    pub fn max(self) -> u32 {
        (1 << self.bits) - 1
    }
}

/// The format of a picture with one plane, or of one plane of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelFormat {
    fourcc: Fourcc,
    layout: PixelLayout,
    raw: vk::Format,
    srgb: vk::Format,
}

/// The format of one image of all planes of a Y'CbCr picture, whose planes are viewed as R8, R8G8,
/// R16 or R16G16; `None` where Vulkan 1.1, or `version` when that is later, has none.
///
/// # References
///
/// "Compatible Formats of Planes of Multi-Planar Formats"; the words of the 10- and 12-bit formats
/// are in the classes of R16 and R16G16 ("Compatible Formats").
pub(crate) fn multi_planar(fourcc: Fourcc, version: u32) -> Option<vk::Format> {
    use vk::Format as F;
    let full = version >= vk::API_VERSION_1_3;
    Some(match &fourcc.0.to_le_bytes() {
        b"NV12" | b"NV21" => F::G8_B8R8_2PLANE_420_UNORM,
        b"NV16" | b"NV61" => F::G8_B8R8_2PLANE_422_UNORM,
        b"NV24" | b"NV42" if full => F::G8_B8R8_2PLANE_444_UNORM,
        b"P010" => F::G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16,
        b"P012" => F::G12X4_B12X4R12X4_2PLANE_420_UNORM_3PACK16,
        b"P016" => F::G16_B16R16_2PLANE_420_UNORM,
        b"P210" => F::G10X6_B10X6R10X6_2PLANE_422_UNORM_3PACK16,
        b"YU12" | b"YV12" => F::G8_B8_R8_3PLANE_420_UNORM,
        b"YU16" | b"YV16" => F::G8_B8_R8_3PLANE_422_UNORM,
        b"YU24" | b"YV24" => F::G8_B8_R8_3PLANE_444_UNORM,
        b"S016" => F::G16_B16_R16_3PLANE_420_UNORM,
        _ => return None,
    })
}

/// Shorthand for the table below.
const fn packed(bytes: usize, shifts: [u32; 4], bits: [u32; 4]) -> PixelLayout {
    let mut channels = [Channel { shift: 0, bits: 0 }; 4];
    let mut i = 0;
    while i < 4 {
        channels[i] = Channel { shift: shifts[i], bits: bits[i] };
        i += 1;
    }
    PixelLayout::Packed { bytes, channels }
}

const fn format(
    fourcc: Fourcc,
    layout: PixelLayout,
    raw: vk::Format,
    srgb: vk::Format,
) -> PixelFormat {
    PixelFormat { fourcc, layout, raw, srgb }
}

const NONE: vk::Format = vk::Format::UNDEFINED;
const BGRA: (vk::Format, vk::Format) = (vk::Format::B8G8R8A8_UNORM, vk::Format::B8G8R8A8_SRGB);
const RGBA: (vk::Format, vk::Format) = (vk::Format::R8G8B8A8_UNORM, vk::Format::R8G8B8A8_SRGB);
const RGB30: vk::Format = vk::Format::A2R10G10B10_UNORM_PACK32;
const BGR30: vk::Format = vk::Format::A2B10G10R10_UNORM_PACK32;
const HALF: vk::Format = vk::Format::R16G16B16A16_SFLOAT;

/// Every format of one plane there is. The planes of Y'CbCr pictures have the last four.
const FORMATS: [PixelFormat; 15] = [
    format(Fourcc::XRGB8888, packed(4, [16, 8, 0, 0], [8, 8, 8, 0]), BGRA.0, BGRA.1),
    format(Fourcc::ARGB8888, packed(4, [16, 8, 0, 24], [8, 8, 8, 8]), BGRA.0, BGRA.1),
    format(Fourcc::XBGR8888, packed(4, [0, 8, 16, 0], [8, 8, 8, 0]), RGBA.0, RGBA.1),
    format(Fourcc::ABGR8888, packed(4, [0, 8, 16, 24], [8, 8, 8, 8]), RGBA.0, RGBA.1),
    format(Fourcc::XRGB2101010, packed(4, [20, 10, 0, 0], [10, 10, 10, 0]), RGB30, NONE),
    format(Fourcc::ARGB2101010, packed(4, [20, 10, 0, 30], [10, 10, 10, 2]), RGB30, NONE),
    format(Fourcc::XBGR2101010, packed(4, [0, 10, 20, 0], [10, 10, 10, 0]), BGR30, NONE),
    format(Fourcc::ABGR2101010, packed(4, [0, 10, 20, 30], [10, 10, 10, 2]), BGR30, NONE),
    format(
        Fourcc::RGB565,
        packed(2, [11, 5, 0, 0], [5, 6, 5, 0]),
        vk::Format::R5G6B5_UNORM_PACK16,
        NONE,
    ),
    format(Fourcc::XBGR16161616F, PixelLayout::Half { alpha: false }, HALF, NONE),
    format(Fourcc::ABGR16161616F, PixelLayout::Half { alpha: true }, HALF, NONE),
    format(Fourcc::R8, packed(1, [0; 4], [8, 0, 0, 0]), vk::Format::R8_UNORM, NONE),
    format(Fourcc::R16, packed(2, [0; 4], [16, 0, 0, 0]), vk::Format::R16_UNORM, NONE),
    format(Fourcc::GR88, packed(2, [0, 8, 0, 0], [8, 8, 0, 0]), vk::Format::R8G8_UNORM, NONE),
    format(
        Fourcc::GR1616,
        packed(4, [0, 16, 0, 0], [16, 16, 0, 0]),
        vk::Format::R16G16_UNORM,
        NONE,
    ),
];

impl PixelFormat {
    /// The format in whose texels the words of a pixel lie as they are; `None` for planes, and for
    /// pixels of less than a word.
    pub(crate) fn words(&self) -> Option<vk::Format> {
        match self.layout {
            _ if !self.is_rgb() => None,
            PixelLayout::Packed { bytes: 4, .. } => Some(vk::Format::R32_UINT),
            PixelLayout::Half { .. } => Some(vk::Format::R32G32_UINT),
            PixelLayout::Packed { .. } => None,
        }
    }

    /// Every format there is.
    pub fn all() -> &'static [Self] {
        &FORMATS
    }

    /// The format of `fourcc`.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] names what no pass reads.
    pub fn of(fourcc: Fourcc) -> Result<Self, Error> {
        FORMATS.iter().find(|one| one.fourcc == fourcc).copied().ok_or(Error::Format(fourcc))
    }

    /// Its name.
    pub fn fourcc(&self) -> Fourcc {
        self.fourcc
    }

    /// Where the codes lie.
    pub fn layout(&self) -> PixelLayout {
        self.layout
    }

    /// Whether a pixel has all of R, G and B.
    pub fn is_rgb(&self) -> bool {
        match self.layout {
            PixelLayout::Packed { channels: [r, g, b, _], .. } => r.bits * g.bits * b.bits > 0,
            PixelLayout::Half { .. } => true,
        }
    }

    /// Bytes of a pixel: 1, 2, 4 or 8.
    pub fn bytes(&self) -> usize {
        match self.layout {
            PixelLayout::Packed { bytes, .. } => bytes,
            PixelLayout::Half { .. } => 8,
        }
    }

    /// `VkFormat` of a view that shows the codes as they are: a UNORM or float format.
    pub fn vk_format(&self) -> u32 {
        self.raw.as_raw().cast_unsigned()
    }

    pub(crate) fn raw(&self) -> vk::Format {
        self.raw
    }

    /// Whether an image of `format` holds such pixels.
    pub(crate) fn lies_in(&self, format: vk::Format) -> bool {
        let packed = |format| match format {
            vk::Format::A8B8G8R8_UNORM_PACK32 => vk::Format::R8G8B8A8_UNORM,
            vk::Format::A8B8G8R8_SRGB_PACK32 => vk::Format::R8G8B8A8_SRGB,
            other => other,
        };
        let format = packed(format);
        format == self.raw || (self.srgb != NONE && format == self.srgb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_a_packed_pixel_do_not_overlap() {
        for format in PixelFormat::all() {
            let PixelLayout::Packed { bytes, channels } = format.layout() else { continue };
            let masks = channels.map(|one| one.max() << one.shift);
            assert_eq!(format.is_rgb(), channels[1].bits > 0 && channels[2].bits > 0);
            let all = masks.iter().fold(0, |all, mask| {
                assert_eq!(all & mask, 0, "{}", format.fourcc());
                all | mask
            });
            assert!(u64::from(all) < 1 << (8 * bytes), "{}", format.fourcc());
        }
    }

    #[test]
    fn an_unknown_format_is_refused_by_name() {
        let err = PixelFormat::of(Fourcc::NV12).unwrap_err();
        assert_eq!(err.to_string(), "no Vulkan format for NV12");
    }
}
