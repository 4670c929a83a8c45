//! What becomes of each picture: which stream is watched, what waits, and what goes home unread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use zerohop_frame::{Damage, Kept};

use crate::Overflow;
use crate::election::StreamKey;
use crate::line::Picture;
use crate::shared::Shared;

/// Follows the main stream.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    overflow: Overflow,
    main: Option<StreamKey>,
    /// A replaceable picture whose time has not come.
    held: Option<(StreamKey, Picture)>,
    count: Count,
}

/// How the pipeline's sequence goes on where the main stream changes.
#[derive(Default)]
struct Count {
    /// The last that the pipeline knows.
    last: Option<u64>,
    /// What to add to the stream's own sequence, modulo 2^64.
    offset: u64,
    /// Whether the stream is new.
    begins: bool,
}

impl Count {
    /// The pipeline's sequence for a stream's own: the same for the first stream, and counting on
    /// from there for each later one.
    fn next(&mut self, sequence: u64) -> u64 {
        if std::mem::take(&mut self.begins) {
            self.offset = self.last.map_or(0, |last| last.wrapping_add(1).wrapping_sub(sequence));
        }
        let next = sequence.wrapping_add(self.offset);
        self.last = Some(next);
        next
    }
}

impl Watch {
    pub(crate) fn new(shared: Arc<Shared>, overflow: Overflow) -> Self {
        Self { shared, overflow, main: None, held: None, count: Count::default() }
    }

    /// Whether a producer waits rather than a picture is lost.
    pub(crate) fn keeps_all(&self) -> bool {
        !matches!(self.overflow, Overflow::DropOldest { .. })
    }

    /// Whether the sink keeps time for the producers.
    pub(crate) fn is_paced(&self) -> bool {
        self.overflow == Overflow::Paced
    }

    /// The stream whose pictures the pipeline gets.
    pub(crate) fn main(&self) -> Option<StreamKey> {
        self.main
    }

    /// Whether the last picture that the pipeline got, or will get of those that wait, is of the stream.
    pub(crate) fn shows(&self, stream: StreamKey) -> bool {
        self.main == Some(stream) && !self.count.begins
    }

    /// Watches `main` from now on. Pictures that wait are given out all the same. Returns whether that is
    /// another.
    pub(crate) fn follow(&mut self, main: Option<StreamKey>) -> bool {
        let changes = self.main != main;
        if changes {
            self.main = main;
            self.count.begins = true;
        }
        changes
    }

    /// Takes a picture of the main stream. `buffers` tells how many buffers the stream has and how
    /// many of them are out.
    pub(crate) fn take(
        &mut self,
        key: StreamKey,
        mut picture: Picture,
        replaceable: bool,
        buffers: impl FnOnce() -> (usize, usize),
    ) {
        let begins = self.count.begins;
        let sequence = self.count.next(picture.frame.info().sequence);
        picture.frame.renumber(sequence);
        if begins {
            picture.frame.widen_damage(&Damage::Unknown);
        }
        self.settle_held(key, &mut picture);
        let waits = replaceable && picture.frame.info().timestamp > picture.received;
        let excess = self.excess(buffers(), !waits);
        self.shed(excess, &mut picture);
        if waits {
            self.held = Some((key, picture));
        } else {
            self.push(picture);
        }
    }

    /// Takes in pictures of the main stream that equal the one before them, which it [shows](Self::shows).
    pub(crate) fn keep(&mut self, kept: Kept) {
        // They are newer than one that is held, and the same.
        self.pass_held();
        let sequence = self.count.next(kept.sequence);
        self.shared.with_line(|line| line.keep(Kept { sequence, ..kept }));
    }

    /// When the held picture is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.held.as_ref().map(|(_, held)| held.frame.info().timestamp)
    }

    /// Lets the held picture join the line when its time has come.
    pub(crate) fn pass_time(&mut self, now: Duration) {
        if self.deadline().is_some_and(|due| due <= now) {
            self.pass_held();
        }
    }

    /// No picture follows.
    pub(crate) fn end(&mut self) {
        self.pass_held();
        self.shared.with_line(|line| line.end());
    }

    fn pass_held(&mut self) {
        if let Some((_, held)) = self.held.take() {
            self.push(held);
        }
    }

    /// Replaces the held picture by `newer`, unless its time has come first.
    fn settle_held(&mut self, key: StreamKey, newer: &mut Picture) {
        let Some((of, held)) = self.held.take() else { return };
        if of != key || held.frame.info().timestamp <= newer.received {
            return self.push(held);
        }
        newer.frame.widen_damage(&held.frame.info().damage);
        self.shared.report().frames_replaced += 1;
    }

    fn push(&mut self, picture: Picture) {
        self.shared.with_line(|line| line.push(picture));
    }

    /// How many of those that wait must go, so that the producer has a buffer to draw into.
    fn excess(&self, (buffers, out): (usize, usize), joins: bool) -> usize {
        let Overflow::DropOldest { waiting } = self.overflow else { return 0 };
        let length = self.shared.with_line(|line| line.len()) + usize::from(joins);
        let starving = out.saturating_sub(buffers.saturating_sub(1).max(1));
        starving.max(length.saturating_sub(waiting.max(1)))
    }

    fn shed(&self, excess: usize, newer: &mut Picture) {
        if excess == 0 {
            return;
        }
        let shed = self.shared.with_line(|line| line.shed(excess, Some(newer)));
        self.shared.report().frames_dropped += shed.len() as u64;
        for lost in shed {
            let why = "the pipeline is slower than the application";
            self.shared.observer.dropped(lost.frame.info().sequence, why);
        }
    }

    /// Whether pictures are wanted.
    pub(crate) fn wants(&self) -> bool {
        !self.shared.stopped.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_counts_on_over_streams() {
        let mut count = Count { begins: true, ..Count::default() };
        assert_eq!([count.next(7), count.next(8)], [7, 8]);
        count.begins = true;
        assert_eq!([count.next(1), count.next(4)], [9, 12]);
        count.begins = true;
        assert_eq!([count.next(u64::MAX), count.next(3)], [13, 17]);
    }
}
