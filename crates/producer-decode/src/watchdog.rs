//! Ends the program when FFmpeg does not come back: nothing else can, from outside of its code.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use zerohop_kernel::clock_monotonic;

/// How often it looks.
const BEAT: Duration = Duration::from_millis(50);

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doing {
    /// Something that has its own limits.
    Other,
    /// Opening a file or a device.
    Opening,
    /// Waiting for the file or the stream.
    Reading,
    /// Waiting for the decoder.
    Decoding,
    /// Waiting for a device that reads or copies a picture.
    Importing,
}

impl Doing {
    fn explain(self) -> &'static str {
        match self {
            Self::Other => "nothing",
            Self::Opening => "opening it",
            Self::Reading => "reading it",
            Self::Decoding => "decoding it",
            Self::Importing => "importing a picture",
        }
    }
}

/// Knows since when the program does what it does.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<State>);

struct State {
    doing: AtomicU8,
    since: AtomicU64,
}

impl Watchdog {
    /// Watches from now on. After `limit` in one thing, it calls `end` with the reason, once.
    pub(crate) fn start(
        limit: Duration,
        end: impl FnOnce(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let state = State { doing: AtomicU8::new(Doing::Other as u8), since: AtomicU64::new(0) };
        let dog = Self(Arc::new(state));
        let watched = dog.clone();
        let body = move || {
            let pulse = pulse();
            loop {
                thread::sleep(BEAT);
                // Whoever listens knows by it that we run. Nobody must, and a full pipe says as much.
                let _ = pulse.as_ref().map(|pulse| rustix::io::write(pulse, b"."));
                if let Some(doing) = watched.overdue(limit) {
                    let limit = limit.as_secs_f64();
                    return end(format!("no answer for {limit} s while {}", doing.explain()));
                }
            }
        };
        thread::Builder::new().name("watchdog".to_owned()).spawn(body)?;
        Ok(dog)
    }

    /// Does `work`, which is called `doing`, under watch.
    pub(crate) fn watch<T>(&self, doing: Doing, work: impl FnOnce() -> T) -> T {
        self.set(doing);
        let done = work();
        self.set(Doing::Other);
        done
    }

    fn set(&self, doing: Doing) {
        let now = u64::try_from(clock_monotonic().as_nanos()).unwrap_or(u64::MAX);
        self.0.since.store(now, Ordering::Release);
        self.0.doing.store(doing as u8, Ordering::Release);
    }

    fn overdue(&self, limit: Duration) -> Option<Doing> {
        let watched = [Doing::Opening, Doing::Reading, Doing::Decoding, Doing::Importing];
        let number = self.0.doing.load(Ordering::Acquire);
        let doing = watched.into_iter().find(|doing| *doing as u8 == number)?;
        let since = Duration::from_nanos(self.0.since.load(Ordering::Acquire));
        (clock_monotonic().saturating_sub(since) > limit).then_some(doing)
    }
}

/// Our standard input, if whoever started us made it a pipe that never waits: beats go there.
fn pulse() -> Option<OwnedFd> {
    let input = std::io::stdin();
    let input = input.as_fd();
    let flags = rustix::fs::fcntl_getfl(input).ok()?;
    let beats = flags.contains(rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK);
    beats.then(|| input.try_clone_to_owned().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_takes_too_long_is_named_and_what_comes_back_is_not() {
        let (said, heard) = channel();
        let end = move |why| said.send(why).unwrap();
        let dog = Watchdog::start(Duration::from_millis(300), end).unwrap();
        for _ in 0..8 {
            dog.watch(Doing::Reading, || thread::sleep(Duration::from_millis(1)));
        }
        thread::sleep(Duration::from_millis(500));
        assert!(heard.try_recv().is_err(), "waiting for a host is not watched");
        dog.watch(Doing::Decoding, || {
            let why = heard.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!(why, "no answer for 0.3 s while decoding it");
        });
    }
}
