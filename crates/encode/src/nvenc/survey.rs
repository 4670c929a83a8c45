//! What NVENC can do here, for a doctor.

use zerohop_cuda::{Cuda, Device, Stream};
use zerohop_frame::Extent;
use zerohop_nvenc::Session;

use crate::{Error, Nvenc};

impl Nvenc {
    /// What the encoder of the first GPU can do, in words: a session is opened and asked.
    ///
    /// # Errors
    ///
    /// Why there is none: those of [`open`](Self::open).
    pub fn survey() -> Result<String, Error> {
        let cuda = Cuda::load()?;
        let gpu = cuda.gpus()?.into_iter().next().ok_or(zerohop_cuda::Error::NoDevice)?;
        let stream = Stream::new(&Device::open(&cuda, gpu.uuid)?)?;
        let session = Session::open(&stream)?;
        let mut said = format!("{}, NVENC {}", session.gpu(), session.version());
        for codec in session.codecs()? {
            let caps = session.caps(codec)?;
            let Extent { width, height } = caps.most;
            let rgb = caps.formats.iter().any(|format| format.is_rgb());
            let deep = if caps.ten_bits { ", 10 bits" } else { "" };
            let drawn = if rgb { "" } else { ", no RGB" };
            said += &format!("; {codec} to {width}x{height}{deep}{drawn}");
        }
        Ok(said)
    }
}
