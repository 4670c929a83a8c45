//! One stream on the GPU.

mod feed;
mod fit;
mod packets;
mod settle;

use std::collections::VecDeque;
use std::sync::Arc;

use zerohop_cuda::{Cuda, Stream, Timelines, Uuid};
use zerohop_frame::{Direct, Extent, Fallback, Fourcc, Frame, Modifier, Observer, Rect};
use zerohop_nvenc::{Caps, Encoder as Chip, How, Input, Session};

use super::crop::fitted;
use super::inputs::Inputs;
use super::place::{Place, owner};
use super::ring::Ring;
use super::upload::Upload;
use crate::{Encoder, Error, Notify, Options, Packet};

pub(super) use fit::settings;

/// Encodes on an NVIDIA GPU: the application's own image where the chip reads it, else NV12, which is
/// copied to the GPU.
///
/// A picture's frame goes home when its packet is done. Nobody waits for the GPU in
/// [`encode`](Encoder::encode): what the picture has to wait for, the encoder's stream waits for.
pub struct Nvenc {
    options: Options,
    stream: Arc<Stream>,
    observer: Arc<dyn Observer>,
    /// Opened to know that there is a chip, until the first picture.
    session: Option<Session>,
    cuda: Arc<Cuda>,
    /// The GPUs that it may be on.
    uuids: Vec<Uuid>,
    /// Whether it stays where it is.
    settled: bool,
    direct: Arc<Direct>,
    formats: Vec<(Fourcc, Modifier)>,
    timelines: Timelines,
    inputs: Inputs,
    upload: Option<Upload>,
    /// Surfaces that regions are cropped to.
    crops: Option<Ring>,
    /// What was promised of the pictures that it takes.
    caps: Caps,
    chip: Option<Chip<Flight>>,
    notify: Option<Notify>,
    count: u64,
    /// Whether packets are of no use before the next key picture.
    is_broken: bool,
    done: VecDeque<Packet>,
}

/// What the chip works on: a picture, or a part of it as large as `extent`.
struct Flight {
    frame: Arc<Frame>,
    extent: Extent,
}

impl Nvenc {
    /// An encoder on `gpu`, or on the one that draws the first picture; until then, and where that one
    /// cannot encode, on the first GPU there is. It holds a session from here on.
    ///
    /// # Errors
    ///
    /// [`Error::Cuda`] without NVIDIA's driver; [`Error::Nvenc`] on a GPU without an encoder, or
    /// without one for what `options` ask for.
    pub fn open(
        options: Options,
        gpu: Option<Uuid>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let cuda = Cuda::load()?;
        let uuids = match gpu {
            Some(uuid) => vec![uuid],
            None => cuda.gpus()?.into_iter().map(|gpu| gpu.uuid).collect(),
        };
        let place = settle::first(&cuda, &uuids, &options)?;
        let (formats, direct) = (place.formats(), place.direct(&uuids));
        let Place { stream, session, caps } = place;
        Ok(Self {
            options,
            observer,
            cuda,
            uuids,
            settled: false,
            session: Some(session),
            direct,
            formats,
            timelines: Timelines::new(stream.device()),
            inputs: Inputs::new(&stream),
            upload: None,
            crops: None,
            caps,
            chip: None,
            notify: None,
            count: 0,
            is_broken: false,
            done: VecDeque::new(),
            stream,
        })
    }

    /// A picture is too small for the chip. Some toolkits begin with such a window.
    fn leave_out(&mut self, sequence: u64) {
        let Extent { width, height } = self.caps.least;
        self.observer.fallback(Fallback {
            what: "encoder".into(),
            reason: format!("NVENC takes pictures of {width}x{height} at least here"),
            cost: "smaller ones are not recorded; --encoder openh264 records them".into(),
        });
        self.observer.dropped(sequence, "smaller than the encoder takes");
    }

    /// Gives the chip what is on `input`.
    fn submit(&mut self, input: &Arc<Input>, flight: Flight, key: bool) -> Result<(), Error> {
        let Some(chip) = &mut self.chip else { return Ok(()) };
        self.count += 1;
        let how = How { key: key || self.is_broken, refresh: None };
        let taken = chip.encode(input, self.count, how, flight);
        // What the stream waits for and copies is kept until it has come there.
        let _ = self.stream.submit()?;
        Ok(taken?)
    }
}

impl Encoder for Nvenc {
    fn name(&self) -> &'static str {
        "nvenc"
    }

    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &self.formats
    }

    fn direct(&self) -> Option<Arc<Direct>> {
        Some(Arc::clone(&self.direct))
    }

    fn on_packet(&mut self, notify: Notify) {
        self.notify = Some(notify);
    }

    fn encode(&mut self, frame: Arc<Frame>, key: bool) -> Result<(), Error> {
        self.settle(&frame);
        if owner(&frame).is_some_and(|uuid| uuid != self.uuid()) {
            let why = "drawn on another GPU than the one that encodes";
            self.observer.dropped(frame.info().sequence, why);
            return Ok(());
        }
        let extent = frame.buffer().descriptor().extent;
        if extent.width < self.caps.least.width || extent.height < self.caps.least.height {
            self.leave_out(frame.info().sequence);
            return Ok(());
        }
        self.fit(frame.buffer().descriptor(), extent)?;
        self.wait(&frame)?;
        let Some(input) = self.input(&frame)? else { return Ok(()) };
        self.submit(&input, Flight { frame, extent }, key)
    }

    fn encode_region(&mut self, frame: Arc<Frame>, rect: &Rect, key: bool) -> Result<(), Error> {
        self.settle(&frame);
        let shape = frame.buffer().descriptor();
        let rect = fitted(rect, shape.extent, self.caps.least);
        let extent = Extent { width: rect.width, height: rect.height };
        self.fit(shape, extent)?;
        self.wait(&frame)?;
        let Some(input) = self.cropped(&frame, &rect)? else { return Ok(()) };
        self.observer.region(frame.info().sequence, rect);
        self.submit(&input, Flight { frame, extent }, key)
    }

    fn poll_packet(&mut self) -> Result<Option<Packet>, Error> {
        while let Some(coded) = self.chip.as_mut().map(Chip::poll).transpose()?.flatten() {
            self.take(coded);
        }
        Ok(self.done.pop_front())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(self.chip.as_mut().map_or(Ok(()), Chip::flush)?)
    }
}
