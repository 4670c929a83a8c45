//! The pictures that wait for the pipeline.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::Frame;
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

/// First come, first served; what cannot wait is given back oldest first.
#[derive(Default)]
pub(crate) struct Line {
    waiting: VecDeque<Picture>,
    ended: bool,
}

impl Line {
    /// Lets `picture` wait.
    pub(crate) fn push(&mut self, picture: Picture) {
        self.waiting.push_back(picture);
    }

    /// Takes out the oldest `count`, whose damage the next one in line takes over. `next` is one
    /// that is about to join.
    pub(crate) fn shed(&mut self, count: usize, next: Option<&mut Picture>) -> Vec<Picture> {
        let shed: Vec<_> = self.waiting.drain(..count.min(self.waiting.len())).collect();
        if let Some(heir) = self.waiting.front_mut().or(next) {
            for lost in shed.iter().rev() {
                heir.frame.widen_damage(&lost.frame.info().damage);
            }
        }
        shed
    }

    pub(crate) fn pop(&mut self) -> Option<Picture> {
        self.waiting.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
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
