//! What to ask of OpenH264.

use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, IntraFramePeriod, QpRange, RateControlMode,
    UsageType,
};
use zerohop_frame::{Color, Extent};

use crate::{Error, level, vui};

/// The rates that are asked for at least and at most.
const MIN_BITS: u32 = 50_000;
const MAX_BITS: u32 = 240_000_000;

/// What decides the size of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// The same quality for every picture, as many bits as that takes: a quantizer of 12 (finer)
    /// to 51 (coarser). Six more are about half the bits. Noise that does not fit into a packet
    /// (about a byte per pixel) is encoded coarser, up to the next key picture.
    Quantizer(u8),
    /// So many bits a second, at a quality that varies; more only while the coarsest quality has
    /// no room. No picture is left out.
    Bits(u32),
}

impl Rate {
    /// The next one with fewer bits, if there is any.
    pub(crate) fn coarser(self) -> Option<Self> {
        match self {
            Self::Quantizer(quantizer) if quantizer < 51 => {
                Some(Self::Quantizer(quantizer.saturating_add(9).min(51)))
            }
            Self::Bits(bits) if bits > MIN_BITS => Some(Self::Bits((bits / 4).max(MIN_BITS))),
            _ => None,
        }
    }
}

impl Default for Rate {
    /// A quantizer of 24: text stays crisp, and rendered pictures have 50 dB.
    fn default() -> Self {
        Self::Quantizer(24)
    }
}

/// What to ask of [`OpenH264`](crate::OpenH264).
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What decides the size of the packets.
    pub rate: Rate,
    /// The most pictures a second. The stream's level and the rate control go by it.
    pub hertz: u32,
}

impl Default for Options {
    /// The default [`Rate`], 60 Hz.
    fn default() -> Self {
        Self { rate: Rate::default(), hertz: 60 }
    }
}

/// What to ask of OpenH264, chosen by measuring (`examples/settings.rs`).
///
/// - Camera content, not screen content: the latter looks for scrolled text everywhere, which takes
///   more than twice the time and makes nothing smaller that turns or shades.
/// - Low complexity: medium takes a quarter more time for 3 % fewer bits.
/// - One thread: a second one shortens the wait and costs more time of processors.
/// - No denoising, adaptive quantization, scene change or background detection: each takes time
///   and none makes a rendered picture smaller.
/// - Leaving out pictures is allowed, since OpenH264 complains on the standard error otherwise; see
///   `Stream::encode` for what becomes of it.
pub(crate) fn config(
    extent: Extent,
    color: Color,
    options: Options,
) -> Result<EncoderConfig, Error> {
    let hertz = options.hertz.clamp(1, 1000);
    // Exact for numbers this small.
    #[allow(clippy::cast_precision_loss, reason = "up to 1000")]
    let rate = FrameRate::from_hz(hertz as f32);
    let config = EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .num_threads(1)
        .scene_change_detect(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .skip_frames(true)
        .intra_frame_period(IntraFramePeriod::from_num_frames(0))
        .max_frame_rate(rate)
        .level(level::of(extent, hertz))
        .vui(vui::of(color)?);
    Ok(match options.rate {
        // What this mode calls a buffer stays at the end of the range that it is given.
        Rate::Quantizer(quantizer) => {
            let quantizer = quantizer.clamp(12, 51);
            config
                .rate_control_mode(RateControlMode::Bufferbased)
                .qp(QpRange::new(quantizer, quantizer))
        }
        Rate::Bits(bits) => config
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(bits.clamp(MIN_BITS, MAX_BITS))),
    })
}
