//! What follows from what was seen of one picture after the other.
//!
//! A look compares a picture with the one that was looked at before it; the host has the one that it
//! was *sent* last. Both are the same picture as long as all that lay between was unchanged or sent.

use super::hint::{Asking, Hint};

/// After so many changed pictures in a row nobody looks any more.
const CHANGES: u32 = 2;

/// The looks at the pictures of one swapchain, in their order.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The picture that the host was sent and that the last look has seen, by its number, and the asking
    /// that it was sent for.
    reference: Option<(Asking, u64)>,
    /// The number of the last look.
    last: u64,
    /// Changed pictures in a row.
    changed: u32,
}

/// What a look has found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Its number: looks are counted as they are submitted.
    pub(super) number: u64,
    /// Whether the picture is the same as that of the look before.
    pub(super) same: bool,
    /// For which asking it was.
    pub(super) asking: Asking,
}

impl Chain {
    /// Whether the host has the picture that was `seen`, when the last that it got of the stream is picture
    /// `got`. Where the look before was not told of here, as its picture went another way or nowhere, nothing
    /// is known. Ends the asking when there is no use in looking.
    pub(super) fn may_keep(&mut self, seen: Seen, hint: &Hint, got: u64) -> bool {
        let follows = seen.number == self.last + 1;
        self.last = seen.number;
        self.reference = self.reference.filter(|(of, _)| follows && *of == seen.asking);
        let known = self.reference.is_some();
        self.changed = if seen.same || !known { 0 } else { self.changed + 1 };
        if self.changed >= CHANGES {
            self.changed = 0;
            hint.end_of(seen.asking);
        }
        seen.same && self.reference == Some((seen.asking, got))
    }

    /// The picture that was seen last was sent as picture `sequence`, or with `None` not: then the next one
    /// goes whatever it holds.
    pub(super) fn sent(&mut self, sequence: Option<u64>, asking: Asking) {
        self.reference = sequence.map(|sequence| (asking, sequence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain that was asked for, which numbers its looks.
    struct Looked {
        hint: Hint,
        asking: Asking,
        chain: Chain,
        number: u64,
    }

    impl Looked {
        fn new() -> Self {
            let hint = Hint::default();
            hint.ask();
            let asking = hint.now().unwrap();
            Self { hint, asking, chain: Chain::default(), number: 0 }
        }

        /// Whether a picture is kept when the host got picture `got` last.
        fn keeps(&mut self, same: bool, got: u64) -> bool {
            self.number += 1;
            let seen = Seen { number: self.number, same, asking: self.asking };
            self.chain.may_keep(seen, &self.hint, got)
        }

        fn sent(&mut self, sequence: impl Into<Option<u64>>) {
            self.chain.sent(sequence.into(), self.asking);
        }
    }

    #[test]
    fn the_first_look_has_nothing_to_compare_with() {
        let mut it = Looked::new();
        assert!(!it.keeps(true, 3));
        it.sent(4);
        assert!(it.keeps(true, 4));
        assert!(it.keeps(true, 4), "and so on");
    }

    #[test]
    fn what_another_swapchain_sent_in_between_is_what_the_host_has() {
        let mut it = Looked::new();
        it.keeps(true, 3);
        it.sent(4);
        assert!(!it.keeps(true, 5));
    }

    #[test]
    fn a_picture_that_was_not_sent_forces_the_next() {
        let mut it = Looked::new();
        it.keeps(true, 3);
        it.sent(4);
        assert!(!it.keeps(false, 4));
        it.sent(None);
        assert!(!it.keeps(true, 4), "the same as what nobody has");
        it.sent(6);
        assert!(it.keeps(true, 6));
    }

    #[test]
    fn a_look_that_nobody_told_of_forces_the_next() {
        let mut it = Looked::new();
        it.keeps(true, 3);
        it.sent(4);
        it.number += 1;
        assert!(!it.keeps(true, 4), "the same as what went nowhere");
    }

    #[test]
    fn another_asking_begins_anew() {
        let mut it = Looked::new();
        it.keeps(true, 3);
        it.sent(4);
        it.hint.end();
        it.hint.ask();
        it.asking = it.hint.now().unwrap();
        assert!(!it.keeps(true, 4));
    }

    #[test]
    fn two_changed_pictures_in_a_row_end_it_and_one_does_not() {
        let mut it = Looked::new();
        // The first says nothing.
        for (at, same) in [false, false, true, false].into_iter().enumerate() {
            it.keeps(same, at as u64);
            it.sent(at as u64 + 1);
            assert!(it.hint.now().is_some(), "after {at}");
        }
        it.keeps(false, 4);
        assert!(it.hint.now().is_none());
    }
}
