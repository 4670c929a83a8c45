//! The pictures that wait for a screen.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::Frame;

/// The most that wait. Producers have fewer buffers.
const MOST: usize = 64;

/// First come, first shown, each at its time. One that may be replaced makes way for a newer one.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<(Arc<Frame>, Duration)>,
}

impl Queue {
    /// Takes a picture that came at `now`. Returns the one that it replaces.
    pub(super) fn push(&mut self, frame: Arc<Frame>, now: Duration) -> Option<Arc<Frame>> {
        let replaces = self.waiting.back().is_some_and(|(last, _)| last.is_replaceable());
        let replaced = match () {
            () if replaces => self.waiting.pop_back(),
            () if self.waiting.len() >= MOST => self.waiting.pop_front(),
            () => None,
        };
        self.waiting.push_back((frame, now));
        replaced.map(|(frame, _)| frame)
    }

    /// When the first one is to be handed to a screen with a refresh every `period`, so that it is
    /// shown at its time.
    pub(super) fn due(&self, period: Duration) -> Option<Duration> {
        let (first, _) = self.waiting.front()?;
        Some(first.info().timestamp.saturating_sub(period))
    }

    /// The first one, which leaves, and when it came.
    pub(super) fn pop(&mut self) -> Option<(Arc<Frame>, Duration)> {
        self.waiting.pop_front()
    }

    /// Takes one back that could not be shown yet.
    pub(super) fn put_back(&mut self, frame: Arc<Frame>, came: Duration) {
        self.waiting.push_front((frame, came));
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<&Arc<Frame>> {
        self.waiting.front().map(|(frame, _)| frame)
    }
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{
        Color, Damage, Extent, Fourcc, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
        PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
    };

    use super::*;

    struct Nobody;

    impl Recycle for Nobody {
        fn recycle(&self, _: Release) {}
    }

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn frame(sequence: u64, timestamp: u64, replaceable: bool) -> Arc<Frame> {
        let descriptor = FrameDescriptor {
            extent: Extent { width: 1, height: 1 },
            fourcc: Fourcc::XRGB8888,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 4 }]),
            color: Color::SRGB,
        };
        let memory = MemoryHandle::Shm(std::fs::File::open("/dev/null").unwrap().into());
        let buffer = SharedBuffer::new(descriptor, ArrayVec::from_iter([memory])).unwrap();
        let (timestamp, presented) = (ms(timestamp), ms(0));
        let info = FrameInfo { sequence, timestamp, presented, damage: Damage::Unknown };
        let mut frame = Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody));
        frame.set_replaceable(replaceable);
        Arc::new(frame)
    }

    fn shown(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|(frame, _)| frame.info().sequence).collect()
    }

    #[test]
    fn pictures_that_may_not_be_replaced_are_all_shown_in_order() {
        let mut queue = Queue::default();
        assert!((1..=3).all(|n| queue.push(frame(n, 0, false), ms(0)).is_none()));
        assert_eq!(shown(&mut queue), [1, 2, 3]);
    }

    #[test]
    fn a_newer_picture_takes_the_place_of_one_that_lets_it() {
        let mut queue = Queue::default();
        assert!(queue.push(frame(1, 0, false), ms(0)).is_none());
        assert!(queue.push(frame(2, 0, true), ms(0)).is_none(), "1 keeps its place");
        let replaced = queue.push(frame(3, 0, true), ms(0)).unwrap();
        assert_eq!(replaced.info().sequence, 2);
        assert_eq!(shown(&mut queue), [1, 3]);
    }

    #[test]
    fn a_picture_waits_for_its_time() {
        let mut queue = Queue::default();
        assert_eq!(queue.due(ms(16)), None);
        queue.push(frame(1, 100, false), ms(0));
        assert_eq!(queue.due(ms(16)), Some(ms(84)), "in time for the vblank before");
    }

    #[test]
    fn a_producer_without_end_costs_no_more_than_so_much() {
        let mut queue = Queue::default();
        let lost = (0..70).filter(|n| queue.push(frame(*n, 0, false), ms(0)).is_some()).count();
        assert_eq!(lost, 6);
        assert_eq!(shown(&mut queue), (6..70).collect::<Vec<_>>());
    }
}
