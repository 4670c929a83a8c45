//! One connection to the host: what was announced on it, and where its buffers go back to.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Damage, FrameDescriptor, MAX_PLANES, MemoryHandle, SyncPoint, Timeline, TimelineId,
};
use zerohop_kernel::clock_monotonic;
use zerohop_layer::LayerError;
use zerohop_wire::{
    Copies, Error, FrameMessage, KeptMessage, MAX_POINTS, Point, Producer, SharedTimeline,
    StreamId, ToHost, WireBufferId, WireTimelineId, text,
};

use super::hint::{Asking, Hint};
use super::rotation::Rotation;
use super::stream::{Key, Stream};

/// The most messages that wait for room in the socket.
const MAX_UNSAID: usize = 1024;

/// How often the host hears of pictures that are kept: it waits for a second.
pub(super) const TELL: Duration = Duration::from_millis(500);

/// A connection that was not found to be over.
pub(super) struct Line {
    pub(super) producer: Producer,
    /// The socket, for waiting without the lock.
    pub(super) readiness: Arc<OwnedFd>,
    streams: HashMap<Key, Open>,
    buffers: HashMap<Key, WireBufferId>,
    homes: HashMap<WireBufferId, Home>,
    /// Timelines of ours that the host knows.
    ours: HashMap<TimelineId, WireTimelineId>,
    /// The host's.
    theirs: HashMap<WireTimelineId, Arc<Timeline>>,
    next_stream: u32,
    next_buffer: u64,
    next_timeline: u32,
    /// What found no room in the socket and must be said before anything else.
    unsaid: VecDeque<ToHost>,
}

/// A stream that the host knows.
struct Open {
    id: StreamId,
    /// Whether the host has a picture of it, which damage can refer to.
    seen: bool,
    /// Whether it asks to look at its pictures.
    hint: Arc<Hint>,
    /// Pictures that it has, and has not heard of.
    kept: Option<KeptMessage>,
    /// When it heard of such ones last.
    told: Duration,
}

/// Where a buffer goes back to.
struct Home {
    rotation: Weak<Rotation>,
    index: usize,
}

/// A picture for the host, and the image that it is in.
pub(crate) struct Parcel<'a> {
    /// Whose picture.
    pub(crate) stream: &'a Stream,
    /// The image.
    pub(crate) image: Key,
    /// Where it goes back to.
    pub(crate) rotation: &'a Arc<Rotation>,
    /// Which image of that.
    pub(crate) index: usize,
    /// The picture. Its buffer and its acquire are filled in here.
    pub(crate) frame: FrameMessage,
    /// When it may be read.
    pub(crate) acquire: SyncPoint,
}

/// What an announcement says of an image.
pub(crate) type Exported = (FrameDescriptor, ArrayVec<MemoryHandle, MAX_PLANES>, Copies);

/// Why a picture was not sent.
pub(super) enum Unsent {
    /// The image could not be announced.
    Export(LayerError),
    /// It could not be said.
    Wire(Error),
}

impl From<Error> for Unsent {
    fn from(err: Error) -> Self {
        Self::Wire(err)
    }
}

impl Line {
    /// Connects and says hello.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub(super) fn connect(path: &Path) -> Result<Self, Error> {
        let producer = Producer::connect(path, &process_name())?;
        let readiness = producer.as_fd().try_clone_to_owned();
        let doing = "duplicate the socket";
        let readiness = readiness.map_err(|source| Error::Io { doing, source })?;
        Ok(Self {
            producer,
            readiness: Arc::new(readiness),
            streams: HashMap::new(),
            buffers: HashMap::new(),
            homes: HashMap::new(),
            ours: HashMap::new(),
            theirs: HashMap::new(),
            next_stream: 1,
            next_buffer: 1,
            next_timeline: 1,
            unsaid: VecDeque::new(),
        })
    }

    /// Sends a picture, after the stream and the buffer that it is of if those are new.
    ///
    /// # Errors
    ///
    /// [`Unsent`]; the host does not have the picture.
    pub(super) fn send(
        &mut self,
        mut parcel: Parcel<'_>,
        export: impl FnOnce() -> Result<Exported, LayerError>,
    ) -> Result<(), Unsent> {
        self.tell(parcel.stream);
        self.catch_up()?;
        let (id, seen) = self.stream(parcel.stream)?;
        parcel.frame.buffer = self.buffer(&parcel, id, export)?;
        if !seen {
            parcel.frame.damage = Damage::Unknown;
        }
        parcel.frame.acquire = self.point(parcel.acquire)?;
        self.producer.send(&ToHost::Frame(parcel.frame))?;
        parcel.rotation.infer();
        if let Some(open) = self.streams.get_mut(&parcel.stream.key()) {
            open.seen = true;
        }
        Ok(())
    }

    /// The host asks to look at the pictures of a stream, or no more.
    pub(super) fn hint(&mut self, stream: StreamId, still: bool) {
        let open = self.streams.values().find(|open| open.id == stream);
        // One that was closed meanwhile is nobody's.
        match open.map(|open| &open.hint) {
            Some(hint) if still => hint.ask(),
            Some(hint) => hint.end(),
            None => {}
        }
    }

    /// As [`Outlet::keep`](super::Outlet::keep).
    pub(super) fn keep(
        &mut self,
        stream: &Stream,
        asking: Asking,
        (sequence, timestamp): (u64, Duration),
    ) -> bool {
        let now = clock_monotonic();
        let asked = |open: &&mut Open| open.seen && open.hint.now() == Some(asking);
        let Some(open) = self.streams.get_mut(&stream.key()).filter(asked) else { return false };
        let count = open.kept.map_or(1, |kept| kept.count.saturating_add(1));
        open.kept = Some(KeptMessage { stream: open.id, count, sequence, timestamp });
        if now.saturating_sub(open.told) >= TELL {
            self.tell(stream);
        }
        true
    }

    /// Tells the host what was kept of the stream. One that is behind hears of all of it later: what it
    /// must hear needs the room.
    pub(super) fn tell(&mut self, stream: &Stream) {
        if self.catch_up().is_ok() {
            self.tell_kept(stream);
        }
    }

    fn tell_kept(&mut self, stream: &Stream) {
        let Some(open) = self.streams.get_mut(&stream.key()) else { return };
        let Some(kept) = open.kept.take() else { return };
        open.told = clock_monotonic();
        self.say(ToHost::Kept(kept));
    }

    /// Ends a stream, if the host knows it.
    pub(super) fn close(&mut self, stream: &Stream) {
        self.tell_kept(stream);
        if let Some(open) = self.streams.remove(&stream.key()) {
            self.say(ToHost::CloseStream { stream: open.id });
        }
    }

    /// Takes a buffer back for good, if the host knows it.
    pub(super) fn retire(&mut self, image: Key) {
        if let Some(buffer) = self.buffers.remove(&image) {
            self.homes.remove(&buffer);
            self.say(ToHost::Retire { buffer });
        }
    }

    /// The host has released a picture. Of a retired buffer: nobody waits for it.
    pub(super) fn release(
        &self,
        buffer: WireBufferId,
        sequence: u64,
        after: ArrayVec<Point, MAX_POINTS>,
    ) {
        if let Some(home) = self.homes.get(&buffer)
            && let Some(rotation) = home.rotation.upgrade()
        {
            let after = after.into_iter().filter_map(|point| self.moment(point)).collect();
            rotation.release(home.index, sequence, after);
            rotation.infer();
        }
    }

    /// The moment that a point of the host's means. Every timeline that it names was announced, or the
    /// message had not come through.
    fn moment(&self, point: Point) -> Option<SyncPoint> {
        Some(match point {
            Point::Signaled => return None,
            Point::SyncFile(file) => SyncPoint::SyncFile(file),
            Point::Timeline { timeline, value } => {
                SyncPoint::Timeline { which: Arc::clone(self.theirs.get(&timeline)?), value }
            }
        })
    }

    /// The host signals one more timeline.
    pub(super) fn learn(&mut self, shared: SharedTimeline) {
        let timeline = Timeline::new(shared.device, shared.fd, None);
        self.theirs.insert(shared.timeline, timeline);
    }

    /// It names one no more.
    pub(super) fn unlearn(&mut self, timeline: WireTimelineId) {
        self.theirs.remove(&timeline);
    }

    /// Timelines of ours are no more, of those that the host knows.
    pub(super) fn forget(&mut self, timeline: TimelineId) {
        if let Some(timeline) = self.ours.remove(&timeline) {
            self.say(ToHost::RetireTimeline { timeline });
        }
    }

    /// The point as the host knows it; a timeline that it does not know is announced, and anew where no
    /// picture was sent for so long that the value is too far beyond the last that was named.
    fn point(&mut self, acquire: SyncPoint) -> Result<Point, Error> {
        let SyncPoint::Timeline { which, value } = acquire else {
            return acquire.try_into().map_err(Error::Invalid);
        };
        if let Some(timeline) = self.ours.get(&which.id()).copied() {
            if !self.producer.is_far(timeline, value) {
                return Ok(Point::Timeline { timeline, value });
            }
            self.producer.send(&ToHost::RetireTimeline { timeline })?;
            self.ours.remove(&which.id());
        }
        let timeline = WireTimelineId(self.next_timeline);
        let fd = which.as_fd().try_clone_to_owned();
        let doing = "duplicate a timeline";
        let fd = fd.map_err(|source| Error::Io { doing, source })?;
        let shared = SharedTimeline { timeline, value, device: which.device(), fd };
        self.producer.send(&ToHost::Timeline(shared))?;
        self.next_timeline += 1;
        self.ours.insert(which.id(), timeline);
        Ok(Point::Timeline { timeline, value })
    }

    /// Ends the connection: all images are the producer's again. A host that still reads one must
    /// be able to know before anybody draws into it, so this comes first.
    pub(super) fn abandon(&mut self) {
        self.producer.reclaim();
        self.streams.values().for_each(|open| open.hint.end());
        for home in self.homes.values() {
            if let Some(rotation) = home.rotation.upgrade() {
                rotation.abandon();
            }
        }
    }

    /// Says what is no picture, now or when there is room.
    pub(super) fn say(&mut self, message: ToHost) {
        // A host so far behind is found out by the next picture, which finds no room either.
        if self.unsaid.len() < MAX_UNSAID {
            self.unsaid.push_back(message);
        }
        let _ = self.catch_up();
    }

    fn catch_up(&mut self) -> Result<(), Error> {
        while let Some(message) = self.unsaid.front() {
            match self.producer.send(message) {
                // One that breaks a rule will not get better.
                Ok(()) | Err(Error::Invalid(_)) => drop(self.unsaid.pop_front()),
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    /// The stream's name on this connection, and whether the host has a picture of it.
    fn stream(&mut self, stream: &Stream) -> Result<(StreamId, bool), Error> {
        if let Some(known) = self.streams.get(&stream.key()) {
            return Ok((known.id, known.seen));
        }
        let id = StreamId(self.next_stream);
        self.producer.send(&ToHost::OpenStream {
            stream: id,
            name: text(stream.name()),
            clock: None,
        })?;
        self.next_stream += 1;
        let hint = Arc::clone(&stream.hint);
        let open = Open { id, seen: false, hint, kept: None, told: Duration::ZERO };
        self.streams.insert(stream.key(), open);
        Ok((id, false))
    }

    /// The buffer's name on this connection.
    fn buffer(
        &mut self,
        parcel: &Parcel<'_>,
        stream: StreamId,
        export: impl FnOnce() -> Result<Exported, LayerError>,
    ) -> Result<WireBufferId, Unsent> {
        if let Some(known) = self.buffers.get(&parcel.image) {
            return Ok(*known);
        }
        let (descriptor, memory, copies) = export().map_err(Unsent::Export)?;
        let buffer = WireBufferId(self.next_buffer);
        self.producer.send(&ToHost::Announce { buffer, stream, descriptor, memory, copies })?;
        self.next_buffer += 1;
        self.buffers.insert(parcel.image, buffer);
        let rotation = Arc::downgrade(parcel.rotation);
        self.homes.insert(buffer, Home { rotation, index: parcel.index });
        Ok(buffer)
    }
}

/// The name of the program.
fn process_name() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use zerohop_frame::{Color, DeviceId, Extent, Fourcc, MediaTime, Modifier, PlaneLayout};
    use zerohop_kernel::Memfd;
    use zerohop_testkit::host::{Host, Manner};
    use zerohop_wire::MAX_STEP;

    use super::super::pace::{Mode, Refresh};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn device() -> DeviceId {
        DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] }
    }

    /// A host that takes timelines, and a line that it has welcomed.
    fn welcome(manner: Manner) -> (TempDir, Host, Line) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ours").join("host");
        let host = Host::start_taking(&path, manner, vec![device()]).unwrap();
        let mut line = Line::connect(&path).unwrap();
        let begin = clock_monotonic();
        while manner != Manner::Deaf && !line.producer.is_welcome() {
            line.producer.poll().unwrap();
            assert!(clock_monotonic() < begin + PATIENCE, "no answer");
        }
        (folder, host, line)
    }

    fn stream() -> Stream {
        Stream::new("test".into(), Refresh::every(Duration::from_millis(10)))
    }

    fn exported() -> Result<Exported, LayerError> {
        let plane = PlaneLayout { object: 0, offset: 0, stride: 16 };
        let descriptor = FrameDescriptor {
            extent: Extent { width: 4, height: 4 },
            fourcc: Fourcc::XRGB8888,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([plane]),
            color: Color::SRGB,
        };
        let memory = MemoryHandle::Shm(Memfd::create("test", 64).unwrap().into());
        Ok((descriptor, ArrayVec::from_iter([memory]), Copies::default()))
    }

    #[test]
    fn a_timeline_that_went_far_while_nothing_was_sent_is_announced_again() {
        let (_folder, host, mut line) = welcome(Manner::Prompt);
        let (stream, rotation) = (stream(), Arc::new(Rotation::new(4, Mode::Fifo)));
        let fd = std::fs::File::open("/dev/null").unwrap().into();
        let timeline = Timeline::new(device(), fd, None);
        let values = [5, 7 + MAX_STEP, 9 + MAX_STEP, 20 + 3 * MAX_STEP];
        for (sequence, value) in (1..).zip(values) {
            let frame = FrameMessage {
                buffer: WireBufferId(0),
                sequence,
                timestamp: clock_monotonic(),
                presented: clock_monotonic(),
                replaceable: false,
                damage: Damage::Unknown,
                media: MediaTime::default(),
                acquire: Point::Signaled,
            };
            let parcel = Parcel {
                stream: &stream,
                image: Key::next(),
                rotation: &rotation,
                index: 0,
                frame,
                acquire: SyncPoint::Timeline { which: Arc::clone(&timeline), value },
            };
            match line.send(parcel, exported) {
                Ok(()) => {}
                Err(Unsent::Wire(err)) => panic!("{value}: {err}"),
                Err(Unsent::Export(err)) => panic!("{value}: {err}"),
            }
        }
        assert_eq!(line.next_timeline, 4, "said anew twice");
        assert!(host.wait(PATIENCE, |heard| heard.timelines == values.len()));
        assert_eq!(host.heard().refused, Vec::<String>::new());
    }

    #[test]
    fn what_is_kept_takes_no_room_from_what_a_slow_host_must_hear() {
        let (_folder, _host, mut line) = welcome(Manner::Deaf);
        let stream = stream();
        let Ok((id, _)) = line.stream(&stream) else { panic!("no room for one") };
        let fallback = || ToHost::Fallback { what: text("a"), reason: text("b"), cost: text("c") };
        while line.unsaid.is_empty() {
            line.say(fallback());
        }
        for sequence in 1..2 * MAX_UNSAID as u64 {
            let timestamp = clock_monotonic();
            let kept = KeptMessage { stream: id, count: 1, sequence, timestamp };
            line.streams.get_mut(&stream.key()).unwrap().kept = Some(kept);
            line.tell(&stream);
        }
        assert_eq!(line.unsaid.len(), 1);
        line.close(&stream);
        let last = line.unsaid.make_contiguous();
        assert!(matches!(last, [_, ToHost::Kept(_), ToHost::CloseStream { .. }]), "{last:?}");
    }
}
