//! The source for everything that speaks the wire's protocol.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use zerohop_frame::{
    BoxError, DeviceId, Frame, FrameDescriptor, Observer, Source, SourceEvent, Stage,
};
use zerohop_wire::{HostDisplay, Listener};

use crate::duty::Duty;
use crate::io::Io;
use crate::line::{Picture, Waiting};
use crate::peers::count_copies;
use crate::shared::Shared;
use crate::{Error, Report};

/// Why a picture is dropped whose producer has ended the connection.
const TAKEN_BACK: &str = "the application took it back before it was read";

/// What becomes of a picture for which the pipeline has no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest that waits goes home unread, so the producer goes on at its pace. A producer
    /// with N buffers always has one of them back; the newest picture is never lost.
    DropOldest {
        /// The most pictures that wait, however many buffers there are. At least 1 waits.
        waiting: usize,
    },
    /// All wait, and a producer whose buffers all wait has to wait with them. For tests that count
    /// every picture. Replaceable ones are replaced all the same.
    Wait,
    /// As [`Wait`](Self::Wait), for a sink that keeps each picture until the next one has taken its
    /// place on a screen, so that producers need not keep time by themselves: say so with a
    /// [display](WireConfig::display) that paces. Once no more pictures are wanted they are sent
    /// away, since nobody keeps time for them any more.
    Paced,
}

impl Default for Overflow {
    fn default() -> Self {
        Self::DropOldest { waiting: 8 }
    }
}

/// How to open a [`WireSource`].
pub struct WireConfig {
    /// Where to listen. The folder must be this user's alone, and is made when it is not there.
    pub socket: PathBuf,
    /// What producers that draw on a whole display are shown, if anything.
    pub display: Option<HostDisplay>,
    /// The devices whose timelines are waited for on the device that reads the pictures: one of them is
    /// opened for pictures that come with one. The first four count.
    pub timelines: Vec<DeviceId>,
    /// What to do when the pipeline is slower than the producer.
    pub overflow: Overflow,
    /// Whether [`wait`](Source::wait) keeps a processor busy while pictures come, at 25 a second or more,
    /// instead of sleeping: to wake up takes its time.
    pub spin: bool,
    /// Who is told about spans, drops, and the producers' fallbacks.
    pub observer: Arc<dyn Observer>,
}

/// Pictures from other processes. Owns a thread; see the crate's documentation.
pub struct WireSource {
    shared: Arc<Shared>,
    duty: Arc<Duty>,
    thread: Option<JoinHandle<()>>,
    format: Option<FrameDescriptor>,
    /// The picture whose format was just told.
    next: Option<Frame>,
}

/// Ends a [`WireSource`], and tells what it saw. From any thread, also when the source is gone.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

impl WireSource {
    /// Listens for producers.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when the path cannot be listened at, [`Error::Io`] without descriptors.
    pub fn open(config: WireConfig) -> Result<Self, Error> {
        let listener = Listener::bind(&config.socket).map_err(Error::Listen)?;
        let listener = match config.display {
            Some(display) => listener.showing_on(display),
            None => listener,
        };
        let listener = listener.taking_timelines_of(config.timelines);
        let shared = Shared::new(config.observer).map_err(Error::io("make an eventfd"))?;
        let shared = Arc::new(shared);
        let io = Io::new(listener, config.overflow, Arc::clone(&shared));
        let duty = Duty::new(io, Arc::clone(&shared), config.spin);
        let duty = duty.map_err(Error::io("make an alarm"))?;
        let own = Arc::clone(&duty);
        let thread = thread::Builder::new()
            .name("zerohop-wire".to_owned())
            .spawn(move || own.stand_by())
            .map_err(Error::io("start the wire's thread"))?;
        Ok(Self { shared, duty, thread: Some(thread), format: None, next: None })
    }

    /// The way to end it.
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.shared))
    }

    /// The next picture, marked as the pipeline's, or word of some that were kept.
    fn take(&mut self) -> Option<SourceEvent> {
        loop {
            match self.shared.with_line(|line| line.pop())? {
                Waiting::Kept(kept) => return Some(SourceEvent::Kept(kept)),
                Waiting::Picture(picture) if picture.frame.is_intact() => {
                    return Some(SourceEvent::Frame(self.deliver(picture)));
                }
                // What follows has another sequence, and is looked at as a whole.
                Waiting::Picture(lost) => {
                    self.shared.report().frames_dropped += 1;
                    self.shared.observer.dropped(lost.frame.info().sequence, TAKEN_BACK);
                }
            }
        }
    }

    fn deliver(&self, picture: Picture) -> Frame {
        picture.home.deliver();
        let info = picture.frame.info();
        let (sequence, presented) = (info.sequence, info.presented);
        let (stage, observer) = (Stage::PresentToHost, &self.shared.observer);
        observer.span(sequence, stage, presented.min(picture.received), picture.received);
        count_copies(&picture.frame, picture.copies, &**observer);
        picture.frame
    }
}

impl Source for WireSource {
    fn poll_event(&mut self) -> Result<Option<SourceEvent>, BoxError> {
        if let Some(frame) = self.next.take() {
            return Ok(Some(SourceEvent::Frame(frame)));
        }
        let frame = match self.take() {
            Some(SourceEvent::Frame(frame)) => frame,
            None => {
                let over = self.shared.with_line(|line| line.is_over());
                return Ok(over.then_some(SourceEvent::Ended));
            }
            other => return Ok(other),
        };
        let format = frame.buffer().descriptor();
        if self.format.as_ref() == Some(format) {
            return Ok(Some(SourceEvent::Frame(frame)));
        }
        let format = format.clone();
        self.format = Some(format.clone());
        self.next = Some(frame);
        Ok(Some(SourceEvent::Format(format)))
    }

    fn readiness(&self) -> BorrowedFd<'_> {
        self.shared.readiness()
    }

    fn wait(&mut self, stop: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> io::Result<()> {
        self.duty.hear(stop, timeout);
        Ok(())
    }
}

impl Drop for WireSource {
    fn drop(&mut self) {
        self.next = None;
        self.duty.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was printed there.
            let _ = thread.join();
        }
        while let Some(picture) = self.shared.with_line(|line| line.pop()) {
            drop(picture);
        }
    }
}

impl Control {
    /// Takes no more pictures: those that wait are still given out, then
    /// [`SourceEvent::Ended`]. Producers go on, and get their pictures back unread.
    pub fn stop(&self) {
        self.0.tell(&self.0.stopped);
    }

    /// Says that the application has exited: once its last producer is gone and the last picture
    /// was given out, the source ends.
    pub fn application_exited(&self) {
        self.0.tell(&self.0.exited);
    }

    /// Says that the first producer is the only one: with it the source ends, as if the application
    /// had exited.
    pub fn take_one(&self) {
        self.0.tell(&self.0.takes_one);
    }

    /// Whether no more pictures will join.
    pub fn has_ended(&self) -> bool {
        self.0.with_line(|line| line.has_ended())
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    /// What came in so far.
    pub fn report(&self) -> Report {
        self.0.report().clone()
    }
}
