//! How the pixels of an image become words.

use ash::vk;

include!(concat!(env!("OUT_DIR"), "/look.rs"));

/// See the module. What it is called after is what a fetch gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The word of a pixel (`R32_UINT`).
    Word,
    /// Its two words (`R32G32_UINT`).
    Words,
    /// Components of 8 bits, which make one word.
    Eight,
    /// Components of 5 and 6 bits, likewise.
    Short,
    /// Components of 10 bits and 2 of alpha, which make one.
    Ten,
    /// Halves, as floats: four words.
    Half,
}

impl Reading {
    /// Of images that are viewed as `view`. `None`: there is no reading.
    pub fn of(view: vk::Format) -> Option<Self> {
        use vk::Format as F;
        Some(match view {
            F::R32_UINT => Self::Word,
            F::R32G32_UINT => Self::Words,
            F::B8G8R8A8_UNORM | F::R8G8B8A8_UNORM | F::A8B8G8R8_UNORM_PACK32 => Self::Eight,
            F::R5G6B5_UNORM_PACK16 => Self::Short,
            F::A2R10G10B10_UNORM_PACK32 | F::A2B10G10R10_UNORM_PACK32 => Self::Ten,
            F::R16G16B16A16_SFLOAT => Self::Half,
            _ => return None,
        })
    }

    /// The words of a pixel.
    pub fn words(self) -> usize {
        match self {
            Self::Word | Self::Eight | Self::Short | Self::Ten => 1,
            Self::Words => 2,
            Self::Half => 4,
        }
    }

    /// The shader.
    pub(super) fn module(self) -> &'static [u32] {
        match self {
            Self::Word => ONE,
            Self::Words => TWO,
            Self::Eight => EIGHT,
            Self::Short => SHORT,
            Self::Ten => TEN,
            Self::Half => HALF,
        }
    }
}
