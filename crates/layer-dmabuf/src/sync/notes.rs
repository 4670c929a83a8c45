//! Which semaphores and fences hold a payload that was imported and has signaled.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Handles whose temporary payload is one that has signaled. The driver knows nothing of it: its
/// object still holds the permanent payload.
#[derive(Debug)]
pub(crate) struct Notes<H>(Mutex<HashSet<H>>);

impl<H: Eq + Hash + Copy> Notes<H> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashSet::new()))
    }

    /// An import: `handle` is signaled, until [`take`](Self::take).
    pub(crate) fn put(&self, handle: H) {
        self.all().insert(handle);
    }

    /// What ends the temporary payload: a wait operation, a reset, an export, an import of another,
    /// the end of the object. Says whether there was one.
    pub(crate) fn take(&self, handle: H) -> bool {
        self.all().remove(&handle)
    }

    /// Whether `handle` has one.
    pub(crate) fn has(&self, handle: H) -> bool {
        self.all().contains(&handle)
    }

    /// Whether nobody has one: the usual case, in which nothing is to be looked at.
    pub(crate) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    fn all(&self) -> MutexGuard<'_, HashSet<H>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_payload_is_used_up_once() {
        let notes = Notes::new();
        notes.put(7);
        assert!(notes.has(7) && !notes.has(8));
        assert!(notes.take(7));
        assert!(!notes.take(7) && notes.is_empty());
    }
}
