//! A host for tests: it listens, remembers what it hears, and behaves as badly as it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::{DeviceId, Extent, FrameDescriptor, OpaqueImage};
use zerohop_kernel::{Listener, Memfd, Socket};
use zerohop_wire::{
    Copies, FrameMessage, HostDisplay, KeptMessage, MAX_DEVICES, MAX_MESSAGE, Point,
    SharedTimeline, StreamId, ToHost, ToProducer, WireBufferId, WireTimelineId, text,
};

/// How long the thread sleeps at most before it looks whether it should end.
const TICK: Duration = Duration::from_millis(5);

/// What a host does with the pictures that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Releases each at once.
    Prompt,
    /// Releases each after a while.
    Slow(Duration),
    /// Keeps so many, and releases the oldest when one more comes.
    Hoarding(usize),
    /// Keeps them all.
    Never,
    /// Accepts the connection and never reads from it.
    Deaf,
    /// Ends every connection with its so manyth picture, and goes on listening.
    HangsUp(usize),
    /// Says something wrong after each picture.
    Lies(Lie),
    /// Releases each at once, and after so many of a stream says that it stands still.
    SaysStill(usize),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// A release of a buffer that does not exist.
    UnknownBuffer,
    /// A release of another picture than the buffer holds.
    WrongSequence,
    /// Two releases of one picture.
    Twice,
    /// A message that is none.
    Garbage,
    /// The answer to `Hello`, again and with another version.
    WelcomeAgain,
    /// A release at a value of a timeline that never comes.
    NeverSignals,
    /// The same of a timeline whose descriptor is none.
    NoTimeline,
}

/// What a host has heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Connections.
    pub connections: usize,
    /// The names in `Hello`.
    pub names: Vec<String>,
    /// Streams opened.
    pub opened: usize,
    /// Streams closed.
    pub closed: usize,
    /// Buffers announced, retired ones too.
    pub announced: usize,
    /// Buffers retired.
    pub retired: usize,
    /// What the buffers of the present connections look like.
    pub buffers: BTreeMap<u64, (FrameDescriptor, Option<OpaqueImage>)>,
    /// What the pictures of each announced buffer cost.
    pub copies: Vec<Copies>,
    /// Every picture, in order, without its fence.
    pub frames: Vec<FrameMessage>,
    /// What was said of pictures that did not change and were not sent, each with how many pictures had
    /// been sent before.
    pub kept: Vec<(usize, KeptMessage)>,
    /// How many of the pictures came with a fence.
    pub fences: usize,
    /// How many of them came with a value of a timeline.
    pub timelines: usize,
    /// What falls back.
    pub fallbacks: Vec<String>,
    /// Messages that cannot be read, and why.
    pub refused: Vec<String>,
}

/// One producer.
struct Guest {
    socket: Socket,
    /// A timeline of its own.
    timeline: Option<SharedTimeline>,
    /// Whether it was told of one of ours.
    told: bool,
    frames: usize,
    /// The stream that was opened last, and how many pictures came since.
    stream: (StreamId, usize),
    /// Pictures that are to be released, and when.
    held: VecDeque<(WireBufferId, u64, Instant)>,
    over: bool,
}

impl Guest {
    fn new(socket: Socket) -> Self {
        let (stream, held) = ((StreamId(0), 0), VecDeque::new());
        Self { socket, timeline: None, told: false, frames: 0, stream, held, over: false }
    }
}

/// A host in a thread of its own, until it is dropped.
pub struct Host {
    path: PathBuf,
    heard: Arc<Mutex<Heard>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Listens at `path`, in a folder that is this user's alone or is made.
    ///
    /// # Errors
    ///
    /// As [`Listener::bind`].
    pub fn start(path: &Path, manner: Manner) -> io::Result<Self> {
        Self::start_taking(path, manner, Vec::new())
    }

    /// As [`start`](Self::start); it says that it takes timelines of `devices`, the first four of them,
    /// and that it speaks version 2 if there are any. It waits for none.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_taking(path: &Path, manner: Manner, devices: Vec<DeviceId>) -> io::Result<Self> {
        let listener = Listener::bind(path)?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, end) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = thread::spawn(move || serve(&listener, (manner, &devices), &log, &end));
        Ok(Self { path: path.to_owned(), heard, stop, thread: Some(thread) })
    }

    /// Where it listens, for `ZEROHOP_SOCKET`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it has heard so far.
    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.heard)
    }

    /// Waits at most `patience` until `enough` holds. Returns whether it does.
    pub fn wait(&self, patience: Duration, enough: impl Fn(&Heard) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !enough(&self.heard()) {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(TICK);
        }
        true
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // A panic of the thread was printed by it.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

type Ways<'a> = (Manner, &'a [DeviceId]);

fn serve(listener: &Listener, ways: Ways<'_>, heard: &Mutex<Heard>, stop: &AtomicBool) {
    let (manner, _) = ways;
    let mut guests: Vec<Guest> = Vec::new();
    while !stop.load(Ordering::Acquire) {
        sleep(listener, &guests, manner);
        while let Ok(Some(socket)) = listener.accept() {
            lock(heard).connections += 1;
            guests.push(Guest::new(socket));
        }
        for guest in &mut guests {
            if manner != Manner::Deaf {
                while !guest.over && hear(guest, ways, heard) {}
                give_back(guest, manner);
            }
        }
        guests.retain(|guest| !guest.over);
    }
}

/// Sleeps until something can be read, a [`TICK`] at most.
fn sleep(listener: &Listener, guests: &[Guest], manner: Manner) {
    let mut fds = vec![PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)];
    if manner != Manner::Deaf {
        let sockets = guests.iter().map(|guest| guest.socket.as_fd());
        fds.extend(sockets.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    }
    let tick = Timespec::try_from(TICK).ok();
    // Whatever it says, the loop looks at everything.
    let _ = poll(&mut fds, tick.as_ref());
}

/// Takes one message. Returns whether there may be another.
fn hear(guest: &mut Guest, ways: Ways<'_>, heard: &Mutex<Heard>) -> bool {
    let mut bytes = [0; MAX_MESSAGE];
    let received = match guest.socket.receive(&mut bytes) {
        Ok(received) if received.length > 0 => received,
        Err(err) if err.kind() == io::ErrorKind::WouldBlock => return false,
        _ => {
            guest.over = true;
            return false;
        }
    };
    match ToHost::decode(&bytes[..received.length], received.fds) {
        Ok(message) => {
            let mut heard = lock(heard);
            take(guest, ways, &mut heard, message);
        }
        Err(violation) => lock(heard).refused.push(violation.to_string()),
    }
    true
}

/// The host's display: small, so that tests draw little on it.
fn display() -> HostDisplay {
    let extent = Extent { width: 96, height: 64 };
    HostDisplay {
        name: text("testkit"),
        extent,
        refresh_mhz: 60_000,
        size_mm: [160, 90],
        paces: false,
    }
}

fn take(guest: &mut Guest, (manner, devices): Ways<'_>, heard: &mut Heard, message: ToHost) {
    match message {
        ToHost::Hello { name, .. } => {
            heard.names.push(name.to_string());
            let newer = !devices.is_empty() || matches!(manner, Manner::SaysStill(_));
            let version = if newer { 2 } else { 1 };
            say(guest, &ToProducer::Welcome { version, display: Some(display()) });
            if version == 2 {
                let devices = devices.iter().copied().take(MAX_DEVICES).collect();
                say(guest, &ToProducer::Devices { devices });
            }
        }
        ToHost::OpenStream { stream, .. } => {
            heard.opened += 1;
            guest.stream = (stream, 0);
        }
        ToHost::CloseStream { .. } => heard.closed += 1,
        ToHost::Announce { buffer, descriptor, memory, copies, .. } => {
            heard.announced += 1;
            let image = memory.first().and_then(|handle| match handle {
                zerohop_frame::MemoryHandle::OpaqueFd { image, .. } => Some(image.clone()),
                _ => None,
            });
            heard.buffers.insert(buffer.0, (descriptor, image));
            heard.copies.push(copies);
        }
        ToHost::Retire { .. } => heard.retired += 1,
        // The end of the connection follows, and is what counts.
        ToHost::Reclaim | ToHost::RetireTimeline { .. } => {}
        ToHost::Timeline(shared) => guest.timeline = Some(shared),
        ToHost::Fallback { what, .. } => heard.fallbacks.push(what.to_string()),
        ToHost::Kept(kept) => heard.kept.push((heard.frames.len(), kept)),
        ToHost::Frame(mut frame) => {
            picture(guest, manner, &frame);
            let fence = std::mem::take(&mut frame.acquire);
            heard.fences += usize::from(matches!(fence, Point::SyncFile(_)));
            heard.timelines += usize::from(matches!(fence, Point::Timeline { .. }));
            heard.frames.push(frame);
        }
    }
}

fn picture(guest: &mut Guest, manner: Manner, frame: &FrameMessage) {
    guest.frames += 1;
    guest.stream.1 += 1;
    let wait = if let Manner::Slow(wait) = manner { wait } else { Duration::ZERO };
    guest.held.push_back((frame.buffer, frame.sequence, Instant::now() + wait));
    match manner {
        Manner::HangsUp(after) if guest.frames >= after => guest.over = true,
        Manner::Lies(lie) => tell(guest, lie, frame),
        Manner::SaysStill(after) if guest.stream.1 == after => {
            say(guest, &ToProducer::Still { stream: guest.stream.0, still: true });
        }
        _ => {}
    }
}

/// Releases what is due.
fn give_back(guest: &mut Guest, manner: Manner) {
    let keep = match manner {
        Manner::Never => usize::MAX,
        Manner::Hoarding(count) => count,
        _ => 0,
    };
    while guest.held.len() > keep && guest.held[0].2 <= Instant::now() {
        if let Some((buffer, sequence, _)) = guest.held.pop_front() {
            say(guest, &ToProducer::Release { buffer, sequence, after: ArrayVec::new() });
        }
    }
}

fn tell(guest: &mut Guest, lie: Lie, frame: &FrameMessage) {
    let FrameMessage { buffer, sequence, .. } = *frame;
    let release =
        |buffer, sequence| ToProducer::Release { buffer, sequence, after: ArrayVec::new() };
    match lie {
        Lie::UnknownBuffer => say(guest, &release(WireBufferId(u64::MAX), sequence)),
        Lie::WrongSequence => say(guest, &release(buffer, sequence.wrapping_add(1))),
        Lie::Twice => {
            say(guest, &release(buffer, sequence));
            say(guest, &release(buffer, sequence));
        }
        Lie::WelcomeAgain => {
            let (version, display) = (42, Some(display()));
            say(guest, &ToProducer::Welcome { version, display });
        }
        Lie::NeverSignals | Lie::NoTimeline => promise(guest, lie, frame),
        // What cannot be sent is no lie.
        Lie::Garbage => drop(guest.socket.send(&[0xa5; 300], &[])),
    }
}

/// Releases a picture at a value that its producer's own timeline, told of as ours, is far from; or at one
/// of a descriptor that is no timeline.
fn promise(guest: &mut Guest, lie: Lie, frame: &FrameMessage) {
    let Some(shared) = &guest.timeline else { return };
    let timeline = WireTimelineId(1);
    if !std::mem::replace(&mut guest.told, true) {
        let real = || shared.fd.try_clone();
        let fake = || Memfd::create("no timeline", 4096).map(OwnedFd::from);
        let Ok(fd) = (if lie == Lie::NoTimeline { fake() } else { real() }) else { return };
        let told = SharedTimeline { timeline, value: 0, device: shared.device, fd };
        say(guest, &ToProducer::Timeline(told));
    }
    let FrameMessage { buffer, sequence, .. } = *frame;
    let after = ArrayVec::from_iter([Point::Timeline { timeline, value: 1 << 20 }]);
    say(guest, &ToProducer::Release { buffer, sequence, after });
}

/// Sends a message. A producer that is gone is noticed when it is heard.
fn say(guest: &Guest, message: &ToProducer) {
    if let Ok(packet) = message.encode() {
        let _ = guest.socket.send(&packet.bytes, &packet.fds);
    }
}
