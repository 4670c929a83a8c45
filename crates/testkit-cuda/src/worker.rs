//! Streams: threads that do what they are told, in order.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::plan::Plan;

type Work = Box<dyn FnOnce() + Send>;

/// A stream's thread. It ends after its last work once this is dropped.
pub(crate) struct Worker(Sender<Work>);

impl Worker {
    pub(crate) fn start() -> Option<Self> {
        let (sender, receiver) = channel::<Work>();
        let slow = Plan::get().slow;
        let thread = thread::Builder::new().name("fake cuda".into()).spawn(move || {
            for work in receiver {
                thread::sleep(slow);
                work();
            }
        });
        thread.ok().map(|_| Self(sender))
    }

    pub(crate) fn give(&self, work: impl FnOnce() + Send + 'static) {
        // The thread ends when we are dropped, not before.
        let _ = self.0.send(Box::new(work));
    }
}
