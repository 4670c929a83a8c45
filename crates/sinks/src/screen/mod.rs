//! On a screen, without a display server.

mod queue;
mod show;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use zerohop_frame::{BoxError, Fourcc, Frame, FrameSink, Modifier, Observer};
use zerohop_kernel::{Eventfd, clock_monotonic};
use zerohop_kms::Screen;

use crate::Error;
use queue::Queue;
use show::Show;

/// A screen that one thread shows pictures on, while another asks what it takes.
pub type SharedScreen = Arc<Mutex<Screen>>;

/// Shows every picture at a vblank of its own, in the memory that it came in: pictures that the
/// screen does not [accept](Screen::accepts) must not come here. A thread of its own waits for the
/// screen.
///
/// A picture goes home when the next one has taken its place, so a producer that waits for its
/// buffers runs at the screen's rate.
pub struct ScreenSink {
    formats: Vec<(Fourcc, Modifier)>,
    line: Arc<Line>,
    observer: Arc<dyn Observer>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// What the two threads have in common.
pub(crate) struct Line {
    queue: Mutex<Queue>,
    bell: Eventfd,
    ended: AtomicBool,
}

impl Line {
    fn with_queue<T>(&self, work: impl FnOnce(&mut Queue) -> T) -> T {
        work(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ScreenSink {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`Error::Thread`].
    pub fn start(screen: &SharedScreen, observer: Arc<dyn Observer>) -> Result<Self, Error> {
        let name = "screen";
        let bell = Eventfd::new().map_err(|source| Error::Thread { name, source })?;
        let (queue, ended) = (Mutex::default(), AtomicBool::new(false));
        let line = Arc::new(Line { queue, bell, ended });
        let formats = lock(screen).formats().to_vec();
        let show = Show::new(Arc::clone(screen), Arc::clone(&line), Arc::clone(&observer))
            .map_err(|source| Error::Thread { name, source })?;
        let thread = Builder::new().name(name.into()).spawn(move || show.run());
        let thread = thread.map_err(|source| Error::Thread { name, source })?;
        Ok(Self { formats, line, observer, thread: Some(thread) })
    }

    /// Lets the thread show what waits. Its result, the first time.
    fn end(&mut self) -> Result<(), Error> {
        self.line.ended.store(true, Ordering::Release);
        self.line.bell.ring();
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(ended) => ended.unwrap_or(Err(Error::Panicked { name: "screen" })),
        }
    }
}

fn lock(screen: &Mutex<Screen>) -> std::sync::MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FrameSink for ScreenSink {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &self.formats
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            self.end()?;
            return Err(Error::Ended { sequence: frame.info().sequence }.into());
        }
        let replaced = self.line.with_queue(|queue| queue.push(frame, clock_monotonic()));
        if let Some(replaced) = replaced {
            let why = match replaced.is_replaceable() {
                true => "a newer picture took its place",
                false => "too many pictures wait for the screen",
            };
            self.observer.dropped(replaced.info().sequence, why);
        }
        self.line.bell.ring();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(self.end()?)
    }
}

impl Drop for ScreenSink {
    fn drop(&mut self) {
        // Whoever leaves without asking does not hear how it went.
        let _ = self.end();
    }
}
