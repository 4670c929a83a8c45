//! Which queue signals a semaphore that may be exported: the only one on which a wait for it waits
//! for nothing that the semaphore does not wait for as well.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ash::vk;

/// Semaphores that were made to be exported, with the queue that was the last to signal each.
#[derive(Debug, Default)]
pub(super) struct Signals(Mutex<HashMap<vk::Semaphore, Option<vk::Queue>>>);

impl Signals {
    /// A new semaphore.
    pub(super) fn watch(&self, semaphore: vk::Semaphore) {
        self.all().insert(semaphore, None);
    }

    /// One that is destroyed.
    pub(super) fn forget(&self, semaphore: vk::Semaphore) {
        self.all().remove(&semaphore);
    }

    /// Work on `queue` will signal these.
    pub(super) fn note(&self, queue: vk::Queue, signaled: impl Iterator<Item = vk::Semaphore>) {
        let mut all = self.all();
        if all.is_empty() {
            return;
        }
        for semaphore in signaled {
            if let Some(known) = all.get_mut(&semaphore) {
                *known = Some(queue);
            }
        }
    }

    /// The queue that signals it, if one of the application's submissions does.
    pub(super) fn queue_of(&self, semaphore: vk::Semaphore) -> Option<vk::Queue> {
        self.all().get(&semaphore).copied().flatten()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<vk::Semaphore, Option<vk::Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ash::vk::Handle as _;

    use super::*;

    #[test]
    fn a_semaphore_is_known_by_the_last_queue_that_signals_it() {
        let signals = Signals::default();
        let [one, other] = [1, 2].map(vk::Semaphore::from_raw);
        let [a, b] = [3, 4].map(vk::Queue::from_raw);
        signals.watch(one);
        assert_eq!(signals.queue_of(one), None);
        signals.note(a, [one, other].into_iter());
        assert_eq!((signals.queue_of(one), signals.queue_of(other)), (Some(a), None));
        signals.note(b, [one].into_iter());
        assert_eq!(signals.queue_of(one), Some(b));
        signals.forget(one);
        assert_eq!(signals.queue_of(one), None);
    }
}
