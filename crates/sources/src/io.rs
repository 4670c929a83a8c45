//! The thread that hears the producers. The only one of the wire source.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::Fallback;
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{Error, FrameMessage, Listener, Text, ToHost};

use crate::Overflow;
use crate::election::{StreamKey, elect};
use crate::peers::{Arrival, Connected, handover, is_signaled};
use crate::report::{MAX_KEPT, Refusal};
use crate::shared::Shared;
use crate::watch::Watch;

/// The most producers at a time.
const MAX_PEERS: usize = 64;

/// The most messages of one producer before the others have their turn.
const TURN: usize = 64;

/// The most different fallbacks that are passed on.
const MAX_FALLBACKS: usize = 64;

/// How long to wait for a free descriptor before the next producer is accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Everything that the thread owns.
pub(crate) struct Io {
    listener: Listener,
    shared: Arc<Shared>,
    watch: Watch,
    peers: BTreeMap<u64, Connected>,
    /// Producers so far.
    connected: u64,
    /// Streams so far.
    opened: u64,
    accept_after: Option<Duration>,
    fallbacks: BTreeSet<(Text, Text)>,
    ended: bool,
}

/// Which descriptors polled ready.
struct Ready {
    listener: bool,
    peers: Vec<u64>,
}

impl Io {
    pub(crate) fn new(listener: Listener, overflow: Overflow, shared: Arc<Shared>) -> Self {
        let watch = Watch::new(Arc::clone(&shared), overflow);
        Self {
            listener,
            shared,
            watch,
            peers: BTreeMap::new(),
            connected: 0,
            opened: 0,
            accept_after: None,
            fallbacks: BTreeSet::new(),
            ended: false,
        }
    }

    /// Runs until the source is gone.
    pub(crate) fn run(mut self) {
        while !self.shared.closed.load(Ordering::Acquire) {
            self.turn();
        }
        for connected in self.peers.values() {
            connected.peer.close();
        }
    }

    fn turn(&mut self) {
        let ready = match self.wait() {
            Ok(ready) => ready,
            // `EINTR`, or `ENOMEM`: in both cases the next try may do.
            Err(_) => return,
        };
        // Read before accepting: what the application began before it exited is not missed.
        let exited = self.shared.exited.load(Ordering::Acquire);
        if ready.listener || exited {
            self.accept();
        }
        for peer in ready.peers {
            self.hear(peer);
        }
        self.watch.pass_time(clock_monotonic());
        let over = exited && self.peers.is_empty() && self.accept_after.is_none();
        if !self.ended && (over || !self.watch.wants()) {
            self.ended = true;
            self.watch.end();
        }
    }

    /// Waits until somebody has something to say or some time has come.
    fn wait(&mut self) -> io::Result<Ready> {
        let now = clock_monotonic();
        let timeout = self.deadline().map(|at| at.saturating_sub(now));
        let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
        if self.accept_after.is_some_and(|after| after <= now) {
            self.accept_after = None;
        }
        let listens = if self.accept_after.is_none() { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = Vec::with_capacity(2 + self.peers.len());
        fds.push(PollFd::new(&self.shared.wake, PollFlags::IN));
        fds.push(PollFd::new(&self.listener, listens));
        fds.extend(self.peers.values().map(|connected| {
            let unsent = connected.peer.has_unsent();
            let room = if unsent { PollFlags::OUT } else { PollFlags::empty() };
            PollFd::from_borrowed_fd(
                std::os::fd::AsFd::as_fd(&*connected.peer),
                PollFlags::IN | room,
            )
        }));
        poll(&mut fds, timeout.as_ref())?;
        self.shared.wake.clear();
        let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let late = |connected: &Connected| {
            connected.peer.hello_deadline().is_some_and(|at| at <= clock_monotonic())
        };
        let peers = self.peers.iter().zip(&fds[2..]);
        let peers = peers.filter(|((_, connected), fd)| ready(fd) || late(connected));
        let peers = peers.map(|((peer, _), _)| *peer).collect();
        Ok(Ready { listener: ready(&fds[1]), peers })
    }

    /// When to look again though nobody says anything.
    fn deadline(&self) -> Option<Duration> {
        let hellos = self.peers.values().filter_map(|connected| connected.peer.hello_deadline());
        hellos.chain(self.watch.deadline()).chain(self.accept_after).min()
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok(None) => return,
                Ok(Some(peer)) if self.peers.len() >= MAX_PEERS => {
                    let reason = format!("{MAX_PEERS} producers are connected, no more may");
                    peer.dismiss(&reason);
                    self.count_peer();
                    self.refused(peer.credentials().pid, "", reason);
                }
                Ok(Some(peer)) => {
                    let number = self.count_peer();
                    self.peers.insert(number, Connected::new(peer));
                }
                Err(Error::Violation(violation)) => {
                    self.count_peer();
                    self.refused(0, "", violation.to_string());
                }
                Err(_) => {
                    self.accept_after = Some(clock_monotonic() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn count_peer(&mut self) -> u64 {
        self.connected += 1;
        self.shared.report().peers = self.connected;
        self.connected
    }

    fn refused(&self, pid: u32, name: &str, reason: String) {
        let mut report = self.shared.report();
        report.refused_count += 1;
        if report.refused.len() < MAX_KEPT {
            report.refused.push(Refusal { pid, name: name.to_owned(), reason });
        }
    }

    /// Takes a turn's worth of messages from one producer.
    fn hear(&mut self, number: u64) {
        let Some(connected) = self.peers.get(&number) else { return };
        let peer = Arc::clone(&connected.peer);
        // A failure ends the connection, which the poll below finds.
        let _ = peer.flush();
        for _ in 0..TURN {
            match peer.poll() {
                Ok(None) => return,
                Ok(Some(message)) => self.act(number, message),
                Err(err) => return self.lose(number, &err),
            }
        }
    }

    /// Forgets a producer whose connection is over. Its pictures on their way stay valid.
    fn lose(&mut self, number: u64, why: &Error) {
        let Some(gone) = self.peers.remove(&number) else { return };
        let reason = match why {
            Error::Closed => None,
            Error::Violation(violation) => Some(violation.to_string()),
            other => Some(other.to_string()),
        };
        if let Some(reason) = reason {
            self.refused(gone.peer.credentials().pid, &gone.name, reason);
        }
        self.elect();
    }

    fn act(&mut self, number: u64, message: ToHost) {
        let Some(connected) = self.peers.get_mut(&number) else { return };
        match message {
            ToHost::Hello { name, .. } => connected.name = name.to_string(),
            ToHost::OpenStream { stream, name } => {
                self.opened += 1;
                connected.open(stream, &name, self.opened);
            }
            ToHost::CloseStream { stream } => {
                connected.close(stream);
                self.elect();
            }
            ToHost::Announce { .. } => {
                if let Err(reason) = connected.announce(message, &self.shared) {
                    connected.peer.dismiss(&reason);
                    let (pid, name) = (connected.peer.credentials().pid, connected.name.clone());
                    self.refused(pid, &name, reason);
                }
            }
            ToHost::Retire { buffer } => connected.retire(buffer),
            ToHost::Frame(frame) => self.frame(number, frame),
            ToHost::Fallback { what, reason, cost } => self.fallback(what, reason, cost),
        }
    }

    fn frame(&mut self, number: u64, message: FrameMessage) {
        let Some(connected) = self.peers.get_mut(&number) else { return };
        let arrival = connected.arrive(message, clock_monotonic());
        // Dropped unread when nobody wants it.
        let Some(arrival) = arrival.filter(|_| self.watch.wants()) else { return };
        let key = StreamKey { peer: number, stream: arrival.stream };
        if arrival.resized {
            self.elect();
        }
        let main = self.watch.main() == Some(key);
        self.count(key, &arrival, main);
        if main && let Some(connected) = self.peers.get(&number) {
            let buffers = || connected.buffers_of(arrival.stream);
            self.watch.take(key, arrival.picture, arrival.replaceable, buffers);
        }
    }

    fn count(&mut self, key: StreamKey, arrival: &Arrival, main: bool) {
        let Some(connected) = self.peers.get_mut(&key.peer) else { return };
        let Some(stream) = connected.streams.get(&key.stream) else { return };
        let frame = &arrival.picture.frame;
        let mut report = self.shared.report();
        let place = stream.reported.unwrap_or(report.streams.len());
        if place == report.streams.len() && place < MAX_KEPT {
            report.streams.push(connected.report_of(stream, frame));
        }
        if let Some(line) = report.streams.get_mut(place) {
            let descriptor = frame.buffer().descriptor();
            (line.extent, line.fourcc) = (descriptor.extent, descriptor.fourcc);
            line.handover = handover(frame);
            line.frames += 1;
            line.frames_signaled += u64::from(is_signaled(frame));
            line.was_main |= main;
        }
        if main {
            report.frames_presented += 1;
            report.frames_unsent += arrival.unsent;
        } else {
            report.frames_of_other_streams += 1;
        }
        drop(report);
        if let Some(stream) = connected.streams.get_mut(&key.stream) {
            stream.reported = Some(place);
        }
    }

    fn elect(&mut self) {
        let streams = self.peers.iter().flat_map(|(peer, connected)| {
            connected.streams.iter().map(|(stream, found)| {
                (StreamKey { peer: *peer, stream: *stream }, found.opened, found.extent)
            })
        });
        self.watch.follow(elect(streams));
    }

    fn fallback(&mut self, what: Text, reason: Text, cost: Text) {
        if self.fallbacks.len() < MAX_FALLBACKS && self.fallbacks.insert((what, reason)) {
            self.shared.observer.fallback(Fallback {
                what: what.to_string().into(),
                reason: reason.to_string(),
                cost: cost.to_string().into(),
            });
        }
    }
}
