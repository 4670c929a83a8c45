//! The host's end of one connection.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::SyncPoint;
use zerohop_kernel::{Credentials, Socket, SyncFile, clock_monotonic, process_lives};

use crate::{
    Error, HELLO_TIMEOUT, HostDisplay, MAX_MESSAGE, MAX_POINTS, Rate, Session, ToHost, ToProducer,
    VERSION, Violation, WireBufferId, memory, text,
};

/// A producer, as the host sees it. One thread polls; any thread may release.
#[derive(Debug)]
pub struct Peer {
    socket: Socket,
    credentials: Credentials,
    since: Duration,
    /// What the producer is told of where pictures are shown.
    display: Option<HostDisplay>,
    state: Mutex<State>,
    ended: Condvar,
}

/// What polling and releasing share.
#[derive(Debug)]
struct State {
    session: Session,
    /// Releases that the producer has no room for, oldest first. At most one for each of its
    /// buffers, since a buffer stays out until its release is sent.
    unsent: VecDeque<ToProducer>,
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
        Self::new(socket, None)
    }

    /// As [`over`](Self::over), of a host that may have a display.
    pub(crate) fn new(socket: Socket, display: Option<HostDisplay>) -> Result<Self, Error> {
        let credentials = socket
            .peer()
            .map_err(|source| Error::Io { doing: "ask who the producer is", source })?;
        let session = Session::new(Rate::HOST);
        let unsent = VecDeque::new();
        let state =
            State { session, unsent, deaf: false, over: false, reclaimed: false, left: false };
        let (state, ended) = (Mutex::new(state), Condvar::new());
        Ok(Self { socket, credentials, since: clock_monotonic(), display, state, ended })
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
    /// [`Error::Invalid`] when the picture is not out.
    pub fn release(
        &self,
        buffer: WireBufferId,
        sequence: u64,
        after: Vec<SyncPoint>,
    ) -> Result<(), Error> {
        let after = join(after).map_err(|err| self.end(err))?;
        let mut state = self.state();
        if state.deaf {
            return Err(Error::Closed);
        }
        if !state.session.is_out(buffer, sequence) {
            return Err(Error::Invalid(Violation::NotOut { buffer: buffer.0, sequence }));
        }
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
            ToHost::Hello { version, .. } => self.welcome(*version),
            ToHost::Reclaim => state.reclaimed = true,
            _ => {}
        }
        state.session.note(&message, now);
        Ok(message)
    }

    fn welcome(&self, version: u32) {
        let display = self.display.clone();
        let welcome = ToProducer::Welcome { version: version.min(VERSION), display };
        // The first message fits, or the producer is gone, which the next poll will find.
        let _ = self.send(&welcome);
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
            if let Some(ToProducer::Release { buffer, sequence, .. }) = state.unsent.pop_front() {
                // Under the same lock as `accept`: the producer's answer finds the buffer at home.
                state.session.release(buffer, sequence).map_err(Error::Invalid)?;
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

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Leaves out what is reached already, and merges what does not fit into a message.
fn join(after: Vec<SyncPoint>) -> Result<ArrayVec<SyncPoint, MAX_POINTS>, Error> {
    let mut files: Vec<Arc<SyncFile>> = Vec::new();
    for point in after {
        match point {
            SyncPoint::Signaled => {}
            SyncPoint::SyncFile(file) if files.len() < MAX_POINTS => files.push(file),
            SyncPoint::SyncFile(file) => {
                let merged = files[MAX_POINTS - 1].merge(&file);
                files[MAX_POINTS - 1] = Arc::new(merged.map_err(unmerged)?);
            }
            _ => return Err(Error::Invalid(Violation::Unsendable("this kind of sync point"))),
        }
    }
    Ok(files.into_iter().map(SyncPoint::SyncFile).collect())
}

fn unmerged(source: std::io::Error) -> Error {
    Error::Io { doing: "merge two fences", source }
}
