//! Software H.264 by OpenH264, which is part of the binary.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, RateControlMode,
    UsageType,
};
use openh264::{OpenH264API, Timestamp};
use zerohop_frame::{Color, Extent, Fourcc, Frame, FrameDescriptor, Modifier};

use crate::planes::{Mappings, Planes};
use crate::{Encoder, Error, Packet, level, vui};

/// Whether OpenH264 was built with its assembly (`nasm`). Without it it is about three times
/// slower.
pub const ASSEMBLY: bool = cfg!(openh264_asm);

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);

/// What decides the size of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// The same quality for every picture (quantizer 26), as many bits as that takes.
    #[default]
    Quality,
    /// So many bits a second over time, at a quality that varies. No picture is skipped for it.
    Bits(u32),
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
    /// Equal quality, 60 Hz.
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
    encoder: openh264::encoder::Encoder,
}

impl OpenH264 {
    /// An encoder without a picture yet.
    pub fn new(options: Options) -> Self {
        Self { options, mappings: Mappings::default(), stream: None, done: VecDeque::new() }
    }

    /// Waits for the picture, reads it where it lies, queues its packet.
    fn compress(&mut self, frame: &Frame, key: bool) -> Result<(), Error> {
        let (descriptor, sequence) = (frame.buffer().descriptor(), frame.info().sequence);
        let memory = self.mappings.of(frame.buffer())?;
        let planes = Planes::new(descriptor, memory.as_slice())?;
        let stream = match self.stream.take() {
            Some(stream) if stream.fits(descriptor) => self.stream.insert(stream),
            _ => self.stream.insert(Stream::open(descriptor, self.options)?),
        };
        wait(frame)?;
        if key {
            stream.encoder.force_intra_frame();
        }
        let timestamp = Timestamp::from_millis(millis(frame.info().timestamp));
        let bits = stream.encoder.encode_at(&planes, timestamp);
        let bits = bits.map_err(|source| Error::Encode { sequence, source })?;
        if matches!(bits.frame_type(), FrameType::Skip | FrameType::Invalid) {
            return Ok(());
        }
        self.done.push_back(Packet {
            data: bits.to_vec(),
            pts: frame.info().timestamp,
            key: bits.frame_type() == FrameType::IDR,
            sequence,
            extent: descriptor.extent,
            color: descriptor.color,
        });
        Ok(())
    }
}

impl Encoder for OpenH264 {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[(Fourcc::YUV420, Modifier::LINEAR)]
    }

    fn encode(&mut self, frame: Arc<Frame>, key: bool) -> Result<(), Error> {
        let done = self.compress(&frame, key);
        if done.is_err() {
            // Whatever comes next must not build upon a picture that was lost.
            self.stream = None;
        }
        done
    }

    fn poll_packet(&mut self) -> Result<Option<Packet>, Error> {
        Ok(self.done.pop_front())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Stream {
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
        Ok(Self { extent, color, encoder })
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
/// - Camera content, not screen content: the latter looks for scrolled text everywhere, at 2.5
///   times the time of the whole, for 1 % fewer bits.
/// - Low complexity: medium takes a third more time for 3 % fewer bits.
/// - One thread: a second one shortens the wait by a third and costs 10 % more time of processors.
/// - No denoising, adaptive quantization, scene change or background detection: each takes time
///   and none makes a rendered picture smaller.
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
        .skip_frames(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(0))
        .max_frame_rate(rate)
        .level(level::of(extent, hertz))
        .vui(vui::of(color)?);
    Ok(match options.rate {
        Rate::Quality => config.rate_control_mode(RateControlMode::Off),
        Rate::Bits(bits) => config
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(bits.clamp(10_000, 200_000_000))),
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
