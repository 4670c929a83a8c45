//! What to ask of OpenH264.

use zerohop_frame::FrameDescriptor;
use zerohop_openh264::{Complexity, Content, Settings};

/// The rates that are asked for at least and at most.
const MIN_BITS: u32 = 50_000;
const MAX_BITS: u32 = 240_000_000;

/// The finest quantizer for which edges of blocks are worth smoothing.
const LOOP_FILTER_FROM: u8 = 29;

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

/// What to ask for, chosen by measuring (`cargo run --example settings` in `openh264`). Against
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
        Rate::Bits(bits) => (zerohop_openh264::Rate::Bits(bits.clamp(MIN_BITS, MAX_BITS)), true),
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
