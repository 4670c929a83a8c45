//! What to ask of encoders.

use zerohop_frame::FrameDescriptor;
use zerohop_nvenc::{Codec, Preset, Refresh, Tuning};
use zerohop_openh264::{Complexity, Content, Settings};

/// The rates that are asked for at least and at most.
const MIN_BITS: u32 = 50_000;
const MAX_BITS: u32 = 240_000_000;

/// The finest quantizer for which edges of blocks are worth smoothing.
const LOOP_FILTER_FROM: u8 = 29;

/// What decides the size of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// The same quality for every picture, as many bits as that takes: a quantizer of 0 (finest) to
    /// 51 (coarsest). Six more are about half the bits.
    ///
    /// OpenH264 takes 12 at least; noise that does not fit into its packets (about a byte per pixel)
    /// is encoded coarser, up to the next key picture.
    Quantizer(u8),
    /// So many bits a second over time, at a quality that varies. No picture is left out.
    Variable {
        /// On average.
        bits: u32,
        /// For a while; half as many again without. OpenH264 has `bits` for it.
        most: Option<u32>,
        /// How many bits that while has; the encoder's own number without. Not OpenH264.
        buffer: Option<u32>,
    },
    /// So many bits a second, all the time. OpenH264 takes it for [`Variable`](Self::Variable).
    Constant {
        /// That many.
        bits: u32,
        /// How many bits may wait to be sent; those of one picture without, where latency counts.
        buffer: Option<u32>,
    },
}

impl Rate {
    /// So many bits a second over time.
    pub fn bits(bits: u32) -> Self {
        Self::Variable { bits, most: None, buffer: None }
    }

    /// The next one with fewer bits, if there is any.
    pub(crate) fn coarser(self) -> Option<Self> {
        match self {
            Self::Quantizer(quantizer) if quantizer < 51 => {
                Some(Self::Quantizer(quantizer.saturating_add(9).min(51)))
            }
            Self::Variable { bits, .. } | Self::Constant { bits, .. } if bits > MIN_BITS => {
                Some(Self::bits((bits / 4).max(MIN_BITS)))
            }
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

/// What to ask of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What it makes. [`OpenH264`](crate::OpenH264) makes H.264.
    pub codec: Codec,
    /// What decides the size of the packets.
    pub rate: Rate,
    /// The most pictures a second. The stream's level and the rate control go by it.
    pub hertz: u32,
    /// How hard [`Nvenc`](crate::Nvenc) tries.
    pub preset: Preset,
    /// What [`Nvenc`](crate::Nvenc) is tuned for.
    pub tuning: Tuning,
    /// Whether [`Nvenc`](crate::Nvenc) refreshes pictures piece by piece.
    pub refresh: Option<Refresh>,
}

impl Default for Options {
    /// H.264 at the default [`Rate`], 60 Hz.
    fn default() -> Self {
        Self {
            codec: Codec::H264,
            rate: Rate::default(),
            hertz: 60,
            preset: Preset::default(),
            tuning: Tuning::default(),
            refresh: None,
        }
    }
}

/// What to ask OpenH264 for, chosen by measuring (`cargo run --example settings` in `openh264`). Against
/// this, on vkcube at 1280x720:
///
/// - The loop filter takes 22 % more instructions and gives 0.16 dB at the default quantizer. Where
///   blocks show it is on.
/// - CABAC takes 17 % more for 12 % fewer bits.
/// - Screen content looks for scrolled text everywhere, which takes more than twice the time and
///   makes nothing smaller that turns or shades.
/// - Medium complexity takes a quarter more time for 3 % fewer bits.
/// - A second thread shortens the wait and costs more time of processors.
/// - Background detection takes time and gives nothing.
pub(crate) fn settings(shape: &FrameDescriptor, options: Options) -> Settings {
    let (rate, loop_filter) = match options.rate {
        Rate::Quantizer(quantizer) => {
            let quantizer = quantizer.clamp(12, 51);
            (zerohop_openh264::Rate::Quantizer(quantizer), quantizer >= LOOP_FILTER_FROM)
        }
        Rate::Variable { bits, .. } | Rate::Constant { bits, .. } => {
            (zerohop_openh264::Rate::Bits(bits.clamp(MIN_BITS, MAX_BITS)), true)
        }
    };
    Settings {
        extent: shape.extent,
        color: shape.color,
        hertz: u16::try_from(options.hertz).unwrap_or(u16::MAX),
        rate,
        content: Content::Camera,
        complexity: Complexity::Low,
        loop_filter,
        arithmetic: false,
        background: false,
        threads: 1,
    }
}
