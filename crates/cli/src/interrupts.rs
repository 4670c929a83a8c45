//! The signals that end a run.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::process::Signal;
use zerohop_kernel::Signals;

use crate::failure::Failure;

/// Signals that are heard instead of obeyed: those that end a run; the one that says that a child has
/// ended; and the one that would kill us for a file longer than allowed, which is as good as a full disk.
#[derive(Debug)]
pub(crate) struct Interrupts {
    signals: Signals,
    /// Whether the user does not want to wait.
    hurry: Cell<bool>,
}

impl Interrupts {
    /// Hears them from now on. To be called before there is another thread.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let ending = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];
        let signals: Vec<_> = ending.into_iter().chain([Signal::CHILD, Signal::XFSZ]).collect();
        let signals = Signals::catch(&signals)
            .map_err(|err| Failure::new("signals", err, "raise the limit on open files"))?;
        Ok(Self { signals, hurry: Cell::new(false) })
    }

    /// The next one that wants us to end.
    pub(crate) fn ending(&self) -> Option<Signal> {
        let ends = |signal: &Signal| ![Signal::CHILD, Signal::XFSZ].contains(signal);
        std::iter::from_fn(|| self.signals.poll_signal()).find(ends)
    }

    /// Whether another one came, or has come before.
    pub(crate) fn hurry(&self) -> bool {
        self.hurry.set(self.hurry.get() || self.ending().is_some());
        self.hurry.get()
    }
}

/// Polls readable while there is one to be heard.
impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}
