//! One stream on the GPU.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{Cuda, Stream, Timelines, Uuid};
use zerohop_frame::{
    Color, Direct, Extent, Fallback, Fourcc, Frame, FrameDescriptor, Modifier, Observer, Rect,
    SyncPoint, Timeline, with_causes,
};
use zerohop_nvenc::{Caps, Coded, Encoder as Chip, Format, How, Input, Session, Settings};

use super::crop::fitted;
use super::inputs::Inputs;
use super::place::{Place, maker, owner};
use super::ring::Ring;
use super::upload::Upload;
use crate::{Encoder, Error, Notify, Options, Packet, Rate};

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);
/// The size that a stream may grow to in place at least.
const ROOM: Extent = Extent { width: 1920, height: 1080 };
/// Why a part of a picture is copied.
const CROP: &str = "a region is encoded by itself";
/// Why a picture is copied as a whole.
const COPY: &str = "the encoder reads it on the GPU, and it was converted elsewhere";

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
        let place = first(&cuda, &uuids, &options)?;
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

    /// The GPU that encodes.
    fn uuid(&self) -> Uuid {
        self.stream.device().gpu().uuid
    }

    /// Goes to the GPU that drew `frame`, the first picture, and stays there; where it cannot encode, the
    /// next ones come by way of the host.
    fn settle(&mut self, frame: &Frame) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        if let Some(uuid) = maker(frame).filter(|uuid| *uuid != self.uuid())
            && self.uuids.contains(&uuid)
        {
            match Place::open(&self.cuda, uuid, &self.options) {
                Ok(place) => match place.lacks(&self.caps) {
                    None => self.move_to(place),
                    Some(what) => self.announce(format!("the GPU that draws ({uuid}) {what}")),
                },
                Err(err) => self.announce(format!(
                    "the GPU that draws ({uuid}) does not encode: {}",
                    with_causes(&err)
                )),
            }
        }
        self.direct.settle(self.uuid().0);
    }

    /// Nothing was encoded yet.
    fn move_to(&mut self, place: Place) {
        let Place { stream, session, caps } = place;
        self.timelines = Timelines::new(stream.device());
        self.inputs = Inputs::new(&stream);
        self.caps = caps;
        (self.session, self.stream) = (Some(session), stream);
    }

    /// Says that pictures come from another GPU.
    fn announce(&self, reason: String) {
        self.observer.fallback(Fallback {
            what: "encode".into(),
            reason,
            cost: "each picture goes to the one that encodes by way of the host, and the CPU waits for \
                   it"
                .into(),
        });
    }

    /// Sees to it that the chip encodes pictures such as this one; whether it begins anew.
    fn fit(&mut self, descriptor: &FrameDescriptor, extent: Extent) -> Result<(), Error> {
        let format = Format::of(descriptor.fourcc).ok_or(Error::Format(descriptor.fourcc))?;
        let color = (Settings::converted(descriptor.color), format.has_ten_bits());
        let wanted = settings(&self.options, extent, color);
        if let Some(chip) = self.chip.as_mut().filter(|chip| chip.format() == format) {
            let same = Settings { most: chip.settings().most, ..wanted } == *chip.settings();
            if same || chip.reconfigure(wanted)? {
                return Ok(());
            }
        }
        self.end()?;
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.stream)?,
        };
        let chip = session.start(wanted, format)?;
        if let Some(notify) = self.notify.clone() {
            chip.on_packet(move || notify());
        }
        self.chip = Some(chip);
        Ok(())
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

    /// Ends the stream that the chip encodes, if any. What it has left is among the packets.
    fn end(&mut self) -> Result<(), Error> {
        let Some(chip) = self.chip.take() else { return Ok(()) };
        let ended = self.drain(chip);
        // They are registered with the chip that has gone, however it went.
        self.inputs.clear();
        (self.upload, self.crops) = (None, None);
        ended
    }

    fn drain(&mut self, mut chip: Chip<Flight>) -> Result<(), Error> {
        let flushed = chip.flush();
        while let Some(coded) = chip.poll()? {
            self.take(coded);
        }
        Ok(flushed?)
    }

    /// What the chip reads for `frame`; `None` when it turns out that it cannot read it where it was
    /// drawn, and this picture is lost.
    fn input(&mut self, frame: &Arc<Frame>) -> Result<Option<Arc<Input>>, Error> {
        let Some(chip) = &self.chip else { return Ok(None) };
        let extent = frame.buffer().descriptor().extent;
        if !chip.format().is_rgb() && owner(frame).is_some() {
            let found = self.inputs.stacked(frame, chip);
            return self.found(found, frame, Direct::refuse_rows);
        }
        if !chip.format().is_rgb() {
            let fits = |upload: &Upload| upload.fits(extent);
            if !self.upload.as_ref().is_some_and(fits) {
                self.upload = Some(Upload::new(&self.stream, extent));
            }
            let Some(upload) = &mut self.upload else { return Ok(None) };
            self.observer.gpu_copy(frame.info().sequence, COPY);
            return upload.of(frame, chip).map(Some);
        }
        let found = self.inputs.of(frame, chip);
        self.found(found, frame, Direct::refuse)
    }

    /// What was found to be `frame`'s input. Where it is none, pictures such as it are refused, and this one
    /// is lost.
    fn found(
        &self,
        input: Result<Arc<Input>, Error>,
        frame: &Frame,
        refuse: fn(&Direct, String),
    ) -> Result<Option<Arc<Input>>, Error> {
        match input {
            Ok(input) => Ok(Some(input)),
            Err(Error::Cuda(err)) if err.is_lost() => Err(err.into()),
            Err(Error::Nvenc(err)) if err.is_lost() => Err(err.into()),
            Err(err) => {
                refuse(&self.direct, with_causes(&err));
                self.observer.dropped(frame.info().sequence, "the encoder could not read it");
                Ok(None)
            }
        }
    }

    /// The part `rect` of `frame`'s picture, cropped on the GPU when the stream comes to it.
    fn cropped(&mut self, frame: &Arc<Frame>, rect: &Rect) -> Result<Option<Arc<Input>>, Error> {
        let picture = self.inputs.picture(frame)?;
        let Some(chip) = &self.chip else { return Ok(None) };
        let extent = Extent { width: rect.width, height: rect.height };
        if self.crops.as_ref().is_none_or(|ring| ring.extent() != extent) {
            self.crops = Some(Ring::new(extent));
        }
        let Some(ring) = &mut self.crops else { return Ok(None) };
        let (to, input) = ring.take(self.stream.device(), chip)?;
        // Four bytes a pixel, of all that is read where it was drawn.
        self.stream.crop(&picture, (rect.x as usize * 4, rect.y as usize), &to)?;
        self.observer.gpu_copy(frame.info().sequence, CROP);
        Ok(Some(input))
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

    /// Has the chip wait until the picture is complete.
    fn wait(&mut self, frame: &Frame) -> Result<(), Error> {
        let sequence = frame.info().sequence;
        match frame.acquire() {
            SyncPoint::Timeline { which, value } if self.is_ours(which) => {
                let semaphore = self.timelines.get(which)?;
                Ok(self.stream.wait(&semaphore, *value)?)
            }
            other => match other.wait(COMPLETE_WITHIN) {
                Ok(true) => Ok(()),
                Ok(false) => Err(Error::NotReady { sequence, waited: COMPLETE_WITHIN }),
                Err(source) => Err(Error::Wait { sequence, source }),
            },
        }
    }

    /// Whether the GPU that encodes can wait for `timeline`.
    fn is_ours(&self, timeline: &Timeline) -> bool {
        let owner = Uuid(timeline.device().device_uuid);
        let ours = owner == self.uuid();
        if !ours {
            let gpu = &self.stream.device().gpu().name;
            self.announce(format!(
                "pictures come from another GPU ({owner}) than {gpu} encodes on"
            ));
        }
        ours
    }

    /// A packet, unless its picture was drawn over while it was read: then none is of use before the
    /// next key picture.
    fn take(&mut self, coded: Coded<Flight>) {
        let Coded { data, key, token: Flight { frame, extent }, .. } = coded;
        let info = frame.info();
        if !frame.is_intact() {
            self.observer
                .dropped(info.sequence, "the application took it back while it was encoded");
            self.is_broken = true;
            return;
        }
        if self.is_broken && !key {
            self.observer.dropped(info.sequence, "the picture before it was lost in the encoder");
            return;
        }
        self.is_broken = false;
        let color = frame.buffer().descriptor().color;
        self.done.push_back(Packet {
            codec: self.options.codec,
            data,
            pts: info.timestamp,
            key,
            sequence: info.sequence,
            extent,
            color: Settings::converted(color),
        });
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

/// The first GPU of `uuids` that encodes; else why the first does not.
fn first(cuda: &Arc<Cuda>, uuids: &[Uuid], options: &Options) -> Result<Place, Error> {
    let mut why = None;
    for uuid in uuids {
        match Place::open(cuda, *uuid, options) {
            Ok(place) => return Ok(place),
            Err(err) => _ = why.get_or_insert(err),
        }
    }
    Err(why.unwrap_or(zerohop_cuda::Error::NoDevice.into()))
}

/// What is asked of the chip for pictures of `extent`.
pub(super) fn settings(
    options: &Options,
    extent: Extent,
    (color, ten_bits): (Color, bool),
) -> Settings {
    let Options { codec, hertz, preset, tuning, refresh, .. } = *options;
    let rate = match options.rate {
        Rate::Quantizer(quantizer) => zerohop_nvenc::Rate::Quantizer(quantizer),
        Rate::Variable { bits, most, buffer } => {
            let most = most.unwrap_or(bits.saturating_add(bits / 2));
            zerohop_nvenc::Rate::Variable { bits, most, buffer }
        }
        Rate::Constant { bits, buffer } => zerohop_nvenc::Rate::Constant { bits, buffer },
    };
    let most =
        Extent { width: extent.width.max(ROOM.width), height: extent.height.max(ROOM.height) };
    Settings { codec, extent, most, ten_bits, color, hertz, preset, tuning, rate, refresh }
}
