//! What comes out.

use std::time::Duration;

use zerohop_frame::Extent;
use zerohop_nvenc::{Codec, Format};
use zerohop_openh264::{Complexity, Content, Encoder, Picture, Rate, Settings};

use crate::headers::{Shape, av1, hevc};
use crate::journal::hash;
use crate::pixels::planes;

/// What the stream was set to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) codec: Codec,
    pub(crate) shape: Shape,
    pub(crate) hertz: u32,
    /// A quantizer of H.264, or bits a second.
    pub(crate) rate: Rate,
}

/// A stream that is being made.
#[derive(Default)]
pub(crate) struct Stream {
    /// OpenH264, for a size; it cannot change its size.
    encoder: Option<(Extent, Encoder)>,
    pictures: u32,
}

// SAFETY: OpenH264's encoder is called by one thread at a time: who has the stream, has it alone.
unsafe impl Send for Stream {}

impl Stream {
    /// The packet of a picture, and whether it is a key picture.
    pub(crate) fn encode(
        &mut self,
        setting: &Setting,
        (bytes, format): (&[u8], Format),
        key: bool,
    ) -> Result<(Vec<u8>, bool), String> {
        let key = key || self.pictures == 0;
        self.pictures += 1;
        match setting.codec {
            Codec::H264 => self.h264(setting, (bytes, format), key),
            Codec::Hevc => Ok((hevc(&setting.shape, key, hash(bytes)), key)),
            Codec::Av1 => Ok((av1(&setting.shape, key, hash(bytes)), key)),
        }
    }

    fn h264(
        &mut self,
        setting: &Setting,
        (bytes, format): (&[u8], Format),
        key: bool,
    ) -> Result<(Vec<u8>, bool), String> {
        let extent = setting.shape.extent;
        let failed = |err: zerohop_openh264::Error| err.to_string();
        let fits = self.encoder.as_ref().is_some_and(|(size, _)| *size == extent);
        if !fits {
            self.encoder = Some((extent, Encoder::new(&openh264(setting)).map_err(failed)?));
        }
        let (_, encoder) = self.encoder.as_mut().ok_or("no encoder")?;
        if key {
            encoder.force_key().map_err(failed)?;
        }
        let pixels = planes(bytes, extent, format);
        let picture = Picture {
            planes: pixels.planes.each_ref().map(Vec::as_slice),
            strides: pixels.strides,
        };
        let coded = encoder.encode(&picture, Duration::from_millis(self.pictures.into()));
        coded.map(|coded| (coded.data, coded.key)).map_err(failed)
    }
}

fn openh264(setting: &Setting) -> Settings {
    Settings {
        extent: setting.shape.extent,
        color: setting.shape.color,
        hertz: setting.hertz.clamp(1, 240) as u16,
        rate: setting.rate,
        content: Content::Camera,
        complexity: Complexity::Low,
        loop_filter: false,
        arithmetic: false,
        background: false,
        threads: 1,
    }
}
