//! What to ask of an encoder.

use zerohop_frame::{Color, Extent};

use crate::Codec;
use crate::sys::{self, GUID};

/// How hard it tries: `p1` (fastest) to `p7` (smallest packets).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset(u8);

impl Preset {
    /// Preset `number`, 1 to 7.
    pub fn new(number: u8) -> Option<Self> {
        (1..=7).contains(&number).then_some(Self(number))
    }

    /// 1 to 7.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The library's name for it.
    pub(crate) fn guid(self) -> GUID {
        let all = [
            sys::NV_ENC_PRESET_P1_GUID,
            sys::NV_ENC_PRESET_P2_GUID,
            sys::NV_ENC_PRESET_P3_GUID,
            sys::NV_ENC_PRESET_P4_GUID,
            sys::NV_ENC_PRESET_P5_GUID,
            sys::NV_ENC_PRESET_P6_GUID,
            sys::NV_ENC_PRESET_P7_GUID,
        ];
        all[usize::from(self.0) - 1]
    }
}

impl Default for Preset {
    /// `p4`, NVIDIA's middle.
    fn default() -> Self {
        Self(4)
    }
}

/// What it is tuned for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tuning {
    /// High quality, for files.
    HighQuality,
    /// Low latency, for streams that somebody reacts to.
    #[default]
    LowLatency,
    /// Ultra-low latency, for links of a fixed bandwidth.
    UltraLowLatency,
}

impl Tuning {
    pub(crate) fn info(self) -> u32 {
        match self {
            Self::HighQuality => sys::NV_ENC_TUNING_INFO_HIGH_QUALITY,
            Self::LowLatency => sys::NV_ENC_TUNING_INFO_LOW_LATENCY,
            Self::UltraLowLatency => sys::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
        }
    }
}

/// What decides the size of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// `constqp`: a quantizer for every picture, 0 (finest) to 51 (coarsest). AV1, which counts to
    /// 255, gets five times as much.
    Quantizer(u8),
    /// `vbr`: bits a second over time.
    Variable {
        /// On average.
        bits: u32,
        /// For a while (`maxrate`).
        most: u32,
        /// How many bits that while is (`bufsize`); the driver's own when `None`.
        buffer: Option<u32>,
    },
    /// `cbr`: bits a second, all the time.
    Constant {
        /// That many.
        bits: u32,
        /// How many bits may wait to be sent (`bufsize`). Without a number that of one picture, so
        /// that no picture takes longer to send than until the next one.
        buffer: Option<u32>,
    },
}

impl Rate {
    pub(crate) fn mode(self) -> u32 {
        match self {
            Self::Quantizer(_) => sys::NV_ENC_PARAMS_RC_CONSTQP,
            Self::Variable { .. } => sys::NV_ENC_PARAMS_RC_VBR,
            Self::Constant { .. } => sys::NV_ENC_PARAMS_RC_CBR,
        }
    }
}

/// Intra refresh: instead of whole key pictures, a part of each picture that moves over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Pictures from the begin of one pass over the picture to the next.
    pub period: u32,
    /// Pictures that a pass takes; fewer than `period`.
    pub pictures: u32,
}

/// Everything that is asked of an encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What it makes.
    pub codec: Codec,
    /// Size of the pictures. Even.
    pub extent: Extent,
    /// The largest size that it can be reconfigured to. Takes memory on the GPU.
    pub most: Extent,
    /// Whether what it makes has 10 bits a component. HEVC and AV1 only.
    pub ten_bits: bool,
    /// What the stream says of its colours. A label: RGB is converted by BT.601, see
    /// [`converted`](Self::converted).
    pub color: Color,
    /// The most pictures a second. The stream's level and the rate control go by it.
    pub hertz: u32,
    /// How hard it tries.
    pub preset: Preset,
    /// What it is tuned for.
    pub tuning: Tuning,
    /// What decides the size of the packets.
    pub rate: Rate,
    /// Whether pictures are refreshed piece by piece.
    pub refresh: Option<Refresh>,
}

impl Settings {
    /// What a stream of pictures of `color` says once the encoder has converted them, if they are
    /// RGB: it does so by the coefficients of BT.601, in limited range, whatever it is told to say.
    ///
    /// # References
    ///
    /// No document of NVIDIA's says so; FFmpeg labels such streams this way
    /// (`nvenc_setup_h264_config` in `libavcodec/nvenc.c`).
    pub fn converted(color: Color) -> Color {
        if color.matrix == 0 { Color { matrix: 5, full_range: false, ..color } } else { color }
    }

    /// Whether an encoder of these settings can be reconfigured to `other` in place: to another
    /// size up to `most`, another rate of the same kind, other colours.
    pub fn is_reconfigurable_to(&self, other: &Self) -> bool {
        let same = Self {
            extent: other.extent,
            rate: other.rate,
            hertz: other.hertz,
            color: other.color,
            ..*self
        };
        let fits =
            |extent: Extent| extent.width <= self.most.width && extent.height <= self.most.height;
        same == *other && fits(other.extent) && self.rate.mode() == other.rate.mode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            codec: Codec::H264,
            extent: Extent { width: 640, height: 480 },
            most: Extent { width: 1280, height: 720 },
            ten_bits: false,
            color: Settings::converted(Color::SRGB),
            hertz: 60,
            preset: Preset::default(),
            tuning: Tuning::default(),
            rate: Rate::Constant { bits: 1, buffer: None },
            refresh: None,
        }
    }

    #[test]
    fn sizes_and_bits_change_in_place_and_what_the_stream_is_does_not() {
        let extent = Extent { width: 1280, height: 720 };
        let rate = Rate::Constant { bits: 2, buffer: Some(1) };
        assert!(settings().is_reconfigurable_to(&Settings { extent, rate, ..settings() }));
        let larger = Extent { width: 1282, height: 480 };
        for other in [
            Settings { extent: larger, ..settings() },
            Settings { codec: Codec::Hevc, ..settings() },
            Settings { rate: Rate::Quantizer(24), ..settings() },
            Settings { preset: Preset::new(1).unwrap(), ..settings() },
        ] {
            assert!(!settings().is_reconfigurable_to(&other), "{other:?}");
        }
    }

    #[test]
    fn presets_are_one_to_seven() {
        assert_eq!((Preset::new(0), Preset::new(8)), (None, None));
        assert_eq!(Preset::new(7).unwrap().guid(), sys::NV_ENC_PRESET_P7_GUID);
    }
}
