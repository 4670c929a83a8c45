//! Hearing the producers, turn by turn, in whichever thread is on duty.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, getrlimit};
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{Error, Listener, Text};

use crate::Overflow;
use crate::peers::Connected;
use crate::report::{MAX_KEPT, Refusal};
use crate::shared::Shared;
use crate::watch::Watch;

/// The most producers at a time.
const MAX_PEERS: usize = 64;

/// The most producers that come in before the others have their turn.
const ACCEPTS: usize = 16;

/// How often producers that have to wait are told that somebody is here. Well below the patience
/// of our own layer.
const BEAT: Duration = Duration::from_millis(100);

/// How long to wait for a free descriptor before the next producer is accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long producers stay after the end: most are ended by then.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything that whoever hears them needs.
pub(crate) struct Io {
    listener: Listener,
    pub(crate) shared: Arc<Shared>,
    pub(crate) watch: Watch,
    pub(crate) peers: BTreeMap<u64, Connected>,
    /// Producers so far.
    connected: u64,
    /// Streams so far.
    pub(crate) opened: u64,
    /// How many memory objects all producers may have.
    pub(crate) room: usize,
    accept_after: Option<Duration>,
    /// When producers that have to wait are told so again.
    reassure_at: Duration,
    pub(crate) fallbacks: BTreeSet<(Text, Text)>,
    ended: bool,
    /// When those are sent away that nobody keeps time for any more.
    away_at: Option<Duration>,
}

/// Which descriptors polled ready.
struct Ready {
    listener: bool,
    peers: Vec<u64>,
    /// What the caller waits for besides.
    also: bool,
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
            room: room(),
            accept_after: None,
            reassure_at: Duration::ZERO,
            fallbacks: BTreeSet::new(),
            ended: false,
            away_at: None,
        }
    }

    /// Ends every connection, as the source is gone.
    pub(crate) fn close(&self) {
        self.peers.values().for_each(|connected| connected.peer.close());
    }

    /// Waits for `limit` at most until somebody has something to say or `also` polls readable, and takes
    /// it in. Returns whether `also` does.
    pub(crate) fn turn(&mut self, also: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> bool {
        let ready = match self.wait(also, limit) {
            Ok(ready) => ready,
            // `EINTR`, or `ENOMEM`: in both cases the next try may do.
            Err(_) => return false,
        };
        // Read before accepting: what the application began before it exited is not missed.
        let exited = self.shared.exited.load(Ordering::Acquire);
        let all_in = if ready.listener || exited { self.accept() } else { true };
        for peer in ready.peers {
            self.hear(peer);
        }
        let now = clock_monotonic();
        self.watch.pass_time(now);
        self.reassure(now);
        let only_one = self.connected > 0 && self.shared.takes_one.load(Ordering::Acquire);
        let over = (exited || only_one) && all_in && self.peers.is_empty();
        if !self.ended && (over || !self.watch.wants()) {
            self.ended = true;
            self.watch.end();
        }
        if self.ended && self.watch.is_paced() {
            let at = *self.away_at.get_or_insert(now + FAREWELL);
            if at <= now {
                self.send_away();
            }
        }
        ready.also
    }

    /// Ends all connections: from here on producers have to keep time by themselves.
    fn send_away(&mut self) {
        for gone in std::mem::take(&mut self.peers).into_values() {
            gone.peer.dismiss("the screen shows no more pictures");
        }
    }

    /// Waits until somebody has something to say or some time has come.
    fn wait(&mut self, also: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> io::Result<Ready> {
        let now = clock_monotonic();
        let timeout = self.deadline().map(|at| at.saturating_sub(now));
        let timeout = timeout.into_iter().chain(limit).min();
        let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
        if self.accept_after.is_some_and(|after| after <= now) {
            self.accept_after = None;
        }
        let listens = if self.accept_after.is_none() { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = Vec::with_capacity(3 + self.peers.len());
        fds.push(PollFd::new(&self.shared.wake, PollFlags::IN));
        fds.push(PollFd::new(&self.listener, listens));
        fds.extend(self.peers.values().map(|connected| {
            let unsent = connected.peer.has_unsent();
            let room = if unsent { PollFlags::OUT } else { PollFlags::empty() };
            PollFd::new(&*connected.peer, PollFlags::IN | room)
        }));
        fds.extend(also.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        poll(&mut fds, timeout.as_ref())?;
        let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        if ready(&fds[0]) {
            self.shared.wake.clear();
        }
        let late = |connected: &Connected| {
            connected.peer.hello_deadline().is_some_and(|at| at <= clock_monotonic())
        };
        let peers = self.peers.iter().zip(&fds[2..]);
        let peers = peers.filter(|((_, connected), fd)| ready(fd) || late(connected));
        let peers = peers.map(|((peer, _), _)| *peer).collect();
        let also = also.is_some() && fds.last().is_some_and(ready);
        Ok(Ready { listener: ready(&fds[1]), peers, also })
    }

    /// When to look again though nobody says anything.
    fn deadline(&self) -> Option<Duration> {
        let hellos = self.peers.values().filter_map(|connected| connected.peer.hello_deadline());
        let waits = self.peers.values().any(|connected| self.must_wait(connected));
        let reassure = waits.then_some(self.reassure_at);
        let away = self.away_at.filter(|_| !self.peers.is_empty());
        let own = self.accept_after.into_iter().chain(reassure).chain(away);
        hellos.chain(self.watch.deadline()).chain(own).min()
    }

    /// Whether a producer may have to wait for its buffers, because no picture may be lost.
    fn must_wait(&self, connected: &Connected) -> bool {
        self.watch.keeps_all() && connected.has_pictures_out()
    }

    /// Tells producers that have to wait that somebody is here.
    fn reassure(&mut self, now: Duration) {
        if now < self.reassure_at {
            return;
        }
        self.reassure_at = now + BEAT;
        for connected in self.peers.values().filter(|connected| self.must_wait(connected)) {
            // A failure ends the connection, which the next poll finds.
            let _ = connected.peer.reassure();
        }
    }

    /// Takes in a turn's worth of producers. Returns whether that was all who wait.
    fn accept(&mut self) -> bool {
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok(None) => return true,
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
                    return false;
                }
            }
        }
        false
    }

    fn count_peer(&mut self) -> u64 {
        self.connected += 1;
        self.shared.report().peers = self.connected;
        self.connected
    }

    pub(crate) fn refused(&self, pid: u32, name: &str, reason: String) {
        let mut report = self.shared.report();
        report.refused_count += 1;
        if report.refused.len() < MAX_KEPT {
            report.refused.push(Refusal { pid, name: name.to_owned(), reason });
        }
    }
}

/// How many descriptors there are for memory objects and timelines: three of four, the rest is the pipeline's.
fn room() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).unwrap_or(usize::MAX).saturating_mul(3)
}
