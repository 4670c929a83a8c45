//! The thread that waits for bitstreams.
//!
//! An encoder that goes while its chip does not answer leaves the pictures with this thread: they are
//! the chip's until it has given every bitstream back, however long that takes.

use std::any::Any;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::Error;
use crate::bitstream::{Bitstream, Content};

/// Called, from the thread, when something came.
pub(crate) type Notify = Box<dyn Fn() + Send>;

/// Pictures that the chip may be reading.
pub(crate) type Left = Box<dyn Any + Send>;

/// A bitstream with what was in it.
pub(crate) type Filled = (Bitstream, Result<Content, Error>);

/// Waits for one bitstream after the other, in the order in which they were given to it.
pub(crate) struct Retriever {
    given: Option<Sender<Bitstream>>,
    filled: Receiver<Filled>,
    notify: Sender<Notify>,
    left: Sender<Left>,
    thread: Option<JoinHandle<()>>,
}

impl Retriever {
    pub(crate) fn start() -> Result<Self, Error> {
        let (given, work) = channel();
        let (sender, filled) = channel();
        let (notify, notifies) = channel();
        let (left, held) = channel();
        let body = move || {
            // What was left goes when every bitstream has come.
            let _held: Receiver<Left> = held;
            wait(work, &sender, &notifies);
        };
        let thread = Builder::new().name("nvenc".into()).spawn(body).map_err(Error::Thread)?;
        Ok(Self { given: Some(given), filled, notify, left, thread: Some(thread) })
    }

    /// Has `notify` called from now on.
    pub(crate) fn set_notify(&self, notify: Notify) {
        // Without a thread there is nobody to call it.
        let _ = self.notify.send(notify);
    }

    /// Hands over a bitstream that the encoder is going to fill.
    pub(crate) fn give(&self, bitstream: Bitstream) {
        if let Some(given) = &self.given {
            // The thread lives as long as `given`.
            let _ = given.send(bitstream);
        }
    }

    /// The next one that was filled, if there is one within `limit`.
    pub(crate) fn take(&self, limit: Duration) -> Option<Filled> {
        self.filled.recv_timeout(limit).ok()
    }

    /// Keeps `pictures` until every bitstream that was handed over has come, and for ever if that is
    /// how long it takes.
    pub(crate) fn keep(&self, pictures: Left) {
        // The thread lives as long as it waits for one.
        let _ = self.left.send(pictures);
    }

    /// Ends the thread, which has nothing to wait for any more.
    pub(crate) fn join(&mut self) {
        self.given = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn wait(given: Receiver<Bitstream>, filled: &Sender<Filled>, notifies: &Receiver<Notify>) {
    let mut notify: Option<Notify> = None;
    for mut bitstream in given {
        let content = bitstream.take();
        if filled.send((bitstream, content)).is_err() {
            // The encoder has gone. The chip reads pictures until the last bitstream has come.
            continue;
        }
        notify = notifies.try_iter().last().or(notify);
        if let Some(notify) = &notify {
            notify();
        }
    }
}
