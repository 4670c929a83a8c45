//! A clock that rings once.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// Rings some time after it is [`set`](Self::set), unless that is taken back. Any thread may set it,
/// and one waits for it.
///
/// # References
///
/// `timerfd_create(2)`.
#[derive(Debug)]
pub struct Alarm(OwnedFd);

impl Alarm {
    /// One that is not set.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` without a free descriptor.
    pub fn new() -> io::Result<Self> {
        Ok(Self(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?))
    }

    /// Rings after `delay`, and not at the time that was set before.
    pub fn set(&self, delay: Duration) {
        // A delay of zero would take it back.
        self.arm(delay.max(Duration::from_nanos(1)));
    }

    /// Does not ring, nor has it rung.
    pub fn take_back(&self) {
        self.arm(Duration::ZERO);
    }

    /// Sleeps until it rings.
    ///
    /// # Errors
    ///
    /// Whatever `read(2)` reports; `EINTR` is retried.
    pub fn wait(&self) -> io::Result<()> {
        loop {
            match rustix::io::read(&self.0, &mut [0; 8]) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    fn arm(&self, delay: Duration) {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = Timespec::try_from(delay).unwrap_or(zero);
        let time = Itimerspec { it_interval: zero, it_value };
        // A valid time and descriptor leave nothing to go wrong ("timerfd_settime", ERRORS).
        let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &time);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_last_time_that_was_set_counts() {
        let alarm = Alarm::new().unwrap();
        let begin = Instant::now();
        alarm.set(Duration::ZERO);
        alarm.take_back();
        alarm.set(Duration::from_secs(3600));
        alarm.set(Duration::from_millis(20));
        alarm.wait().unwrap();
        let took = begin.elapsed();
        assert!((Duration::from_millis(20)..Duration::from_secs(60)).contains(&took), "{took:?}");
    }
}
