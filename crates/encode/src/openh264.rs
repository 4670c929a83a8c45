//! Software H.264 by OpenH264, which is part of the binary.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{Color, Extent, Fallback, Fourcc, Frame, FrameDescriptor, FrameInfo, Modifier};
use zerohop_nvenc::Codec;
use zerohop_openh264::{ASSEMBLY, Coded, Picture};

use crate::chroma::sited;
use crate::planes::{Mappings, planes};
use crate::settings::settings;
use crate::{Encoder, Error, Options, Packet};

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);

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
    encoder: zerohop_openh264::Encoder,
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
        let picture = planes(descriptor, memory.as_slice())?;
        wait(frame)?;
        let wanted = |stream: &Stream| {
            stream.fits(descriptor) && (!key || stream.options.rate == self.options.rate)
        };
        let mut stream = match self.stream.take().filter(wanted) {
            Some(stream) => stream,
            None => Stream::open(descriptor, self.options)?,
        };
        let failed = |source| Error::Encode { sequence: info.sequence, source };
        if key {
            stream.encoder.force_key().map_err(failed)?;
        }
        let Coded { data, key } = stream.encode(descriptor, &picture, info)?;
        let data = match descriptor.color.siting.filter(|_| key) {
            Some(siting) => sited(data, siting),
            None => data,
        };
        self.stream = Some(stream);
        let FrameDescriptor { extent, color, .. } = *descriptor;
        let FrameInfo { timestamp: pts, sequence, .. } = *info;
        let codec = Codec::H264;
        self.done.push_back(Packet { codec, data, pts, key, sequence, extent, color });
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
    /// Compresses a picture. One of noise may take more bits than OpenH264 has room for, which
    /// ends its stream: a coarser one takes over.
    fn encode(
        &mut self,
        descriptor: &FrameDescriptor,
        picture: &Picture<'_>,
        info: &FrameInfo,
    ) -> Result<Coded, Error> {
        loop {
            let coded = self.encoder.encode(picture, info.timestamp);
            match (coded, self.options.rate.coarser()) {
                (Err(_), Some(rate)) => {
                    *self = Self::open(descriptor, Options { rate, ..self.options })?;
                }
                (coded, _) => {
                    let sequence = info.sequence;
                    return coded.map_err(|source| Error::Encode { sequence, source });
                }
            }
        }
    }

    fn fits(&self, descriptor: &FrameDescriptor) -> bool {
        self.extent == descriptor.extent && self.color == descriptor.color
    }

    fn open(descriptor: &FrameDescriptor, options: Options) -> Result<Self, Error> {
        let FrameDescriptor { extent, color, .. } = *descriptor;
        // A 4:2:0 stream cannot hold RGB (H.264 E.2.1, `matrix_coefficients`).
        if color.matrix == 0 {
            return Err(Error::Color(color));
        }
        let encoder = zerohop_openh264::Encoder::new(&settings(descriptor, options));
        let encoder = encoder.map_err(Error::Settings)?;
        Ok(Self { extent, color, options, encoder })
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
