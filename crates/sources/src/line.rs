//! The pictures that wait for the pipeline.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{Frame, Kept};
use zerohop_wire::Copies;

use crate::home::Home;

/// A picture that arrived.
pub(crate) struct Picture {
    pub(crate) frame: Frame,
    pub(crate) home: Arc<Home>,
    /// When it arrived (`CLOCK_MONOTONIC`).
    pub(crate) received: Duration,
    /// What it cost its producer.
    pub(crate) copies: Copies,
}

/// What the pipeline is told of, in order.
// Pictures are what waits most of the time.
#[allow(clippy::large_enum_variant, reason = "pictures are what waits most of the time")]
pub(crate) enum Waiting {
    /// A picture.
    Picture(Picture),
    /// Pictures that equal the one before them.
    Kept(Kept),
}

/// First come, first served; what cannot wait is given back oldest first.
#[derive(Default)]
pub(crate) struct Line {
    waiting: VecDeque<Waiting>,
    ended: bool,
}

impl Line {
    /// Lets `picture` wait.
    pub(crate) fn push(&mut self, picture: Picture) {
        self.waiting.push_back(Waiting::Picture(picture));
    }

    /// Lets the word wait that the last one was presented again.
    pub(crate) fn keep(&mut self, kept: Kept) {
        match self.waiting.back_mut() {
            Some(Waiting::Kept(last)) => *last = Kept { count: last.count + kept.count, ..kept },
            _ => self.waiting.push_back(Waiting::Kept(kept)),
        }
    }

    /// Takes out the oldest `count`, whose damage the next one in line takes over. `next` is one
    /// that is about to join.
    pub(crate) fn shed(&mut self, count: usize, next: Option<&mut Picture>) -> Vec<Picture> {
        let mut shed = Vec::new();
        let mut stays = VecDeque::new();
        for waiting in self.waiting.drain(..) {
            match waiting {
                Waiting::Picture(picture) if shed.len() < count => shed.push(picture),
                other => stays.push_back(other),
            }
        }
        self.waiting = stays;
        if let Some(heir) = self.pictures().next().or(next) {
            for lost in shed.iter().rev() {
                heir.frame.widen_damage(&lost.frame.info().damage);
            }
        }
        shed
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.waiting.pop_front()
    }

    /// How many pictures wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.iter().filter(|waiting| matches!(waiting, Waiting::Picture(_))).count()
    }

    /// Whether nothing will be told any more.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.waiting.is_empty()
    }

    fn pictures(&mut self) -> impl Iterator<Item = &mut Picture> {
        self.waiting.iter_mut().filter_map(|waiting| match waiting {
            Waiting::Picture(picture) => Some(picture),
            Waiting::Kept(_) => None,
        })
    }

    /// No picture joins any more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the pipeline has something to learn.
    pub(crate) fn is_worth_a_look(&self) -> bool {
        self.ended || !self.waiting.is_empty()
    }
}
