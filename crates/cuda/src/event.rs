//! Moments of a stream.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::abi::{EVENT_DISABLE_TIMING, NOT_READY, RawEvent};
use crate::{Device, Error};

/// A `CUevent` without a clock.
pub(crate) struct Event {
    device: Arc<Device>,
    raw: RawEvent,
}

/// How long a wait asks again and again before it lets other threads run: about what a small copy
/// takes.
const SPIN: Duration = Duration::from_micros(50);

/// How long it sleeps between two questions then.
const NAP: Duration = Duration::from_micros(50);

impl Event {
    pub(crate) fn new(device: &Arc<Device>) -> Result<Arc<Self>, Error> {
        let mut raw = RawEvent::NULL;
        device.call(
            || "create an event".into(),
            // SAFETY: `raw` is writable.
            |symbols| unsafe { symbols.event_create(&mut raw, EVENT_DISABLE_TIMING) },
        )?;
        Ok(Arc::new(Self { device: Arc::clone(device), raw }))
    }

    pub(crate) fn raw(&self) -> RawEvent {
        self.raw
    }

    /// Whether the stream has come to where it was recorded.
    pub(crate) fn is_reached(&self) -> Result<bool, Error> {
        let mut ready = true;
        self.device.call(
            || "ask how far a stream is".into(),
            // SAFETY: the event is alive.
            |symbols| match unsafe { symbols.event_query(self.raw) } {
                Err(fault) if fault.code() == Some(NOT_READY) => {
                    ready = false;
                    Ok(())
                }
                done => done,
            },
        )?;
        Ok(ready)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours. One that is not reached yet is freed when it is ("cuEventDestroy").
        self.device.free(|symbols| unsafe { symbols.event_destroy(self.raw) });
    }
}

/// A moment of a stream: when everything that was given to it before is done.
#[must_use = "the work may still be running"]
pub struct Done(pub(crate) Arc<Event>);

impl Done {
    /// Whether it has come.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when the work broke off.
    pub fn is_reached(&self) -> Result<bool, Error> {
        self.0.is_reached()
    }

    /// Waits on the CPU until it has come. `what` names the work, should `limit` pass before.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], [`Error::Lost`].
    pub fn wait(&self, what: &'static str, limit: Duration) -> Result<(), Error> {
        let begin = Instant::now();
        while !self.is_reached()? {
            match begin.elapsed() {
                waited if waited >= limit => return Err(Error::Timeout { what, limit }),
                waited if waited < SPIN => std::hint::spin_loop(),
                _ => thread::sleep(NAP),
            }
        }
        Ok(())
    }
}
