//! Software H.264 by OpenH264, which is part of the binary.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use openh264::encoder::FrameType;
use openh264::{OpenH264API, Timestamp};
use zerohop_frame::{Color, Extent, Fallback, Fourcc, Frame, FrameDescriptor, FrameInfo, Modifier};

use crate::planes::{Mappings, Planes};
use crate::settings::config;
use crate::{Encoder, Error, Options, Packet};

/// Whether OpenH264 was built with its assembly (`nasm`). Without it it is more than twice
/// as slow.
pub const ASSEMBLY: bool = cfg!(openh264_asm);

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);

/// How often a picture is offered that the rate control has no room for.
const OFFERS: u32 = 20_000;

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
