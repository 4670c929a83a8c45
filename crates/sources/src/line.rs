//! The pictures that wait for the pipeline.

use std::collections::VecDeque;
use std::mem;
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
        for waiting in mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Picture(picture) if shed.len() < count => shed.push(picture),
                Waiting::Picture(picture) => self.push(picture),
                // What was between it and the last ones may be gone.
                Waiting::Kept(kept) => self.keep(kept),
            }
        }
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

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{
        Color, Damage, Extent, Fallback, Fourcc, FrameDescriptor, FrameInfo, MemoryHandle,
        Modifier, Observer, PlaneLayout, SharedBuffer, Stage, SyncPoint,
    };
    use zerohop_kernel::Socket;
    use zerohop_wire::{Peer, StreamId, WireBufferId};

    use super::*;
    use crate::shared::Shared;

    struct Nobody;

    impl Observer for Nobody {
        fn span(&self, _: u64, _: Stage, _: Duration, _: Duration) {}
        fn cpu_copy(&self, _: u64, _: u64, _: &'static str) {}
        fn gpu_copy(&self, _: u64, _: &'static str) {}
        fn dropped(&self, _: u64, _: &'static str) {}
        fn fallback(&self, _: Fallback) {}
    }

    fn picture(home: &Arc<Home>, sequence: u64) -> Picture {
        let descriptor = FrameDescriptor {
            extent: Extent { width: 1, height: 1 },
            fourcc: Fourcc::XRGB8888,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 4 }]),
            color: Color::SRGB,
        };
        let memory = MemoryHandle::Shm(std::fs::File::open("/dev/null").expect("Linux").into());
        let buffer = SharedBuffer::new(descriptor, ArrayVec::from_iter([memory]));
        let info = FrameInfo {
            sequence,
            timestamp: Duration::ZERO,
            presented: Duration::ZERO,
            damage: Damage::Unknown,
        };
        let (buffer, way) = (buffer.expect("a buffer"), Arc::clone(home) as _);
        let frame = Frame::new(buffer, info, SyncPoint::Signaled, way);
        let (home, copies) = (Arc::clone(home), Copies::default());
        Picture { frame, home, received: Duration::ZERO, copies }
    }

    #[test]
    fn pictures_kept_around_one_that_was_shed_are_one_entry() {
        let (ours, _theirs) = Socket::pair().expect("Linux");
        let peer = Arc::new(Peer::over(ours).expect("a peer"));
        let shared = Arc::new(Shared::new(Arc::new(Nobody)).expect("an eventfd"));
        let home = Home::new(peer, StreamId(1), WireBufferId(1), shared);
        let mut line = Line::default();
        for round in 0..1000 {
            let mut next = picture(&home, 2 * round);
            drop(line.shed(1, Some(&mut next)));
            line.push(next);
            line.keep(Kept { count: 1, sequence: 2 * round + 1, timestamp: Duration::ZERO });
            assert!(line.waiting.len() <= 3, "{} entries after {round} rounds", line.waiting.len());
        }
        let Some(Waiting::Kept(kept)) = line.pop() else { panic!("it comes before the picture") };
        assert_eq!((kept.count, kept.sequence), (999, 1997));
        assert!(matches!(line.pop(), Some(Waiting::Picture(_))));
    }
}
