//! What is in a file, and which decoders there are for it, each tried on its first picture.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use zerohop_frame::{FrameDescriptor, MemoryHandle};

use crate::args::Arguments;
use crate::av::{self, AvError, Input, Packet, Picture, Upload, Way};
use crate::handover::{Handover, Sources, Surface, pixels};
use crate::opened::{Opened, open};
use crate::play::upload;
use crate::proof::prove;
use crate::timeline::Timeline;
use crate::watchdog::{Doing, Watchdog};

/// One JSON object about what `arguments` name.
pub(crate) fn probe(arguments: &Arguments, dog: &Watchdog) -> Result<Value> {
    let input = open(arguments, dog)?;
    let video = input.video().context("the stream is gone")?;
    let tick = Timeline::new(video.tick, video.rate, 0).tick();
    let seconds = input.duration().map(|micros| micros as f64 / 1e6);
    let ways = arguments.decode.0.iter();
    let decoders: Vec<_> = ways.map(|way| decoder(*way, arguments, dog)).collect();
    Ok(json!({
        "input": arguments.input().to_string_lossy(),
        "ffmpeg": av::version(),
        "container": input.container(),
        "streams": input.streams(),
        "seconds": seconds,
        "start": input.start() as f64 / 1e6,
        "codec": codec(&input)?,
        "rate": f64::from(tick.denominator) / f64::from(tick.numerator),
        "decoders": decoders,
    }))
}

/// The name of the codec.
fn codec(input: &Input) -> Result<String> {
    Ok(input.video().context("the stream is gone")?.codec())
}

/// One way to decode it, with its first picture or what is wrong.
fn decoder(way: Way, arguments: &Arguments, dog: &Watchdog) -> Value {
    match first(way, arguments, dog) {
        Err(why) => json!({ "way": way.to_string(), "works": false, "reason": format!("{why:#}") }),
        Ok(First { name, surface, copied, pixels }) => json!({
            "way": way.to_string(),
            "works": true,
            "decoder": name,
            "handover": handover(&surface),
            "copied": copied,
            "picture": picture(&surface.descriptor),
            "import": dog.watch(Doing::Importing, || prove(surface, &pixels)),
        }),
    }
}

fn handover(surface: &Surface) -> &'static str {
    match surface.memory.as_deref() {
        Some([MemoryHandle::DmaBuf(_), ..]) => "dma-buf",
        Some([MemoryHandle::OpaqueFd { .. }, ..]) => "opaque memory",
        _ => "shared memory",
    }
}

fn picture(shape: &FrameDescriptor) -> Value {
    let color = shape.color;
    let planes = shape.planes.iter().map(
        |plane| json!({ "object": plane.object, "offset": plane.offset, "stride": plane.stride }),
    );
    json!({
        "width": shape.extent.width,
        "height": shape.extent.height,
        "fourcc": shape.fourcc.to_string(),
        "modifier": format!("{:#x}", shape.modifier.0),
        "planes": planes.collect::<Vec<_>>(),
        "color": {
            "primaries": color.primaries,
            "transfer": color.transfer,
            "matrix": color.matrix,
            "full_range": color.full_range,
            "chroma": color.siting.map(|siting| format!("{siting:?}").to_lowercase()),
        },
    })
}

/// A first picture, as it would be handed over.
struct First {
    /// The decoder's name.
    name: String,
    surface: Surface,
    /// Why it is copied, if it is.
    copied: Option<String>,
    /// What is in it.
    pixels: Vec<u8>,
}

fn first(way: Way, arguments: &Arguments, dog: &Watchdog) -> Result<First> {
    let mut opened = Opened::only(way, arguments, dog)?;
    let mut picture = match opened.ahead.take() {
        Some(picture) => picture,
        None => decode_one(&mut opened, dog)?,
    };
    let mut upload = upload(arguments)?.filter(|_| way == Way::Software);
    if let Some(upload) = &mut upload {
        picture = upload.upload(&picture).context("upload the picture")?;
    }
    let pixels = pixels(&picture).context("read the picture")?;
    let mut handover = Handover::new(arguments.force_linear);
    let device = upload.as_ref().map(Upload::device).or(opened.decoder.device());
    let sources = Sources { pool: opened.decoder.pool(), device, host: None };
    let surface = handover.surface(picture, &sources)?;
    let copied = handover.news().map(|(why, _)| why);
    Ok(First { name: opened.decoder.name().to_owned(), surface, copied, pixels })
}

fn decode_one(opened: &mut Opened, dog: &Watchdog) -> Result<Picture> {
    let mut packet = Packet::new()?;
    let mut first_error = None;
    loop {
        match dog.watch(Doing::Decoding, || opened.decoder.receive()) {
            Ok(picture) => return Ok(picture),
            Err(AvError::AGAIN) => {}
            Err(AvError::END) => {
                let why = first_error
                    .map_or("it has no picture".to_owned(), |err: AvError| err.to_string());
                anyhow::bail!("not one picture could be decoded: {why}");
            }
            Err(err) => drop(first_error.get_or_insert(err)),
        }
        let read = dog.watch(Doing::Reading, || opened.input.read(&mut packet));
        let next = read.is_ok().then_some(&packet);
        match dog.watch(Doing::Decoding, || opened.decoder.send(next)) {
            Ok(()) | Err(AvError::END) => {}
            Err(err) => drop(first_error.get_or_insert(err)),
        }
    }
}
