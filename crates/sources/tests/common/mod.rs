//! What the tests share: a source in a private folder, and an application that presents to it.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::{
    Color, Damage, Extent, Fallback, Fourcc, Frame, FrameDescriptor, MediaTime, MemoryHandle,
    Modifier, Observer, PlaneLayout, Source, SourceEvent, Stage,
};
use zerohop_kernel::{Memfd, clock_monotonic};
use zerohop_sources::{Control, Overflow, WireConfig, WireSource};
use zerohop_wire::{
    Copies, Error, FrameMessage, Point, Producer, StreamId, ToHost, ToProducer, WireBufferId, text,
};

/// How long anything may take that should take no time.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// Remembers what it is told.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) spans: Mutex<Vec<(u64, Stage)>>,
    pub(crate) dropped: Mutex<Vec<u64>>,
    pub(crate) fallbacks: Mutex<Vec<Fallback>>,
    /// Bytes of each copy by a CPU; 0 for one by a GPU.
    pub(crate) copies: Mutex<Vec<u64>>,
}

impl Observer for Notes {
    fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration) {
        assert!(begin <= end, "{stage:?} of {sequence} ends before it begins");
        self.spans.lock().unwrap().push((sequence, stage));
    }
    fn cpu_copy(&self, _: u64, bytes: u64, _: &'static str) {
        self.copies.lock().unwrap().push(bytes);
    }
    fn gpu_copy(&self, _: u64, _: &'static str) {
        self.copies.lock().unwrap().push(0);
    }
    fn dropped(&self, sequence: u64, _: &'static str) {
        self.dropped.lock().unwrap().push(sequence);
    }
    fn fallback(&self, fallback: Fallback) {
        self.fallbacks.lock().unwrap().push(fallback);
    }
}

/// An open source.
pub(crate) struct Host {
    pub(crate) source: WireSource,
    pub(crate) control: Control,
    pub(crate) notes: Arc<Notes>,
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Host {
    pub(crate) fn open(overflow: Overflow) -> Self {
        Self::new(overflow, false)
    }

    /// One whose pipeline does not sleep while pictures come.
    pub(crate) fn spinning(overflow: Overflow) -> Self {
        Self::new(overflow, true)
    }

    fn new(overflow: Overflow, spin: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private/socket");
        let notes = Arc::new(Notes::default());
        let observer = Arc::clone(&notes) as _;
        let config = WireConfig {
            socket: path.clone(),
            display: None,
            timelines: Vec::new(),
            overflow,
            spin,
            observer,
        };
        let source = WireSource::open(config).unwrap();
        Self { control: source.control(), source, notes, path, _folder: folder }
    }

    /// The next event, waited for as the pipeline does.
    pub(crate) fn event(&mut self) -> SourceEvent {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(event) = self.source.poll_event().unwrap() {
                return event;
            }
            assert!(Instant::now() < deadline, "no event came");
            self.source.wait(None, Some(SOON)).unwrap();
        }
    }

    /// The next picture, past any format.
    pub(crate) fn frame(&mut self) -> Frame {
        loop {
            match self.event() {
                SourceEvent::Frame(frame) => return frame,
                SourceEvent::Format(_) | SourceEvent::Kept(_) => {}
                SourceEvent::Ended => panic!("the source ended"),
            }
        }
    }

    /// That nothing comes within a few turns of the thread.
    pub(crate) fn assert_silent(&mut self) {
        std::thread::sleep(Duration::from_millis(30));
        assert!(self.source.poll_event().unwrap().is_none());
    }

    /// Waits until the report says so.
    pub(crate) fn wait_until(&self, what: impl Fn(&zerohop_sources::Report) -> bool) {
        eventually(|| what(&self.control.report()));
    }
}

/// Waits until `what` holds.
pub(crate) fn eventually(mut what: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !what() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A window of some application.
pub(crate) struct App {
    pub(crate) producer: Producer,
    stream: u32,
    pub(crate) free: Vec<u64>,
    all: Vec<u64>,
    next_buffer: u64,
    pub(crate) sequence: u64,
    side: u32,
}

impl App {
    /// With `count` buffers of `side` squared.
    pub(crate) fn start(host: &Host, side: u32, count: u64) -> Self {
        let mut producer = Producer::connect(&host.path, "app").unwrap();
        producer.send(&open(1)).unwrap();
        let mut app = Self {
            producer,
            stream: 1,
            free: Vec::new(),
            all: Vec::new(),
            next_buffer: 1,
            sequence: 0,
            side,
        };
        app.allocate(count);
        app
    }

    pub(crate) fn allocate(&mut self, count: u64) {
        for _ in 0..count {
            let message = announce(self.next_buffer, self.stream, self.side);
            self.send(&message);
            self.free.push(self.next_buffer);
            self.all.push(self.next_buffer);
            self.next_buffer += 1;
        }
    }

    /// New buffers of `side` squared in place of all.
    pub(crate) fn resize(&mut self, side: u32, count: u64) {
        for buffer in std::mem::take(&mut self.all) {
            self.send(&ToHost::Retire { buffer: WireBufferId(buffer) });
        }
        self.free.clear();
        self.side = side;
        self.allocate(count);
    }

    /// Sends, and waits for room as an application would not.
    pub(crate) fn send(&mut self, message: &ToHost) {
        let deadline = Instant::now() + SOON;
        loop {
            match self.producer.send(message) {
                Ok(()) => return,
                Err(Error::Full) => {
                    assert!(Instant::now() < deadline, "the host does not read");
                    std::thread::sleep(Duration::from_micros(50));
                }
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// A picture in the buffer that has been free for longest, which is waited for.
    pub(crate) fn present(&mut self) {
        self.present_with(|_| ());
    }

    pub(crate) fn present_with(&mut self, change: impl FnOnce(&mut FrameMessage)) {
        self.acquire();
        let buffer = self.free.remove(0);
        self.sequence += 1;
        let mut message = FrameMessage {
            buffer: WireBufferId(buffer),
            sequence: self.sequence,
            timestamp: clock_monotonic(),
            presented: clock_monotonic(),
            replaceable: false,
            damage: Damage::Unknown,
            media: MediaTime::default(),
            acquire: Point::Signaled,
        };
        change(&mut message);
        self.sequence = message.sequence;
        self.send(&ToHost::Frame(message));
    }

    /// Waits for a free buffer.
    pub(crate) fn acquire(&mut self) {
        let deadline = Instant::now() + SOON;
        self.collect();
        while self.free.is_empty() {
            assert!(Instant::now() < deadline, "no buffer came back");
            let wait = Timespec::try_from(SOON).unwrap();
            poll(&mut [PollFd::new(&self.producer.as_fd(), PollFlags::IN)], Some(&wait)).unwrap();
            self.collect();
        }
    }

    /// Takes back what the host released. Says which pictures.
    pub(crate) fn collect(&mut self) -> Vec<u64> {
        let mut released = Vec::new();
        while let Some(message) = self.producer.poll().unwrap() {
            if let ToProducer::Release { buffer, sequence, .. } = message {
                released.push(sequence);
                if self.all.contains(&buffer.0) {
                    self.free.push(buffer.0);
                }
            }
        }
        released
    }

    /// Whether the host says that it is busy within `time`.
    pub(crate) fn hears_busy(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if let Some(ToProducer::Busy) = self.producer.poll().unwrap() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }

    /// Waits until every picture is home.
    pub(crate) fn wait_home(&mut self) -> Vec<u64> {
        let deadline = Instant::now() + SOON;
        let mut released = self.collect();
        while self.producer.out() > 0 {
            assert!(Instant::now() < deadline, "{} pictures are out", self.producer.out());
            std::thread::sleep(Duration::from_millis(1));
            released.extend(self.collect());
        }
        released
    }
}

pub(crate) fn open(stream: u32) -> ToHost {
    ToHost::OpenStream { stream: StreamId(stream), name: text("window"), clock: None }
}

pub(crate) fn announce(buffer: u64, stream: u32, side: u32) -> ToHost {
    let stride = side * 4;
    let memfd = Memfd::create("test", u64::from(stride) * u64::from(side)).unwrap();
    let descriptor = FrameDescriptor {
        extent: Extent { width: side, height: side },
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]),
        color: Color::SRGB,
    };
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(OwnedFd::from(memfd))]);
    let (buffer, stream) = (WireBufferId(buffer), StreamId(stream));
    ToHost::Announce { buffer, stream, descriptor, memory, copies: Copies::default() }
}

/// How many descriptors this process has open.
pub(crate) fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Resident memory of this process, in KiB.
pub(crate) fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
