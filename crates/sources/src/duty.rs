//! Who hears the producers: the pipeline's thread while it has nothing else to do, so that a picture
//! wakes one thread and not two; and else the source's own.
//!
//! ```text
//!                the pipeline waits                      it has a picture
//! own thread ─────────────────────────► the pipeline's ───────────────────► nobody
//!     ▲                                        ▲                               │
//!     │                                        └───── within BUSY ─────────────┤
//!     └──────────────────────────────────────────────── later ─────────────────┘
//! ```

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zerohop_kernel::{Alarm, clock_monotonic};

use crate::io::Io;
use crate::shared::Shared;

/// How long nobody hears the producers while the pipeline works on a picture. Well below what any of
/// them notices, and above what most pictures take.
const BUSY: Duration = Duration::from_millis(2);

/// How long after a picture a pipeline that does not want to sleep looks for the next one: more than two
/// at 60 a second.
const AWAKE: Duration = Duration::from_millis(40);

/// See the module.
pub(crate) struct Duty {
    io: Mutex<Io>,
    shared: Arc<Shared>,
    /// Whether the pipeline is on duty, or about to be.
    taken: AtomicBool,
    /// Rings when the pipeline is busy for long.
    alarm: Alarm,
    /// Whether the pipeline looks for pictures and does not sleep.
    spins: bool,
}

impl Duty {
    /// # Errors
    ///
    /// As [`Alarm::new`].
    pub(crate) fn new(io: Io, shared: Arc<Shared>, spins: bool) -> io::Result<Arc<Self>> {
        let (io, taken) = (Mutex::new(io), AtomicBool::new(false));
        Ok(Arc::new(Self { io, shared, taken, alarm: Alarm::new()?, spins }))
    }

    /// What the source's thread does until the source is closed.
    pub(crate) fn stand_by(&self) {
        while !self.is_closed() {
            let mut io = self.lock();
            while !self.taken.load(Ordering::Acquire) && !self.is_closed() {
                io.turn(None, None);
            }
            drop(io);
            if !self.is_closed() && self.alarm.wait().is_err() {
                // Nobody would ever wake us again: look now and then.
                std::thread::sleep(BUSY);
            }
        }
        self.lock().close();
    }

    /// Hears the producers until there is something for the pipeline, `stop` polls readable or `timeout`
    /// has passed; may return before.
    pub(crate) fn hear(&self, stop: Option<BorrowedFd<'_>>, timeout: Option<Duration>) {
        let mut io = self.take();
        let begin = clock_monotonic();
        let limit = timeout.unwrap_or(Duration::MAX);
        while self.spins && !self.shared.has_news() {
            let now = clock_monotonic();
            let asleep = now >= self.shared.last_news() + AWAKE;
            if asleep || now.saturating_sub(begin) >= limit || io.turn(stop, Some(Duration::ZERO)) {
                break;
            }
        }
        let passed = clock_monotonic().saturating_sub(begin);
        if !self.shared.has_news() && passed < limit {
            io.turn(stop, timeout.map(|_| limit - passed));
        }
        drop(io);
        self.taken.store(false, Ordering::Release);
        self.alarm.set(BUSY);
    }

    /// The source is gone: its thread ends.
    pub(crate) fn close(&self) {
        self.shared.tell(&self.shared.closed);
        self.alarm.set(Duration::ZERO);
    }

    /// Relieves the source's thread, if that is on duty.
    fn take(&self) -> MutexGuard<'_, Io> {
        self.taken.store(true, Ordering::Release);
        self.alarm.take_back();
        if let Ok(io) = self.io.try_lock() {
            return io;
        }
        self.shared.wake.ring();
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Io> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }
}
