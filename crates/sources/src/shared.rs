//! What the source, its thread and the frames on their way have in common.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zerohop_frame::Observer;
use zerohop_kernel::{Eventfd, clock_monotonic};

use crate::Report;
use crate::line::Line;

/// Locks are held for a few instructions, and never while a frame is dropped.
pub(crate) struct Shared {
    line: Mutex<Line>,
    /// When the line became worth a look, in ns of `CLOCK_MONOTONIC`.
    news: AtomicU64,
    report: Mutex<Report>,
    /// Rung while the line is worth a look, once somebody has asked for it.
    ready: Eventfd,
    heeded: AtomicBool,
    /// Wakes whoever hears the producers.
    pub(crate) wake: Eventfd,
    pub(crate) observer: Arc<dyn Observer>,
    /// No more pictures are wanted.
    pub(crate) stopped: AtomicBool,
    /// The application has exited: when its last producer goes, there will be no other.
    pub(crate) exited: AtomicBool,
    /// The first producer is the only one.
    pub(crate) takes_one: AtomicBool,
    /// The source is gone, the thread must end.
    pub(crate) closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> std::io::Result<Self> {
        Ok(Self {
            line: Mutex::default(),
            news: AtomicU64::new(0),
            report: Mutex::default(),
            ready: Eventfd::new()?,
            heeded: AtomicBool::new(false),
            wake: Eventfd::new()?,
            observer,
            stopped: AtomicBool::new(false),
            exited: AtomicBool::new(false),
            takes_one: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// Does `work` on the line, then rings or silences the bell to match.
    pub(crate) fn with_line<T>(&self, work: impl FnOnce(&mut Line) -> T) -> T {
        let mut line = self.line();
        let before = line.is_worth_a_look();
        let result = work(&mut line);
        match (before, line.is_worth_a_look()) {
            (false, true) => {
                let now = u64::try_from(clock_monotonic().as_nanos()).unwrap_or(u64::MAX);
                self.news.store(now, Ordering::Relaxed);
                if self.heeded.load(Ordering::Relaxed) {
                    self.ready.ring();
                }
            }
            (true, false) if self.heeded.load(Ordering::Relaxed) => drop(self.ready.clear()),
            _ => {}
        }
        result
    }

    /// Polls readable while the line is worth a look. Who waits in [`Duty::hear`](crate::duty::Duty) needs
    /// no bell: it is rung from the first call on.
    pub(crate) fn readiness(&self) -> BorrowedFd<'_> {
        let line = self.line();
        // Under the line's lock, so that no bell is missed.
        if !self.heeded.swap(true, Ordering::Relaxed) && line.is_worth_a_look() {
            self.ready.ring();
        }
        self.ready.as_fd()
    }

    /// Whether the line is worth a look.
    pub(crate) fn has_news(&self) -> bool {
        self.line().is_worth_a_look()
    }

    /// When the line last became worth a look; at the beginning of time if it never was.
    pub(crate) fn last_news(&self) -> Duration {
        Duration::from_nanos(self.news.load(Ordering::Relaxed))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets `flag` and wakes whoever is to see it.
    pub(crate) fn tell(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Release);
        self.wake.ring();
    }
}
