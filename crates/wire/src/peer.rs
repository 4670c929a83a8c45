//! The host's end of one connection.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{DeviceId, SyncPoint, Timeline, TimelineId};
use zerohop_kernel::{Credentials, Socket, clock_monotonic, process_lives};

use crate::{
    Error, HELLO_TIMEOUT, HostDisplay, MAX_DEVICES, MAX_MESSAGE, MAX_STEP, MAX_TIMELINES, Point,
    Rate, Session, SharedTimeline, StreamId, ToHost, ToProducer, VERSION, Violation, WireBufferId,
    WireTimelineId, memory, points, text,
};

/// A producer, as the host sees it. One thread polls; any thread may release.
#[derive(Debug)]
pub struct Peer {
    socket: Socket,
    credentials: Credentials,
    since: Duration,
    /// What the producer is told of where pictures are shown.
    display: Option<HostDisplay>,
    /// And of whose timelines are taken.
    devices: ArrayVec<DeviceId, MAX_DEVICES>,
    state: Mutex<State>,
    ended: Condvar,
}

/// What polling and releasing share.
#[derive(Debug)]
struct State {
    session: Session,
    /// What the producer has no room for, oldest first: releases, at most one for each of its buffers,
    /// since a buffer stays out until its release is sent; the timelines that those name; and of each
    /// stream at most that it does not stand still, and that it does since.
    unsent: VecDeque<ToProducer>,
    /// Our timelines that the producer knows, or will before what names them.
    told: BTreeMap<TimelineId, WireTimelineId>,
    last_told: u32,
    /// Nothing can be sent any more; what the producer said before may still be heard.
    deaf: bool,
    /// Nothing is heard any more.
    over: bool,
    /// The producer has taken its buffers back.
    reclaimed: bool,
    /// It is over because the producer ended, and left its buffers as they are.
    left: bool,
}

impl Peer {
    /// The host's end of a connected socket, of a host without a display.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the socket does not say who is at the other end.
    pub fn over(socket: Socket) -> Result<Self, Error> {
        Self::new(socket, None, ArrayVec::new())
    }

    /// As [`over`](Self::over), of a host that may have a display, and takes timelines of `devices`.
    ///
    /// # Errors
    ///
    /// As [`over`](Self::over).
    pub fn new(
        socket: Socket,
        display: Option<HostDisplay>,
        devices: ArrayVec<DeviceId, MAX_DEVICES>,
    ) -> Result<Self, Error> {
        let credentials = socket
            .peer()
            .map_err(|source| Error::Io { doing: "ask who the producer is", source })?;
        let session = Session::new(Rate::HOST);
        let (state, ended) = (Mutex::new(State::new(session)), Condvar::new());
        Ok(Self { socket, credentials, since: clock_monotonic(), display, devices, state, ended })
    }

    /// Who connected.
    pub fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// When (`CLOCK_MONOTONIC`) the producer is late with its `Hello`: then [`poll`](Self::poll)
    /// refuses it. `None` once it has said it.
    pub fn hello_deadline(&self) -> Option<Duration> {
        (!self.state().session.is_greeted()).then(|| self.since + HELLO_TIMEOUT)
    }

    /// Whether the connection is up. Asks the socket itself, which knows before
    /// [`poll`](Self::poll) has heard all that the producer said before it went: as long as the
    /// answer is yes, the producer has not taken back any buffer.
    pub fn is_connected(&self) -> bool {
        self.socket.is_connected()
    }

    /// Whether the producer's process has ended and left its buffers to us as they are. Waits until
    /// [`poll`](Self::poll) has heard its last words, and says `false` when `timeout` passed first.
    pub fn has_left(&self, timeout: Duration) -> bool {
        let waited = self.ended.wait_timeout_while(self.state(), timeout, |state| !state.over);
        waited.unwrap_or_else(PoisonError::into_inner).0.left
    }

    /// How many memory objects the producer's buffers have.
    pub fn objects(&self) -> usize {
        self.state().session.objects()
    }

    /// The next message, or `None` when there is none. Never blocks. It is valid: what it names
    /// exists, its memory is of the kind and the size it says, its numbers are within the limits.
    /// `Hello` is answered here.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the producer went, [`Error::Violation`] when it broke a rule; it was
    /// told. The connection is over either way.
    pub fn poll(&self) -> Result<Option<ToHost>, Error> {
        if self.state().over {
            return Err(Error::Closed);
        }
        let mut bytes = [0; MAX_MESSAGE];
        let received = self.socket.receive(&mut bytes);
        let received = match received.map_err(|err| Error::of_socket("hear the producer", err)) {
            Err(Error::Full) => return self.check_silence(),
            Err(Error::Violation(violation)) => return Err(self.refuse(violation)),
            Err(other) => return Err(self.end(other)),
            Ok(received) if received.length == 0 => {
                let mut state = self.state();
                // One that goes on may not know that it must reclaim first.
                let ended = !process_lives(self.credentials.pid);
                state.left = ended && !state.reclaimed && !state.over;
                self.end_locked(&mut state);
                return Err(Error::Closed);
            }
            Ok(received) => received,
        };
        let message = ToHost::decode(&bytes[..received.length], received.fds);
        match message.and_then(|message| self.accept(message)) {
            Ok(message) => Ok(Some(message)),
            Err(violation) => Err(self.refuse(violation)),
        }
    }

    /// Sends the picture in `buffer` home: the buffer may be written once all of `after` are
    /// reached. Never blocks, and loses nothing: what the producer has no room for waits here,
    /// see [`has_unsent`](Self::has_unsent).
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the producer is gone, which makes the release unnecessary;
    /// [`Error::Invalid`] when the picture is not out, or for a timeline of a device of which the
    /// producer has none.
    pub fn release(
        &self,
        buffer: WireBufferId,
        sequence: u64,
        after: Vec<SyncPoint>,
    ) -> Result<(), Error> {
        let after = points::join(after).map_err(|err| self.end(err))?;
        let mut state = self.state();
        if state.deaf {
            return Err(Error::Closed);
        }
        if !state.session.is_out(buffer, sequence) {
            return Err(Error::Invalid(Violation::NotOut { buffer: buffer.0, sequence }));
        }
        let after = after.into_iter().map(|point| state.name(point)).collect::<Result<_, _>>();
        let after = after.inspect_err(|_| self.end_locked(&mut state))?;
        state.unsent.push_back(ToProducer::Release { buffer, sequence, after });
        self.send_waiting(&mut state)
    }

    /// Tells a producer whose pictures are kept for long that the host is alive. Never blocks; a
    /// producer that has no room for it has enough to read.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the producer is gone.
    pub fn reassure(&self) -> Result<(), Error> {
        match self.send(&ToProducer::Busy) {
            Ok(()) | Err(Error::Full) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Tells the producer whether an open stream stands still as far as the host can tell, see
    /// [`ToProducer::Still`]. That it does is said each time, that it does not only where it was said to. Never
    /// blocks; a producer of version 1, and one that has closed the stream, is not told.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the producer is gone.
    pub fn say_still(&self, stream: StreamId, still: bool) -> Result<(), Error> {
        let mut state = self.state();
        if state.deaf {
            return Err(Error::Closed);
        }
        match state.session.is_still(stream) {
            Some(told) if still || told => {}
            _ => return Ok(()),
        }
        let message = ToProducer::Still { stream, still };
        // A 0 makes all that waits pointless. A 1 does not: who missed the 0 would keep what the host lacks.
        let is_stale = |waiting: &ToProducer| match waiting {
            ToProducer::Still { stream: of, still: was } => *of == stream && (*was || !still),
            _ => false,
        };
        state.unsent.retain(|waiting| !is_stale(waiting));
        state.session.note_answer(&message);
        state.unsent.push_back(message);
        self.send_waiting(&mut state)
    }

    /// Whether releases wait for the socket to become writable; call [`flush`](Self::flush) then.
    pub fn has_unsent(&self) -> bool {
        !self.state().unsent.is_empty()
    }

    /// Sends what waits, as far as there is room.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the producer is gone.
    pub fn flush(&self) -> Result<(), Error> {
        self.send_waiting(&mut self.state())
    }

    /// Tells the producer the rule that it broke, and ends the connection. Returns that as the
    /// error that it is.
    pub fn refuse(&self, violation: Violation) -> Error {
        self.dismiss(&violation.to_string());
        Error::Violation(violation)
    }

    /// Tells the producer why the host ends the connection, and ends it.
    pub fn dismiss(&self, reason: &str) {
        let refused = ToProducer::Refused { reason: text(reason) };
        // Whoever does not read has no use for the reason.
        let _ = self.send(&refused);
        self.close();
    }

    /// Ends the connection without a reason: the host goes, and the producer did nothing wrong.
    pub fn close(&self) {
        self.end_locked(&mut self.state());
    }

    fn accept(&self, message: ToHost) -> Result<ToHost, Violation> {
        let now = clock_monotonic();
        let mut state = self.state();
        state.session.check(&message, now)?;
        match &message {
            ToHost::Announce { descriptor, memory, .. } => memory::check(descriptor, memory)?,
            ToHost::Frame(frame) => memory::check_point(&frame.acquire)?,
            ToHost::Timeline(shared) => memory::check_timeline(shared)?,
            ToHost::Hello { version, .. } => self.welcome(&mut state, *version),
            ToHost::Reclaim => state.reclaimed = true,
            _ => {}
        }
        state.session.note(&message, now);
        Ok(message)
    }

    fn welcome(&self, state: &mut State, version: u32) {
        let (version, display) = (version.min(VERSION), self.display.clone());
        let welcome = ToProducer::Welcome { version, display };
        let devices = ToProducer::Devices { devices: self.devices.clone() };
        for message in [welcome, devices].into_iter().take(version.min(2) as usize) {
            // The first messages fit, or the producer is gone, which the next poll will find.
            let _ = self.send(&message);
            state.session.note_answer(&message);
        }
    }

    fn check_silence(&self) -> Result<Option<ToHost>, Error> {
        match self.hello_deadline() {
            Some(deadline) if clock_monotonic() >= deadline => {
                Err(self.refuse(Violation::Silent(HELLO_TIMEOUT)))
            }
            _ => Ok(None),
        }
    }

    fn send_waiting(&self, state: &mut State) -> Result<(), Error> {
        while let Some(message) = state.unsent.front() {
            match self.send(message) {
                Ok(()) => {}
                Err(Error::Full) => return Ok(()),
                Err(other) => {
                    state.deaf = true;
                    state.unsent.clear();
                    return Err(other);
                }
            }
            match state.unsent.pop_front() {
                // Noted when it was said: a later word may wait.
                Some(ToProducer::Still { .. }) | None => {}
                // Under the same lock as `accept`: the producer's answer finds the buffer at home.
                Some(message) => state.session.note_answer(&message),
            }
        }
        Ok(())
    }

    fn send(&self, message: &ToProducer) -> Result<(), Error> {
        let packet = message.encode().map_err(Error::Invalid)?;
        let sent = self.socket.send(&packet.bytes, &packet.fds);
        sent.map_err(|err| Error::of_socket("speak to the producer", err))
    }

    fn end(&self, why: Error) -> Error {
        self.end_locked(&mut self.state());
        why
    }

    fn end_locked(&self, state: &mut State) {
        (state.deaf, state.over) = (true, true);
        state.unsent.clear();
        self.socket.shut_down();
        self.ended.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(session: Session) -> Self {
        Self {
            session,
            unsent: VecDeque::new(),
            told: BTreeMap::new(),
            last_told: 0,
            deaf: false,
            over: false,
            reclaimed: false,
            left: false,
        }
    }

    /// The point as the producer knows it; a timeline that it does not know is told first.
    fn name(&mut self, point: SyncPoint) -> Result<Point, Error> {
        match point {
            SyncPoint::Timeline { which, value } => {
                let timeline = match self.told.get(&which.id()) {
                    Some(told) if !self.is_far(*told, value) => *told,
                    _ => self.tell(&which, value)?,
                };
                Ok(Point::Timeline { timeline, value })
            }
            other => other.try_into().map_err(Error::Invalid),
        }
    }

    /// Whether `value` is so far beyond what was said of `timeline` that it must be said anew: nothing
    /// was released to this producer for long.
    fn is_far(&self, timeline: WireTimelineId, value: u64) -> bool {
        self.session.hosts().check(timeline).is_ok_and(|farthest| value > farthest + MAX_STEP)
    }

    fn tell(&mut self, which: &Timeline, value: u64) -> Result<WireTimelineId, Error> {
        if !self.session.hosts().takes(which.device()) {
            let what = "a timeline to a producer that has none of its device";
            return Err(Error::Invalid(Violation::Unsendable(what)));
        }
        let full = self.told.len() == MAX_TIMELINES;
        let oldest = self.told.keys().next().copied().filter(|_| full);
        for old in oldest.into_iter().chain([which.id()]) {
            if let Some(timeline) = self.told.remove(&old) {
                self.unsent.push_back(ToProducer::RetireTimeline { timeline });
            }
        }
        let fd = which.as_fd().try_clone_to_owned();
        let fd = fd.map_err(|source| Error::Io { doing: "duplicate a timeline", source })?;
        self.last_told += 1;
        let timeline = WireTimelineId(self.last_told);
        self.told.insert(which.id(), timeline);
        let device = which.device();
        let shared = SharedTimeline { timeline, value, device, fd };
        self.unsent.push_back(ToProducer::Timeline(shared));
        Ok(timeline)
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
