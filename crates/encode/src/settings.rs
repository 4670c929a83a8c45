//! What to ask of encoders.

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use zerohop_frame::{Extent, FrameDescriptor};
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
/// - More threads work on two slices each. On an H200's host (1920x1080, every pixel new) a picture takes
///   14.1 ms with one, 8.3 with two and 4.8 with four, at the same time of processors, for 0.9 % and
///   2.8 % more bits. So there are as many as the pictures need to keep up, see [`threads`].
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
        threads: threads(shape.extent, options.hertz, available_parallelism()),
    }
}

/// Threads for pictures of `extent`, `hertz` of them a second: one for each 250,000 macroblocks a second.
/// 1280x720 at 60 Hz are 216,000, which keep one thread of an H200's host busy for 25 % of the time (4.2 ms
/// a picture). At most the four that OpenH264 starts (`MAX_THREADS_NUM`), and those that there are `processors` for.
fn threads(extent: Extent, hertz: u32, processors: io::Result<NonZero<usize>>) -> u16 {
    /// Macroblocks a second.
    const EACH: u64 = 250_000;
    const MOST: usize = 4;
    let blocks = u64::from(extent.width.div_ceil(16)) * u64::from(extent.height.div_ceil(16));
    let needed = blocks.saturating_mul(hertz.into()).div_ceil(EACH).max(1);
    let there = processors.map_or(1, NonZero::get).min(MOST) as u64;
    needed.min(there) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_threads_as_the_pictures_need_and_the_machine_has() {
        let of = |width, height, hertz, processors| {
            let processors = NonZero::new(processors).ok_or(io::ErrorKind::Unsupported.into());
            threads(Extent { width, height }, hertz, processors)
        };
        assert_eq!(of(1280, 720, 60, 16), 1);
        assert_eq!(of(1920, 1080, 30, 16), 1);
        assert_eq!(of(1920, 1080, 60, 16), 2);
        assert_eq!(of(2560, 1440, 60, 16), 4);
        assert_eq!(of(3840, 2160, 60, 16), 4, "no more than OpenH264 has");
        assert_eq!(of(3840, 2160, 60, 2), 2);
        assert_eq!(of(3840, 2160, 60, 0), 1, "nobody knows how many processors there are");
        assert_eq!(of(16, 16, u32::MAX, 1), 1);
    }
}
