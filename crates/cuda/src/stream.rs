//! Work in order.

use std::any::Any;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::{RawStream, STREAM_NON_BLOCKING};
use crate::error::Fault;
use crate::event::Event;
use crate::symbols::Symbols;
use crate::{Device, Done, Error};

/// How long a stream that is dropped lets its work come to an end before it gives that up, and what
/// it uses with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A `CUstream`: copies, waits and signals, one after the other, beside the CPU.
///
/// What its work uses is kept until that is done: call [`submit`](Self::submit) after the last piece
/// of each picture. Any thread may add to it.
pub struct Stream {
    device: Arc<Device>,
    raw: RawStream,
    state: Mutex<State>,
}

type Kept = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
struct State {
    /// What the work since the last `submit` uses.
    using: Vec<Kept>,
    /// What earlier work uses, until the event.
    pending: VecDeque<(Arc<Event>, Vec<Kept>)>,
    /// Every event there is; one that nobody else holds is free.
    events: Vec<Arc<Event>>,
}

impl Stream {
    /// A stream that does not wait for the default one.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn new(device: &Arc<Device>) -> Result<Arc<Self>, Error> {
        let mut raw = RawStream::NULL;
        device.call(
            || "create a stream".into(),
            // SAFETY: `raw` is writable.
            |symbols| unsafe { symbols.stream_create(&mut raw, STREAM_NON_BLOCKING) },
        )?;
        Ok(Arc::new(Self { device: Arc::clone(device), raw, state: Mutex::default() }))
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// `CUstream`, for a library that takes it. Valid as long as `self`.
    pub fn raw(&self) -> RawStream {
        self.raw
    }

    /// Ends a piece of work: what it used is kept until the moment that is returned.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn submit(&self) -> Result<Done, Error> {
        let mut state = self.state();
        state.reap();
        let event = state.event(&self.device)?;
        self.work(
            || "record an event".into(),
            // SAFETY: both are alive and of one context.
            |symbols, stream| unsafe { symbols.event_record(event.raw(), stream) },
        )?;
        let used = mem::take(&mut state.using);
        state.pending.push_back((Arc::clone(&event), used));
        Ok(Done(event))
    }

    /// What comes next happens after `done`, which may be of another stream.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn after(&self, done: &Done) -> Result<(), Error> {
        self.work(
            || "wait for another stream".into(),
            // SAFETY: both are alive; 0 is the only flag.
            |symbols, stream| unsafe { symbols.stream_wait_event(stream, done.0.raw(), 0) },
        )?;
        self.keep(Arc::clone(&done.0));
        Ok(())
    }

    /// Keeps `what` until the work up to the next [`submit`](Self::submit) is done.
    pub fn keep(&self, what: Arc<impl Any + Send + Sync>) {
        self.state().using.push(what);
    }

    pub(crate) fn work(
        &self,
        doing: impl Fn() -> String,
        call: impl FnOnce(&Symbols, RawStream) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        self.device.call(doing, |symbols| call(symbols, self.raw))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets go of what work used that is done. What cannot be asked about is kept.
    fn reap(&mut self) {
        while self.pending.front().is_some_and(|(event, _)| event.is_reached().unwrap_or(false)) {
            self.pending.pop_front();
        }
    }

    /// A free event.
    fn event(&mut self, device: &Arc<Device>) -> Result<Arc<Event>, Error> {
        if let Some(free) = self.events.iter().find(|event| Arc::strong_count(event) == 1) {
            return Ok(Arc::clone(free));
        }
        let event = Event::new(device)?;
        self.events.push(Arc::clone(&event));
        Ok(event)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let done = self.submit().and_then(|done| done.wait("the last work of a stream", PATIENCE));
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if done.is_err() {
            // The device may use it for ever, so nobody may free it.
            mem::take(&mut state.using).into_iter().for_each(mem::forget);
            let left = mem::take(&mut state.pending).into_iter().flat_map(|(_, kept)| kept);
            left.for_each(mem::forget);
        }
        // SAFETY: ours; work that is left is done before it goes ("cuStreamDestroy").
        self.device.free(|symbols| unsafe { symbols.stream_destroy(self.raw) });
    }
}
