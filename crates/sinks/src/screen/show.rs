//! The thread that waits for the screen.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::{Fallback, Frame, Observer, Stage};
use zerohop_kernel::clock_monotonic;

use super::{Line, SharedScreen, lock};
use crate::Error;

/// Pictures that may fail one after the other before the screen counts as broken.
const MAX_FAILURES: u32 = 8;

/// How long the last pictures may take, once no more come.
const LAST: Duration = Duration::from_secs(2);

/// Everything that the thread owns.
pub(super) struct Show {
    screen: SharedScreen,
    /// Its descriptor, to wait without the lock.
    card: OwnedFd,
    line: Arc<Line>,
    observer: Arc<dyn Observer>,
    period: Duration,
    /// When the picture on its way to the screen came.
    came: Duration,
    failures: u32,
    /// While the screen is lost: when the next picture is due all the same.
    lost: Option<Duration>,
}

impl Show {
    pub(super) fn new(
        screen: SharedScreen,
        line: Arc<Line>,
        observer: Arc<dyn Observer>,
    ) -> io::Result<Self> {
        let period = lock(&screen).mode().period();
        let card = lock(&screen).as_fd().try_clone_to_owned()?;
        let (came, failures, lost) = (Duration::ZERO, 0, None);
        Ok(Self { screen, card, line, observer, period, came, failures, lost })
    }

    /// Runs until all is shown after the end, or the screen is broken.
    pub(super) fn run(mut self) -> Result<(), Error> {
        let mut last = None;
        loop {
            self.look()?;
            let busy = lock(&self.screen).is_busy();
            let now = clock_monotonic();
            if !busy {
                self.next(now)?;
            }
            if self.line.ended.load(Ordering::Acquire) {
                let last = *last.get_or_insert(now + LAST);
                let left = self.line.with_queue(|queue| queue.first().is_some());
                let done = !left && !lock(&self.screen).is_busy();
                if done || last <= now {
                    return Ok(());
                }
            }
            self.wait();
        }
    }

    /// Takes note of a picture that has come on the screen.
    fn look(&mut self) -> Result<(), Error> {
        let event = lock(&self.screen).poll_event();
        match event {
            Ok(None) => Ok(()),
            Ok(Some(shown)) => {
                self.observer.span(shown.sequence, Stage::Show, self.came, shown.at);
                Ok(())
            }
            Err(err) => self.fail(err),
        }
    }

    /// Shows the next picture whose time has come.
    fn next(&mut self, now: Duration) -> Result<(), Error> {
        if self.due().is_none_or(|due| due > now) {
            return Ok(());
        }
        let next = self.line.with_queue(|queue| queue.pop());
        let Some((frame, came)) = next else { return Ok(()) };
        let sequence = frame.info().sequence;
        let shown = lock(&self.screen).show(Arc::clone(&frame));
        match shown {
            Ok(()) => {
                (self.came, self.failures, self.lost) = (came, 0, None);
                Ok(())
            }
            // Not complete yet, and the screen does not wait for it.
            Err(zerohop_kms::Error::Busy) => {
                self.line.with_queue(|queue| queue.put_back(frame, came));
                Ok(())
            }
            Err(err) => {
                self.observer.dropped(sequence, "the screen did not show it");
                self.fail(err)
            }
        }
    }

    /// When there is something to show.
    fn due(&self) -> Option<Duration> {
        let due = self.line.with_queue(|queue| queue.due(self.period))?;
        Some(self.lost.map_or(due, |lost| due.max(lost)))
    }

    /// A screen that is lost may come back: until then pictures go by at its rate.
    fn fail(&mut self, err: zerohop_kms::Error) -> Result<(), Error> {
        use zerohop_kms::Error as Kms;
        let begins = self.lost.is_none();
        self.lost = Some(clock_monotonic() + self.period);
        if matches!(err, Kms::Lost { .. } | Kms::Stuck { .. }) {
            if begins {
                let cost = "pictures are not seen until it is back".into();
                self.observer.fallback(Fallback {
                    what: "screen".into(),
                    reason: text(&err),
                    cost,
                });
            }
            return Ok(());
        }
        self.failures += 1;
        match self.failures {
            MAX_FAILURES.. => Err(Error::Screen { failures: self.failures, source: err }),
            _ => Ok(()),
        }
    }

    /// Waits for the screen, for a picture, or for the time of one.
    fn wait(&self) {
        let first = self.line.with_queue(|queue| queue.first().cloned());
        let busy = lock(&self.screen).is_busy();
        let fence = first.as_deref().and_then(|frame: &Frame| frame.acquire().sync_file());
        let fence = fence.map(AsFd::as_fd);
        let takes_fences = lock(&self.screen).takes_fences();
        let fence = fence.filter(|_| !busy && !takes_fences);
        let deadline = match (busy, &fence) {
            (true, _) => lock(&self.screen).deadline(),
            (false, None) => self.due(),
            // Looked at again now and then, should the fence be broken.
            (false, Some(_)) => self.due().map(|due| due.max(clock_monotonic() + self.period)),
        };
        let ended = self.line.ended.load(Ordering::Acquire).then(|| clock_monotonic() + LAST);
        let until = deadline.into_iter().chain(ended).min();
        let left = until.map(|until| until.saturating_sub(clock_monotonic()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = vec![
            PollFd::new(&self.card, PollFlags::IN),
            PollFd::new(&self.line.bell, PollFlags::IN),
        ];
        fds.extend(fence.map(|fence| PollFd::from_borrowed_fd(fence, PollFlags::IN)));
        // A failure is `EINTR`, and then there is something to do.
        let _ = poll(&mut fds, timeout.as_ref());
        self.line.bell.clear();
    }
}

/// An error with its cause, in one line.
fn text(err: &zerohop_kms::Error) -> String {
    match std::error::Error::source(err) {
        Some(cause) => format!("{err}: {cause}"),
        None => err.to_string(),
    }
}
