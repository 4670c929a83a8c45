//! A thread that takes pictures from a short queue.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};

use crate::Error;

/// A thread and the queue that feeds it. The thread ends when the queue does, or by an error.
pub(crate) struct Worker<T> {
    name: &'static str,
    queue: Option<Arc<SyncSender<T>>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// Wakes a thread that waits for work, as long as its queue is there.
pub(crate) struct Poke<T>(Weak<SyncSender<T>>);

impl<T> Poke<T> {
    /// Queues `work`, unless the queue is full: then the thread is about to look anyway.
    pub(crate) fn poke(&self, work: T) {
        if let Some(queue) = self.0.upgrade() {
            let _ = queue.try_send(work);
        }
    }
}

impl<T: Send + 'static> Worker<T> {
    /// Starts `run` on a thread called `name`, with a queue of `waiting`.
    pub(crate) fn start(
        name: &'static str,
        waiting: usize,
        run: impl FnOnce(&Receiver<T>, Poke<T>) -> Result<(), Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (queue, work) = sync_channel(waiting);
        let queue = Arc::new(queue);
        let poke = Poke(Arc::downgrade(&queue));
        let thread = Builder::new().name(name.into()).spawn(move || run(&work, poke));
        let thread = thread.map_err(|source| Error::Thread { name, source })?;
        Ok(Self { name, queue: Some(queue), thread: Some(thread) })
    }

    /// Queues `work` of picture `sequence`; blocks while the queue is full. When the thread has
    /// ended: why, the first time, and that it has from then on.
    pub(crate) fn send(&mut self, sequence: u64, work: T) -> Result<(), Error> {
        let queue = self.queue.as_ref().ok_or(Error::Ended { sequence })?;
        if queue.send(work).is_ok() {
            return Ok(());
        }
        self.join()?;
        Err(Error::Ended { sequence })
    }

    /// Lets the thread finish its queue. Its result, the first time.
    pub(crate) fn join(&mut self) -> Result<(), Error> {
        self.queue = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(ended) => ended.unwrap_or(Err(Error::Panicked { name: self.name })),
        }
    }
}

impl<T> Drop for Worker<T> {
    /// What was queued is done, for whoever leaves without asking how it went.
    fn drop(&mut self) {
        self.queue = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_failed_says_so_once() {
        let mut worker = Worker::start("test", 1, |work: &Receiver<()>, _| {
            let _ = work.recv();
            Err(Error::Panicked { name: "something" })
        })
        .unwrap();
        worker.send(1, ()).unwrap();
        let mut said = Vec::new();
        while said.len() < 3 {
            said.extend(worker.send(2, ()).err().map(|err| err.to_string()));
        }
        let ended = "picture 2 came after the end of the recording";
        assert_eq!(said, ["the something thread panicked", ended, ended]);
        assert!(worker.join().is_ok());
    }

    #[test]
    fn a_thread_that_panics_is_an_error() {
        let mut worker =
            Worker::start("test", 1, |_: &Receiver<()>, _| panic!("on purpose")).unwrap();
        assert_eq!(worker.join().unwrap_err().to_string(), "the test thread panicked");
    }
}
