//! What was said on one connection, and what may be said next. No descriptor, no socket.

use std::collections::BTreeMap;
use std::time::Duration;

use zerohop_frame::{Damage, DeviceId, Extent, MediaClock, Rect};

use crate::limits::Bucket;
use crate::stream::Stream;
use crate::timelines::Timelines;
use crate::{
    FrameMessage, MAX_BUFFERS, MAX_OBJECTS, MAX_STREAMS, Rate, StreamId, ToHost, ToProducer,
    VERSION, Violation, WireBufferId, kind, shape,
};

/// One connection's open streams and announced buffers. Both ends keep one, and so see the same
/// broken rule.
#[derive(Debug)]
pub struct Session {
    greeted: bool,
    /// The version that both speak, once it is known.
    version: Option<u32>,
    /// What the producer signals.
    theirs: Timelines,
    /// What the host signals.
    hosts: Timelines,
    streams: BTreeMap<StreamId, Stream>,
    buffers: BTreeMap<WireBufferId, Buffer>,
    last_stream: Option<StreamId>,
    last_buffer: Option<WireBufferId>,
    bucket: Bucket,
}

/// A buffer that is announced, or retired and still out.
#[derive(Debug)]
struct Buffer {
    stream: StreamId,
    extent: Extent,
    objects: usize,
    out: Option<u64>,
    retired: bool,
}

impl Session {
    /// A connection on which nothing was said, and `rate` may be.
    pub fn new(rate: Rate) -> Self {
        Self {
            greeted: false,
            version: None,
            theirs: Timelines::default(),
            hosts: Timelines::default(),
            streams: BTreeMap::new(),
            buffers: BTreeMap::new(),
            last_stream: None,
            last_buffer: None,
            bucket: Bucket::new(rate),
        }
    }

    /// Whether `Hello` was said.
    pub fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether `message` may be said at `now` (`CLOCK_MONOTONIC`).
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn check(&self, message: &ToHost, now: Duration) -> Result<(), Violation> {
        if !self.bucket.has_room(message, now) {
            return Err(Violation::Flood(self.bucket.rate()));
        }
        match message {
            ToHost::Hello { version, .. } => self.check_hello(*version),
            _ if !self.greeted => Err(Violation::NoHello(name(message))),
            ToHost::OpenStream { stream, clock, .. } => self.check_open(*stream, *clock),
            ToHost::CloseStream { stream } => self.stream(*stream).map(drop),
            ToHost::Announce { buffer, stream, descriptor, memory, .. } => {
                self.check_announce(*buffer, *stream, memory.len())?;
                shape::check(descriptor, memory)
            }
            ToHost::Retire { buffer } => self.buffer(*buffer).map(drop),
            ToHost::Frame(frame) => self.check_frame(frame, now),
            ToHost::Fallback { .. } | ToHost::Reclaim => Ok(()),
            ToHost::Timeline(shared) => {
                self.check_later(kind::TIMELINE.name)?;
                self.theirs.check_announce(shared)
            }
            ToHost::RetireTimeline { timeline } => self.theirs.check(*timeline).map(drop),
            ToHost::Kept(kept) => {
                self.check_later(kind::KEPT.name)?;
                self.stream(kept.stream)?.check_kept(kept, now)
            }
        }
    }

    /// Notes that `message`, which passed [`check`](Self::check), was said.
    pub fn note(&mut self, message: &ToHost, now: Duration) {
        self.bucket.take(message, now);
        match message {
            ToHost::Hello { .. } => self.greeted = true,
            ToHost::OpenStream { stream, clock, .. } => {
                self.last_stream = Some(*stream);
                self.streams.insert(*stream, Stream::new(*clock));
            }
            ToHost::CloseStream { stream } => {
                self.streams.remove(stream);
                self.retire(|_, buffer| buffer.stream == *stream);
            }
            ToHost::Announce { buffer, stream, descriptor, memory, .. } => {
                self.last_buffer = Some(*buffer);
                let (extent, objects) = (descriptor.extent, memory.len());
                let new = Buffer { stream: *stream, extent, objects, out: None, retired: false };
                self.buffers.insert(*buffer, new);
            }
            ToHost::Retire { buffer } => self.retire(|id, _| id == *buffer),
            ToHost::Frame(frame) => self.note_frame(frame),
            ToHost::Fallback { .. } | ToHost::Reclaim => {}
            ToHost::Timeline(shared) => {
                self.theirs.announce(shared);
                // Whoever signals timelines of a device can wait for others of it.
                self.hosts.take(shared.device);
            }
            ToHost::RetireTimeline { timeline } => self.theirs.retire(*timeline),
            ToHost::Kept(kept) => self.come_to(kept.stream, kept.sequence),
        }
    }

    /// Whether `message` of the host's may be said.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn check_answer(&self, message: &ToProducer) -> Result<(), Violation> {
        match message {
            ToProducer::Welcome { .. } if self.version.is_some() => {
                Err(Violation::Twice(kind::WELCOME.name))
            }
            ToProducer::Welcome { version, .. } if !(1..=VERSION).contains(version) => {
                Err(Violation::Version { version: *version, most: VERSION })
            }
            ToProducer::Devices { .. } => self.check_later(kind::DEVICES.name),
            ToProducer::Timeline(shared) => {
                self.check_later(kind::TIMELINE.name)?;
                self.hosts.check_announce(shared)
            }
            ToProducer::RetireTimeline { timeline } => self.hosts.check(*timeline).map(drop),
            ToProducer::Release { buffer, sequence, after } => {
                after.iter().try_for_each(|point| self.hosts.check_point(point))?;
                match self.is_out(*buffer, *sequence) {
                    true => Ok(()),
                    false => Err(Violation::NotOut { buffer: buffer.0, sequence: *sequence }),
                }
            }
            ToProducer::Still { stream, .. } => {
                self.check_later(kind::STILL.name)?;
                // It may have been closed meanwhile.
                let known = self.last_stream.is_some_and(|last| *stream <= last);
                known.then_some(()).ok_or(Violation::NoStream(stream.0))
            }
            ToProducer::Welcome { .. } | ToProducer::Refused { .. } | ToProducer::Busy => Ok(()),
        }
    }

    /// Notes that `message`, which passed [`check_answer`](Self::check_answer), was said.
    pub fn note_answer(&mut self, message: &ToProducer) {
        match message {
            ToProducer::Welcome { version, .. } => self.version = Some(*version),
            ToProducer::Devices { devices } => {
                devices.iter().for_each(|device| self.theirs.take(*device));
            }
            ToProducer::Timeline(shared) => self.hosts.announce(shared),
            ToProducer::RetireTimeline { timeline } => self.hosts.retire(*timeline),
            ToProducer::Release { buffer, sequence, after } => {
                after.iter().for_each(|point| self.hosts.note_point(point));
                self.release(*buffer, *sequence);
            }
            ToProducer::Still { stream, still } => {
                if let Some(stream) = self.streams.get_mut(stream) {
                    stream.still = *still;
                }
            }
            ToProducer::Refused { .. } | ToProducer::Busy => {}
        }
    }

    /// The version that both speak, once it is known.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// Whether the host takes timelines of `device`.
    pub fn host_takes(&self, device: DeviceId) -> bool {
        self.theirs.takes(device)
    }

    /// The timelines of the producer's.
    pub(crate) fn producers(&self) -> &Timelines {
        &self.theirs
    }

    /// The timelines of the host's.
    pub(crate) fn hosts(&self) -> &Timelines {
        &self.hosts
    }

    /// What the host said last of an open stream: whether it stands still. `None` where it cannot be said.
    pub fn is_still(&self, stream: StreamId) -> Option<bool> {
        let known = self.streams.get(&stream).filter(|_| self.check_later("").is_ok());
        known.map(|stream| stream.still)
    }

    /// Notes that the picture in `buffer` goes home, which is out.
    fn release(&mut self, buffer: WireBufferId, sequence: u64) {
        let found = self.buffers.get_mut(&buffer);
        let Some(found) = found.filter(|found| found.out == Some(sequence)) else { return };
        found.out = None;
        if found.retired {
            self.buffers.remove(&buffer);
        }
    }

    /// Whether the picture `sequence` is out in `buffer`.
    pub fn is_out(&self, buffer: WireBufferId, sequence: u64) -> bool {
        self.buffers.get(&buffer).is_some_and(|buffer| buffer.out == Some(sequence))
    }

    /// How many memory objects the buffers have, also the retired ones that are out.
    pub fn objects(&self) -> usize {
        self.buffers.values().map(|buffer| buffer.objects).sum()
    }

    /// How many pictures are out.
    pub fn out(&self) -> usize {
        self.buffers.values().filter(|buffer| buffer.out.is_some()).count()
    }

    /// Whether what version 2 brought may be said.
    fn check_later(&self, what: &'static str) -> Result<(), Violation> {
        match self.version.unwrap_or(1) {
            2.. => Ok(()),
            spoken => Err(Violation::Later { what, since: 2, spoken }),
        }
    }

    fn check_hello(&self, version: u32) -> Result<(), Violation> {
        if self.greeted {
            return Err(Violation::Twice(kind::HELLO.name));
        }
        // A newer producer is answered with our version, and decides.
        if version == 0 {
            return Err(Violation::Version { version, most: VERSION });
        }
        Ok(())
    }

    fn check_open(&self, stream: StreamId, clock: Option<MediaClock>) -> Result<(), Violation> {
        if let Some(last) = self.last_stream.filter(|last| stream <= *last) {
            let (id, last) = (u64::from(stream.0), u64::from(last.0));
            return Err(Violation::Order { what: "stream", id, last });
        }
        if let Some(MediaClock { tick, pixel_aspect, .. }) = clock {
            let range = |what, value| shape::range(what, value, 1, u32::MAX);
            range("the numerator of a tick", tick.numerator)?;
            range("the denominator of a tick", tick.denominator)?;
            range("the denominator of a pixel's aspect", pixel_aspect.denominator)?;
        }
        most("the number of streams", self.streams.len() + 1, MAX_STREAMS)
    }

    fn check_announce(
        &self,
        buffer: WireBufferId,
        stream: StreamId,
        objects: usize,
    ) -> Result<(), Violation> {
        self.stream(stream)?;
        if let Some(last) = self.last_buffer.filter(|last| buffer <= *last) {
            return Err(Violation::Order { what: "buffer", id: buffer.0, last: last.0 });
        }
        let siblings = self.buffers.values().filter(|other| other.stream == stream).count();
        most("the number of buffers of a stream", siblings + 1, MAX_BUFFERS)?;
        most("the number of memory objects", self.objects() + objects, MAX_OBJECTS)
    }

    fn check_frame(&self, frame: &FrameMessage, now: Duration) -> Result<(), Violation> {
        let buffer = self.buffer(frame.buffer)?;
        if let Some(sequence) = buffer.out {
            return Err(Violation::Out { buffer: frame.buffer.0, sequence });
        }
        let stream = self.stream(buffer.stream)?;
        stream.check_frame(frame, now)?;
        self.theirs.check_point(&frame.acquire)?;
        check_damage(&frame.damage, buffer.extent)
    }

    fn note_frame(&mut self, frame: &FrameMessage) {
        let Some(buffer) = self.buffers.get_mut(&frame.buffer) else { return };
        self.theirs.note_point(&frame.acquire);
        buffer.out = Some(frame.sequence);
        let stream = buffer.stream;
        self.come_to(stream, frame.sequence);
    }

    fn come_to(&mut self, stream: StreamId, sequence: u64) {
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.last_sequence = Some(sequence);
        }
    }

    /// Retires some buffers: those at home are forgotten, the others when they come home.
    fn retire(&mut self, some: impl Fn(WireBufferId, &Buffer) -> bool) {
        self.buffers.retain(|id, buffer| {
            if some(*id, buffer) {
                buffer.retired = true;
            }
            !buffer.retired || buffer.out.is_some()
        });
    }

    fn stream(&self, stream: StreamId) -> Result<&Stream, Violation> {
        self.streams.get(&stream).ok_or(Violation::NoStream(stream.0))
    }

    fn buffer(&self, buffer: WireBufferId) -> Result<&Buffer, Violation> {
        match self.buffers.get(&buffer) {
            None => Err(Violation::NoBuffer(buffer.0)),
            Some(found) if found.retired => Err(Violation::Retired(buffer.0)),
            Some(found) => Ok(found),
        }
    }
}

fn check_damage(damage: &Damage, extent: Extent) -> Result<(), Violation> {
    let Damage::Rects(rects) = damage else { return Ok(()) };
    match rects.iter().find(|rect| !Rect::of(extent).contains(rect)) {
        None => Ok(()),
        Some(&rect) => Err(Violation::Damage { rect, width: extent.width, height: extent.height }),
    }
}

fn most(what: &'static str, value: usize, most: usize) -> Result<(), Violation> {
    if value <= most {
        return Ok(());
    }
    Err(Violation::Range { what, value: value as u64, least: 0, most: most as u64 })
}

fn name(message: &ToHost) -> &'static str {
    match message {
        ToHost::Hello { .. } => kind::HELLO.name,
        ToHost::OpenStream { .. } => kind::OPEN_STREAM.name,
        ToHost::CloseStream { .. } => kind::CLOSE_STREAM.name,
        ToHost::Announce { .. } => kind::ANNOUNCE.name,
        ToHost::Retire { .. } => kind::RETIRE.name,
        ToHost::Frame(_) => kind::FRAME.name,
        ToHost::Fallback { .. } => kind::FALLBACK.name,
        ToHost::Reclaim => kind::RECLAIM.name,
        ToHost::Timeline(_) => kind::TIMELINE.name,
        ToHost::RetireTimeline { .. } => kind::RETIRE_TIMELINE.name,
        ToHost::Kept(_) => kind::KEPT.name,
    }
}
