//! A file with the decoder for it, tried on the first picture.

use anyhow::{Context as _, Result, anyhow, bail};

use crate::args::Arguments;
use crate::av::{self, AvError, Decoder, Device, Input, Packet, Picture, Way};
use crate::formats;
use crate::play::micros;
use crate::watchdog::{Doing, Watchdog};

/// Packets that may hold no picture before the first one.
const MAX_PACKETS: u32 = 2000;

/// An open file, and a decoder that works for it.
pub(crate) struct Opened {
    pub(crate) input: Input,
    pub(crate) decoder: Decoder,
    /// The picture that it was tried on.
    pub(crate) ahead: Option<Picture>,
    /// Where to begin, in microseconds of the file's own time, if not at its start.
    begin: Option<i64>,
}

/// What became of the ways to decode.
pub(crate) struct Attempt {
    pub(crate) opened: Opened,
    /// The ways before it, each with what was wrong.
    pub(crate) failed: Vec<String>,
}

impl Opened {
    /// Opens the file and the first of the ways that works.
    pub(crate) fn first(arguments: &Arguments, dog: &Watchdog) -> Result<Attempt> {
        let mut failed = Vec::new();
        let mut input = None;
        for &way in &arguments.decode.0 {
            let fresh = match input.take() {
                Some(input) => input,
                None => open(arguments, dog)?,
            };
            match Self::by(way, fresh, arguments, dog) {
                Ok(opened) => return Ok(Attempt { opened, failed }),
                Err(Refused { why, input: unused }) => {
                    failed.push(format!("{way}: {why:#}"));
                    input = unused;
                }
            }
        }
        bail!("{}", failed.join("; "))
    }

    /// Opens the file anew by one way only.
    pub(crate) fn only(way: Way, arguments: &Arguments, dog: &Watchdog) -> Result<Self> {
        let input = open(arguments, dog)?;
        Self::by(way, input, arguments, dog).map_err(|refused| refused.why)
    }

    fn by(way: Way, input: Input, arguments: &Arguments, dog: &Watchdog) -> Result<Self, Refused> {
        let decoder = match dog.watch(Doing::Opening, || decoder(way, &input, arguments)) {
            Ok(decoder) => decoder,
            // The file is as it was.
            Err(why) => return Err(Refused { why, input: Some(input) }),
        };
        let begin = (!arguments.start.is_zero()).then(|| input.start() + micros(arguments.start));
        let mut opened = Self { input, decoder, ahead: None, begin };
        let tried = opened.try_first(way, dog);
        let tried = match tried {
            Err(_) if opened.decoder.is_refused() => {
                let version = av::version();
                Err(anyhow!("the device has no decoder for it that FFmpeg {version} knows"))
            }
            other => other,
        };
        tried.map(|()| opened).map_err(|why| Refused { why, input: None })
    }

    /// Decodes one picture. On the CPU a file without any is for the player to explain.
    fn try_first(&mut self, way: Way, dog: &Watchdog) -> Result<()> {
        if let Some(begin) = self.begin {
            dog.watch(Doing::Reading, || self.input.seek(begin)).context("go to the start")?;
        }
        if way == Way::Software {
            return Ok(());
        }
        let mut packet = Packet::new()?;
        for _ in 0..MAX_PACKETS {
            match dog.watch(Doing::Decoding, || self.decoder.receive()) {
                Ok(picture) if picture.raw().hw_frames_ctx.is_null() => {
                    bail!("the device has no decoder for it");
                }
                Ok(picture) => {
                    self.compare(&picture)?;
                    self.ahead = Some(picture);
                    return Ok(());
                }
                Err(AvError::AGAIN) => {}
                Err(err) => return Err(err).context("the first picture"),
            }
            match dog.watch(Doing::Reading, || self.input.read(&mut packet)) {
                Ok(()) => dog.watch(Doing::Decoding, || self.decoder.send(Some(&packet))),
                Err(AvError::END) => self.decoder.send(None),
                Err(err) => return Err(err).context("read the file"),
            }
            .context("the device does not decode it")?;
        }
        bail!("no picture in the first {MAX_PACKETS} packets")
    }

    /// A device may give up chroma that the file has: NVDEC makes 4:2:0 of a JPEG with 4:2:2.
    fn compare(&self, first: &Picture) -> Result<()> {
        let (coded, comes) = (self.decoder.coded_format(), av::plain_format(first));
        if formats::chroma(coded) != formats::chroma(comes) {
            let (coded, comes) = (formats::name(coded), formats::name(comes));
            bail!("it is {coded}, and the device gives {comes}");
        }
        Ok(())
    }

    /// Goes back to where it began. A file without an index (a bare stream of H.264) is opened anew,
    /// if it began at its start.
    pub(crate) fn rewind(&mut self, arguments: &Arguments, dog: &Watchdog) -> Result<()> {
        let begin = self.begin.unwrap_or(self.input.start());
        match dog.watch(Doing::Reading, || self.input.seek(begin)) {
            Ok(()) => {}
            Err(_) if self.begin.is_none() => self.input = open(arguments, dog)?,
            Err(err) => return Err(err).context("go back to the start"),
        }
        self.decoder.flush();
        Ok(())
    }
}

/// A way that does not work, with the file if nothing was read of it.
struct Refused {
    why: anyhow::Error,
    input: Option<Input>,
}

/// Opens the file.
pub(crate) fn open(arguments: &Arguments, dog: &Watchdog) -> Result<Input> {
    dog.watch(Doing::Opening, || Input::open(arguments.input())).map_err(|err| match err {
        AvError::INVALID => anyhow!("it is no video that FFmpeg knows, or its index is missing"),
        AvError::NO_STREAM => anyhow!("there is no video in it"),
        other => other.into(),
    })
}

fn decoder(way: Way, input: &Input, arguments: &Arguments) -> Result<Decoder> {
    let video = input.video().context("the stream is gone")?;
    // Looked up before a device is opened for nothing.
    if !Decoder::exists(&video, way) {
        let since = if way == Way::Vulkan { ": those for Vulkan came with 6.1" } else { "" };
        bail!("FFmpeg {} has no decoder for it{since}", av::version());
    }
    let device = Device::open(way, arguments.device.as_deref()).context("open the device")?;
    let decoder = Decoder::open(&video, way, device, arguments.threads, arguments.ring)
        .context("open the decoder")?;
    decoder.context("there is no decoder for it")
}
