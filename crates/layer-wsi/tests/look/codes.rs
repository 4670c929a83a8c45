//! Pictures as bytes, and what a device makes words of.

use ash::vk;
use zerohop_frame::Extent;

/// The format of an image, and what it is viewed as.
pub(crate) struct Codes {
    pub(crate) format: vk::Format,
    pub(crate) view: vk::Format,
}

impl Codes {
    /// Of a picture.
    pub(crate) fn bytes(&self, size: Extent) -> usize {
        (size.width * size.height) as usize * self.pixel()
    }

    /// Of a pixel.
    fn pixel(&self) -> usize {
        match self.format {
            vk::Format::R16G16B16A16_SFLOAT => 8,
            vk::Format::R5G6B5_UNORM_PACK16 => 2,
            _ => 4,
        }
    }

    pub(crate) fn is_half(&self) -> bool {
        self.format == vk::Format::R16G16B16A16_SFLOAT
    }

    /// The words of pixel number `at`.
    pub(crate) fn words(&self, picture: &[u8], at: usize) -> Vec<u32> {
        let bytes = &picture[at * self.pixel()..][..self.pixel()];
        let halves: Vec<_> =
            bytes.chunks(2).map(|two| u32::from(u16::from_le_bytes([two[0], two[1]]))).collect();
        let word = |at: usize| halves[at] | halves[at + 1] << 16;
        match self.view {
            vk::Format::R32_UINT => vec![word(0)],
            vk::Format::R32G32_UINT => vec![word(0), word(2)],
            // Red is the lowest component of a word of ours.
            vk::Format::R8G8B8A8_UNORM | vk::Format::A2B10G10R10_UNORM_PACK32 => vec![word(0)],
            vk::Format::B8G8R8A8_UNORM => {
                vec![u32::from_le_bytes([bytes[2], bytes[1], bytes[0], bytes[3]])]
            }
            vk::Format::A2R10G10B10_UNORM_PACK32 => {
                let (word, ten) = (word(0), 0x3ff);
                vec![word & 0xc00f_fc00 | word >> 20 & ten | (word & ten) << 20]
            }
            vk::Format::R5G6B5_UNORM_PACK16 => {
                let code = halves[0];
                vec![code >> 11 | code & 0x07e0 | (code & 31) << 11]
            }
            _ => halves.into_iter().map(float).collect(),
        }
    }
}

/// The bits of the float that a finite half is.
fn float(half: u32) -> u32 {
    let (sign, exponent, fraction) = (half >> 15, half >> 10 & 31, half & 0x3ff);
    // In units of 2^-24, the least half that is not zero.
    let units = match exponent {
        0 => fraction as f32,
        _ => (u64::from(fraction + 1024) << (exponent - 1)) as f32,
    };
    (units * 2_f32.powi(-24)).to_bits() | sign << 31
}

/// Bytes without a pattern. Those of halves are finite numbers: which NaN a NaN becomes is a
/// driver's own.
pub(crate) fn noise(bytes: usize, seed: u64, format: vk::Format) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let mut all: Vec<u8> = (0..bytes).map(|_| next()).collect();
    if format == vk::Format::R16G16B16A16_SFLOAT {
        // Exponents from 0 to 30, with either sign.
        all.iter_mut().skip(1).step_by(2).for_each(|high| *high &= 0xfb);
    }
    all
}
