//! How pixels lie in the memory of each swapchain format.

use ash::vk;

use crate::Pixel;

/// How one pixel lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of one pixel, in the order of a little-endian word.
    pub bytes: usize,
    /// Position and width in bits of red, green, blue and alpha in that word. A width of 0 means
    /// that the format lacks the channel.
    channels: [(u32, u32); 4],
    /// Half floats in 0..1 and not integers.
    half: bool,
}

impl Layout {
    /// The layout of `format`, or `None` when the pattern cannot be drawn in it.
    pub fn of(format: vk::Format) -> Option<Self> {
        use vk::Format as F;
        let (bytes, channels) = match format {
            F::R8G8B8A8_UNORM | F::R8G8B8A8_SRGB => (4, [(0, 8), (8, 8), (16, 8), (24, 8)]),
            F::A8B8G8R8_UNORM_PACK32 | F::A8B8G8R8_SRGB_PACK32 => {
                (4, [(0, 8), (8, 8), (16, 8), (24, 8)])
            }
            F::B8G8R8A8_UNORM | F::B8G8R8A8_SRGB => (4, [(16, 8), (8, 8), (0, 8), (24, 8)]),
            F::A2B10G10R10_UNORM_PACK32 => (4, [(0, 10), (10, 10), (20, 10), (30, 2)]),
            F::A2R10G10B10_UNORM_PACK32 => (4, [(20, 10), (10, 10), (0, 10), (30, 2)]),
            F::R5G6B5_UNORM_PACK16 => (2, [(11, 5), (5, 6), (0, 5), (0, 0)]),
            F::B5G6R5_UNORM_PACK16 => (2, [(0, 5), (5, 6), (11, 5), (0, 0)]),
            F::R16G16B16A16_UNORM | F::R16G16B16A16_SFLOAT => {
                (8, [(0, 16), (16, 16), (32, 16), (48, 16)])
            }
            _ => return None,
        };
        Some(Self { bytes, channels, half: format == F::R16G16B16A16_SFLOAT })
    }

    /// How many of the top bits of each channel survive.
    pub fn bits(&self) -> [u32; 4] {
        self.channels.map(|(_, bits)| if self.half { 10 } else { bits })
    }

    /// Writes `pixel` into the first [`bytes`](Self::bytes) of `memory`.
    pub fn pack(&self, pixel: Pixel, memory: &mut [u8]) {
        let word = pixel.iter().zip(self.channels).fold(0, |word, (&value, (shift, bits))| {
            let value = if self.half { half(value >> 6) } else { value };
            word | (u64::from(value) >> (16 - bits)) << shift
        });
        memory[..self.bytes].copy_from_slice(&word.to_le_bytes()[..self.bytes]);
    }

    /// Reads a pixel from the first [`bytes`](Self::bytes) of `memory`; bits that the format lacks
    /// are zero.
    pub fn unpack(&self, memory: &[u8]) -> Pixel {
        let mut word = [0; 8];
        word[..self.bytes].copy_from_slice(&memory[..self.bytes]);
        let word = u64::from_le_bytes(word);
        self.channels.map(|(shift, bits)| {
            let value = (word >> shift & ((1 << bits) - 1)) << (16 - bits);
            let value = u16::try_from(value).unwrap_or(u16::MAX);
            if self.half { unhalf(value) << 6 } else { value }
        })
    }
}

/// `value / 1024` as an IEEE 754 half float, exactly. `value` is below 1024.
fn half(value: u16) -> u16 {
    let Some(exponent) = value.checked_ilog2() else { return 0 };
    let exponent = u16::try_from(exponent).unwrap_or(0);
    let mantissa = (value << (10 - exponent)) & 0x3ff;
    (exponent + 5) << 10 | mantissa
}

/// The `value` of [`half`].
fn unhalf(bits: u16) -> u16 {
    match (bits >> 10).checked_sub(5) {
        Some(exponent @ 0..10) => (bits & 0x3ff | 0x400) >> (10 - exponent),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: [vk::Format; 9] = [
        vk::Format::B8G8R8A8_SRGB,
        vk::Format::R8G8B8A8_UNORM,
        vk::Format::A8B8G8R8_UNORM_PACK32,
        vk::Format::A2B10G10R10_UNORM_PACK32,
        vk::Format::A2R10G10B10_UNORM_PACK32,
        vk::Format::R5G6B5_UNORM_PACK16,
        vk::Format::B5G6R5_UNORM_PACK16,
        vk::Format::R16G16B16A16_UNORM,
        vk::Format::R16G16B16A16_SFLOAT,
    ];

    #[test]
    fn every_format_keeps_its_top_bits() {
        for format in FORMATS {
            let layout = Layout::of(format).unwrap();
            let pixel = [0xfedc, 0x1234, 0x8001, 0xffff];
            let mut memory = [0; 8];
            layout.pack(pixel, &mut memory);
            let back = layout.unpack(&memory);
            for ((from, to), bits) in pixel.iter().zip(back).zip(layout.bits()) {
                assert_eq!(from & !(0xffff_u32 >> bits) as u16, to, "{format:?}");
            }
        }
    }

    #[test]
    fn words_are_those_of_the_specification() {
        let mut memory = [0; 8];
        let layout = Layout::of(vk::Format::B8G8R8A8_UNORM).unwrap();
        layout.pack([0x1100, 0x2200, 0x3300, 0x4400], &mut memory);
        assert_eq!(memory[..4], [0x33, 0x22, 0x11, 0x44]);
        let layout = Layout::of(vk::Format::A2R10G10B10_UNORM_PACK32).unwrap();
        layout.pack([0xffff, 0, 0, 0x4000], &mut memory);
        assert_eq!(u32::from_le_bytes([memory[0], memory[1], memory[2], memory[3]]), 0x7ff0_0000);
    }

    #[test]
    fn halves_are_exact() {
        assert_eq!((half(0), half(512), half(1023)), (0, 0x3800, 0x3bfe));
        assert!((0..1024).all(|value| unhalf(half(value)) == value));
    }
}
