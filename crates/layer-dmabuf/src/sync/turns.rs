//! Whose turn it is with each queue: a queue is externally synchronized, and the application does not
//! know that we use it as well.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use ash::vk::{self, Handle as _};

/// The queues that somebody is calling with; the null handle stands for all.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<HashSet<vk::Queue>>,
    over: Condvar,
}

/// Keeps others off a queue, or off all, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    queue: vk::Queue,
}

impl Turns {
    /// Waits for `queue`, or for all of them for a null handle.
    pub(super) fn take(&self, queue: vk::Queue) -> Turn<'_> {
        let free = |taken: &HashSet<vk::Queue>| match queue.is_null() {
            true => taken.is_empty(),
            false => !taken.contains(&queue) && !taken.contains(&vk::Queue::null()),
        };
        let mut taken = self.lock();
        while !free(&taken) {
            taken = self.over.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        taken.insert(queue);
        Turn { turns: self, queue }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<vk::Queue>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.queue);
        self.turns.over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread::scope;

    use super::*;

    #[test]
    fn a_queue_has_one_caller_and_queues_do_not_wait_for_each_other() {
        let (turns, [a, b]) = (Turns::default(), [1, 2].map(vk::Queue::from_raw));
        let first = turns.take(a);
        drop(turns.take(b));
        scope(|scope| {
            let waiting = scope.spawn(|| drop(turns.take(vk::Queue::null())));
            assert!(!waiting.is_finished(), "all of them are not free");
            drop(first);
        });
        assert!(turns.lock().is_empty());
    }
}
