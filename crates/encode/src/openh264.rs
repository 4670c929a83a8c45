//! Software H.264 by OpenH264, which is part of the binary.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange,
    RateControlMode, UsageType,
};
use openh264::{OpenH264API, Timestamp};
use zerohop_frame::{Color, Extent, Fallback, Fourcc, Frame, FrameDescriptor, FrameInfo, Modifier};

use crate::planes::{Mappings, Planes};
use crate::{Encoder, Error, Packet, level, vui};

/// Whether OpenH264 was built with its assembly (`nasm`). Without it it is more than twice
/// as slow.
pub const ASSEMBLY: bool = cfg!(openh264_asm);

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);

/// The rates that are asked for at least and at most.
const MIN_BITS: u32 = 50_000;
const MAX_BITS: u32 = 240_000_000;

/// How often a picture is offered that the rate control has no room for.
const OFFERS: u32 = 20_000;

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
    fn coarser(self) -> Option<Self> {
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

/// What to ask of [`OpenH264`].
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

/// Encodes YU12 pictures in memfds, on the caller's thread: when `encode` returns the frame is on
/// its way home and its packet is there.
pub struct OpenH264 {
    options: Options,
    mappings: Mappings,
    stream: Option<Stream>,
    done: VecDeque<Packet>,
}

/// An encoder for one size and one meaning of colour.
struct Stream {
    extent: Extent,
    color: Color,
    options: Options,
    encoder: openh264::encoder::Encoder,
}

impl OpenH264 {
    /// An encoder without a picture yet.
    pub fn new(options: Options) -> Self {
        Self { options, mappings: Mappings::default(), stream: None, done: VecDeque::new() }
    }

    /// Waits for the picture, reads it where it lies, queues its packet.
    fn compress(&mut self, frame: &Frame, key: bool) -> Result<(), Error> {
        let (descriptor, info) = (frame.buffer().descriptor(), frame.info());
        let memory = self.mappings.of(frame.buffer())?;
        let planes = Planes::new(descriptor, memory.as_slice())?;
        wait(frame)?;
        let wanted = |stream: &Stream| {
            stream.fits(descriptor) && (!key || stream.options.rate == self.options.rate)
        };
        let mut stream = match self.stream.take().filter(wanted) {
            Some(stream) => stream,
            None => Stream::open(descriptor, self.options)?,
        };
        if key {
            stream.encoder.force_intra_frame();
        }
        let (data, key) = stream.encode_somehow(descriptor, &planes, info)?;
        self.stream = Some(stream);
        let FrameDescriptor { extent, color, .. } = *descriptor;
        let FrameInfo { timestamp: pts, sequence, .. } = *info;
        self.done.push_back(Packet { data, pts, key, sequence, extent, color });
        Ok(())
    }
}

impl Encoder for OpenH264 {
    fn name(&self) -> &'static str {
        "openh264"
    }

    fn fallback(&self) -> Option<Fallback> {
        (!ASSEMBLY).then(|| Fallback {
            what: "encode".into(),
            reason: "OpenH264 was built without assembly, for want of nasm".into(),
            cost: "encoding takes more than twice as long".into(),
        })
    }

    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[(Fourcc::YUV420, Modifier::LINEAR)]
    }

    fn encode(&mut self, frame: Arc<Frame>, key: bool) -> Result<(), Error> {
        self.compress(&frame, key)
    }

    fn poll_packet(&mut self) -> Result<Option<Packet>, Error> {
        Ok(self.done.pop_front())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Stream {
    /// As [`encode`](Self::encode). A picture of noise may take more bits than OpenH264 has room
    /// for, which ends its stream: a coarser one takes over.
    fn encode_somehow(
        &mut self,
        descriptor: &FrameDescriptor,
        planes: &Planes<'_>,
        info: &FrameInfo,
    ) -> Result<(Vec<u8>, bool), Error> {
        loop {
            match (self.encode(planes, info), self.options.rate.coarser()) {
                (Err(Error::Encode { .. }), Some(rate)) => {
                    *self = Self::open(descriptor, Options { rate, ..self.options })?;
                }
                (done, _) => return done,
            }
        }
    }

    /// The packet of a picture, and whether it is a key picture.
    ///
    /// The rate control would rather leave out a picture than exceed its rate, and says that it
    /// did; what it left out may be the last one before a long standstill. Each time it does, time
    /// goes on for it, so that the picture is offered until it is taken.
    fn encode(&mut self, planes: &Planes<'_>, info: &FrameInfo) -> Result<(Vec<u8>, bool), Error> {
        let sequence = info.sequence;
        let timestamp = Timestamp::from_millis(millis(info.timestamp));
        for _ in 0..OFFERS {
            let bits = self.encoder.encode_at(planes, timestamp);
            let bits = bits.map_err(|source| Error::Encode { sequence, source })?;
            if !matches!(bits.frame_type(), FrameType::Skip | FrameType::Invalid) {
                return Ok((bits.to_vec(), bits.frame_type() == FrameType::IDR));
            }
        }
        Err(Error::NoRoom { sequence, offers: OFFERS })
    }

    fn fits(&self, descriptor: &FrameDescriptor) -> bool {
        self.extent == descriptor.extent && self.color == descriptor.color
    }

    fn open(descriptor: &FrameDescriptor, options: Options) -> Result<Self, Error> {
        let FrameDescriptor { extent, color, .. } = *descriptor;
        check(extent)?;
        let config = config(extent, color, options)?;
        let encoder =
            openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)
                .map_err(|source| Error::Settings { extent, source })?;
        Ok(Self { extent, color, options, encoder })
    }
}

/// The sizes that OpenH264 takes (`welsEncoderExt.cpp`, `EncodeFrame`; level 5.2).
fn check(extent: Extent) -> Result<(), Error> {
    let Extent { width, height } = extent;
    let (long, short) = (width.max(height), width.min(height));
    let even = width.is_multiple_of(2) && height.is_multiple_of(2);
    if even && short >= 16 && long <= 3840 && short <= 2160 {
        Ok(())
    } else {
        Err(Error::Size(extent))
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
///   [`Stream::encode`] for what becomes of it.
fn config(extent: Extent, color: Color, options: Options) -> Result<EncoderConfig, Error> {
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

fn wait(frame: &Frame) -> Result<(), Error> {
    let sequence = frame.info().sequence;
    match frame.acquire().wait(COMPLETE_WITHIN) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NotReady { sequence, waited: COMPLETE_WITHIN }),
        Err(source) => Err(Error::Wait { sequence, source }),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 1)
}
