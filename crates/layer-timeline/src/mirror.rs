//! Keeps a driver's timeline semaphore and a shared counter at the same value.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ash::vk;

use crate::Counter;
use crate::state::Device;

/// How long a thread may take to see that it is to end.
const BEAT: Duration = Duration::from_millis(5);

/// How late the others see a value: milliseconds in [`DELAY`](crate::DELAY).
fn delay() -> Duration {
    let given = std::env::var(crate::DELAY).ok().and_then(|given| given.parse().ok());
    Duration::from_millis(given.unwrap_or(0))
}

/// Two threads, one for each direction, until it is dropped. Whoever signals on either side, the
/// other follows; a value that is there already is signaled by nobody.
pub(crate) struct Mirror {
    counter: Arc<Counter>,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Mirror {
    /// Joins `semaphore`, a timeline of `device`, and `counter`. The semaphore is at the counter's
    /// value, or later, when this returns.
    pub(crate) fn new(
        device: &Arc<Device>,
        semaphore: vk::Semaphore,
        counter: Counter,
    ) -> io::Result<Self> {
        let counter = Arc::new(counter);
        let mut new =
            Self { counter: Arc::clone(&counter), ended: Arc::default(), threads: Vec::new() };
        device.raise(semaphore, counter.value());
        let (inward, outward) = (Arc::clone(device), Arc::clone(device));
        let (to, ended) = (Arc::clone(&counter), Arc::clone(&new.ended));
        let delay = delay();
        new.spawn(move || {
            let mut seen = to.value();
            while !ended.load(Ordering::Acquire) {
                outward.wait(semaphore, seen.saturating_add(1), BEAT);
                let now = outward.value(semaphore).max(seen);
                if now > seen {
                    thread::sleep(delay);
                }
                seen = now;
                to.raise(seen);
            }
        })?;
        let ended = Arc::clone(&new.ended);
        new.spawn(move || {
            let mut seen = 0_u64;
            while !ended.load(Ordering::Acquire) {
                if counter.wait(seen.saturating_add(1), BEAT) {
                    seen = counter.value();
                    inward.raise(semaphore, seen);
                }
            }
        })?;
        Ok(new)
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name("timeline".into()).spawn(work)?);
        Ok(())
    }

    /// The descriptor that stands for the timeline.
    pub(crate) fn export(&self) -> io::Result<OwnedFd> {
        self.counter.as_fd().try_clone_to_owned()
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A panic there was printed there.
            let _ = thread.join();
        }
    }
}
