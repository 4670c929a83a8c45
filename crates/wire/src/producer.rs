//! The producer's end. For the layer: it runs in somebody else's process, so it starts no thread,
//! never blocks, and a host that is gone, slow or wrong is an error to go on from.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use zerohop_frame::DeviceId;
use zerohop_kernel::{Socket, clock_monotonic};

use crate::{
    Error, MAX_MESSAGE, Rate, Session, ToHost, ToProducer, VERSION, Violation, WireTimelineId,
    memory, text,
};

/// A connection to a host.
#[derive(Debug)]
pub struct Producer {
    socket: Socket,
    session: Session,
    /// Whether the host has said which devices' timelines it takes.
    devices: bool,
    over: bool,
}

impl Producer {
    /// Connects to the host at `path` and says `Hello` as `name`. Never blocks. A host that is
    /// stopped is connected to as well, so do not count on one before [`is_welcome`].
    ///
    /// [`is_welcome`]: Self::is_welcome
    ///
    /// # Errors
    ///
    /// [`Error::Socket`] when nobody listens there or too many wait for the host.
    pub fn connect(path: &Path, name: &str) -> Result<Self, Error> {
        let socket = Socket::connect(path)
            .map_err(|source| Error::Socket { path: path.to_owned(), source })?;
        Self::over(socket, name)
    }

    /// The same over a socket that is connected already.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the other end is gone.
    pub fn over(socket: Socket, name: &str) -> Result<Self, Error> {
        let session = Session::new(Rate::PRODUCER);
        let mut producer = Self { socket, session, devices: false, over: false };
        producer.send(&ToHost::Hello { version: VERSION, name: text(name) })?;
        Ok(producer)
    }

    /// Whether the host has answered `Hello`, and said all that belongs to its answer. What is sent
    /// before waits in the socket.
    pub fn is_welcome(&self) -> bool {
        self.session.version().is_some_and(|version| version < 2 || self.devices)
    }

    /// Whether the host takes timelines of `device`: then it waits for them on the device.
    pub fn takes_timelines_of(&self, device: DeviceId) -> bool {
        self.session.host_takes(device)
    }

    /// Whether `value` is more than [`MAX_STEP`](crate::MAX_STEP) beyond what was said of `timeline`: then
    /// no picture may name it, and the timeline is to be retired and announced again.
    pub fn is_far(&self, timeline: WireTimelineId, value: u64) -> bool {
        self.session.producers().is_far(timeline, value)
    }

    /// Whether the connection is over, as far as [`poll`](Self::poll) has found out.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// How many pictures the host has and did not release yet.
    pub fn out(&self) -> usize {
        self.session.out()
    }

    /// Sends `message`, whole or not at all. Never blocks. The host gets duplicates of its
    /// descriptors.
    ///
    /// # Errors
    ///
    /// [`Error::Full`]: nothing was sent; drop the frame, and send anything else again later.
    /// [`Error::Invalid`]: nothing was sent, and the caller has a mistake. [`Error::Closed`]: the
    /// host is gone; [`poll`](Self::poll) gives its last words.
    pub fn send(&mut self, message: &ToHost) -> Result<(), Error> {
        if self.over {
            return Err(Error::Closed);
        }
        let now = clock_monotonic();
        self.session.check(message, now).map_err(|violation| match violation {
            Violation::Flood(_) => Error::Full,
            other => Error::Invalid(other),
        })?;
        let packet = message.encode().map_err(Error::Invalid)?;
        self.socket
            .send(&packet.bytes, &packet.fds)
            .map_err(|source| Error::of_socket("send to the host", source))?;
        self.session.note(message, now);
        Ok(())
    }

    /// Ends the connection, and with it the host's right to read: every buffer is the producer's
    /// again. None that is out may be written before this returns.
    ///
    /// Dropping the producer ends the connection as well. What the host had not read by then it
    /// still reads of streams that were closed before, and when the process ends.
    pub fn reclaim(&mut self) {
        if !self.over {
            // Finds room also where nothing else does, since the socket is given more for it. A
            // host that is gone need not hear it.
            self.socket.make_room();
            let packet = ToHost::Reclaim.encode();
            let _ = packet.map(|packet| self.socket.send(&packet.bytes, &packet.fds));
        }
        self.over = true;
        self.socket.shut_down();
    }

    /// The next message of the host, or `None` when there is none. Never blocks. `Refused` comes
    /// as an error.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], [`Error::Closed`], or [`Error::Violation`] when the host broke a rule.
    /// The connection is over: nothing will be released any more, and every buffer is the
    /// producer's again.
    pub fn poll(&mut self) -> Result<Option<ToProducer>, Error> {
        if self.over {
            return Err(Error::Closed);
        }
        let result = self.receive();
        if result.is_err() {
            self.reclaim();
        }
        result
    }

    fn receive(&mut self) -> Result<Option<ToProducer>, Error> {
        let mut bytes = [0; MAX_MESSAGE];
        let received = self.socket.receive(&mut bytes);
        let received = match received.map_err(|err| Error::of_socket("hear the host", err)) {
            Err(Error::Full) => return Ok(None),
            other => other?,
        };
        if received.length == 0 {
            return Err(Error::Closed);
        }
        let message = ToProducer::decode(&bytes[..received.length], received.fds);
        self.accept(message.map_err(Error::Violation)?).map(Some)
    }

    fn accept(&mut self, message: ToProducer) -> Result<ToProducer, Error> {
        if let ToProducer::Release { after, .. } = &message {
            after.iter().try_for_each(memory::check_point).map_err(Error::Violation)?;
        }
        self.session.check_answer(&message).map_err(Error::Violation)?;
        match &message {
            ToProducer::Devices { .. } if self.devices => {
                return Err(Error::Violation(Violation::Twice("devices")));
            }
            ToProducer::Devices { .. } => self.devices = true,
            ToProducer::Refused { reason } => return Err(Error::Refused(reason.to_string())),
            ToProducer::Timeline(shared) => {
                memory::check_timeline(shared).map_err(Error::Violation)?;
            }
            _ => {}
        }
        self.session.note_answer(&message);
        Ok(message)
    }
}

impl AsFd for Producer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
