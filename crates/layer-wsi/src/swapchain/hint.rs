//! Whether the host has asked to look at the pictures of a stream.

use std::sync::atomic::{AtomicU64, Ordering};

/// An asking of the host's, by a number that no other one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asking(u64);

/// The asking that holds, if one does. The host's messages set it, which are heard under the lock of
/// the connection; whoever finds that looking is of no use any more ends it.
#[derive(Debug, Default)]
pub(crate) struct Hint(AtomicU64);

/// Of none.
const NONE: u64 = 0;

impl Hint {
    /// The asking that holds.
    pub(crate) fn now(&self) -> Option<Asking> {
        Some(self.0.load(Ordering::Acquire)).filter(|number| *number != NONE).map(Asking)
    }

    /// The host asks. One that asks again means what it meant.
    pub(crate) fn ask(&self) {
        static NEXT: AtomicU64 = AtomicU64::new(NONE + 1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let _ = self.0.compare_exchange(NONE, number, Ordering::AcqRel, Ordering::Acquire);
    }

    /// It asks no more, or is gone, or cannot be answered.
    pub(crate) fn end(&self) {
        self.0.store(NONE, Ordering::Release);
    }

    /// The same of this asking; of a newer one not.
    pub(crate) fn end_of(&self, asking: Asking) {
        let _ = self.0.compare_exchange(asking.0, NONE, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asking_ends_once_and_the_next_one_is_another() {
        let hint = Hint::default();
        assert_eq!(hint.now(), None);
        hint.ask();
        let first = hint.now().unwrap();
        hint.ask();
        assert_eq!(hint.now(), Some(first), "asked twice, meant once");
        hint.end();
        hint.ask();
        let second = hint.now().unwrap();
        assert_ne!(first, second);
        hint.end_of(first);
        assert_eq!(hint.now(), Some(second));
        hint.end_of(second);
        assert_eq!(hint.now(), None);
    }
}
