//! One surface as the host and the virtual screen see it: a sequence of pictures that outlives the
//! swapchains that follow each other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;
use zerohop_frame::Damage;
use zerohop_layer::LayerError;

use super::handover::Host;
use super::hint::Hint;
use super::pace::{Refresh, Screen};

/// Names something of ours for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(u64);

impl Key {
    /// One that was never used.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The pictures of one surface.
#[derive(Debug)]
pub(crate) struct Stream {
    key: Key,
    name: String,
    /// Whether the host asks to look at its pictures.
    pub(crate) hint: Arc<Hint>,
    flow: Mutex<Flow>,
}

/// The changing part of a [`Stream`].
#[derive(Debug)]
pub(crate) struct Flow {
    /// When pictures are shown.
    pub(crate) screen: Screen,
    /// The number of the last picture.
    pub(crate) sequence: u64,
    /// The damage of the pictures since the last that the host got.
    pub(crate) unseen: Damage,
    /// The number of the last picture that went to the host, or was kept.
    handed: u64,
    /// The number of the last picture that went to the host.
    pub(crate) got: u64,
    /// The swapchain of the last picture.
    presented: Option<Key>,
    /// The swapchain that is not retired.
    pub(crate) current: Option<Key>,
}

impl Stream {
    /// A stream without pictures, called `name` for people.
    pub(crate) fn new(name: String, refresh: Refresh) -> Self {
        let screen = Screen::new(refresh);
        let unseen = Damage::Unknown;
        let (sequence, handed, got) = (0, 0, 0);
        let flow = Flow { screen, sequence, unseen, handed, got, presented: None, current: None };
        Self { key: Key::next(), name, hint: Arc::default(), flow: Mutex::new(flow) }
    }

    /// Its name among the things of this process.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// What it is, as in "xcb window 0x400002".
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes `swapchain` the one that is not retired.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_NATIVE_WINDOW_IN_USE_KHR` when there is one.
    pub(crate) fn take(&self, swapchain: Key) -> Result<(), LayerError> {
        let mut flow = self.lock();
        if flow.current.is_some() {
            let what = format!("the {} has a swapchain that is not retired", self.name);
            return Err(LayerError::refused(vk::Result::ERROR_NATIVE_WINDOW_IN_USE_KHR, what));
        }
        flow.current = Some(swapchain);
        Ok(())
    }

    /// Ends the host's asking, if it is `swapchain` whose pictures are looked at.
    pub(crate) fn end_looks(&self, swapchain: Key) {
        if self.lock().current == Some(swapchain) {
            self.hint.end();
        }
    }

    /// Retires `swapchain`, if it was not before.
    pub(crate) fn leave(&self, swapchain: Key) {
        self.lock().current.take_if(|current| *current == swapchain);
    }

    /// The changing part. Held while a picture is placed and sent, so that pictures of the two
    /// swapchains of a take-over keep their order.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flow {
    /// Whether picture `sequence` may go to the host now: none after it has gone.
    pub(crate) fn passes(&mut self, sequence: u64) -> bool {
        let passes = self.is_next(sequence);
        if passes {
            (self.handed, self.got) = (sequence, sequence);
        }
        passes
    }

    /// Whether no picture after `sequence` has gone, or was kept.
    pub(crate) fn is_next(&self, sequence: u64) -> bool {
        sequence > self.handed
    }

    /// Picture `sequence`, which [is next](Self::is_next), stays here: the host has it.
    pub(crate) fn keep(&mut self, sequence: u64) {
        self.handed = sequence;
    }

    /// Whether the last picture was one of `swapchain`.
    pub(crate) fn is_of(&self, swapchain: Key) -> bool {
        self.presented == Some(swapchain)
    }

    /// Where a picture of `swapchain` may differ from the last that the host got, when it is
    /// `damage` against the one before it. That means the same swapchain: its first picture, and
    /// one that comes after a picture of another (a retired swapchain still shows what was
    /// acquired), may differ anywhere.
    pub(crate) fn damage(&mut self, swapchain: Key, damage: &Damage) -> Damage {
        if self.presented.replace(swapchain) == Some(swapchain) {
            self.unseen.join(damage)
        } else {
            Damage::Unknown
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        Host::get().close(self);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn damage_is_against_a_picture_of_the_same_swapchain() {
        let stream = Stream::new("test".into(), Refresh::every(Duration::from_millis(10)));
        let (old, new, nowhere) = (Key::next(), Key::next(), Damage::Rects(Default::default()));
        let mut flow = stream.lock();
        let mut sent = |swapchain| {
            let damage = flow.damage(swapchain, &nowhere);
            flow.unseen = nowhere.clone();
            damage
        };
        assert_eq!([sent(old), sent(old)], [Damage::Unknown, nowhere.clone()]);
        // The new one is made, and a picture of the old one comes in between.
        assert_eq!([sent(new), sent(old), sent(new)], [const { Damage::Unknown }; 3]);
        assert_eq!(sent(new), nowhere);
    }

    #[test]
    fn a_picture_that_was_overtaken_does_not_pass() {
        let stream = Stream::new("test".into(), Refresh::every(Duration::from_millis(10)));
        let mut flow = stream.lock();
        assert_eq!([flow.passes(1), flow.passes(3), flow.passes(2)], [true, true, false]);
        assert!(!flow.passes(3), "nor a second time");
        flow.keep(5);
        assert!(!flow.passes(4), "nor one before what was kept");
        assert_eq!(flow.got, 3);
    }

    #[test]
    fn a_swapchain_that_was_retired_before_ends_no_look_at_its_successor() {
        let stream = Stream::new("test".into(), Refresh::every(Duration::from_millis(10)));
        let (old, new) = (Key::next(), Key::next());
        stream.take(old).unwrap();
        stream.hint.ask();
        stream.end_looks(old);
        assert_eq!(stream.hint.now(), None);
        stream.leave(old);
        stream.take(new).unwrap();
        stream.hint.ask();
        stream.end_looks(old);
        assert!(stream.hint.now().is_some(), "it is destroyed now");
    }

    #[test]
    fn a_surface_has_one_swapchain_that_is_not_retired() {
        let stream = Stream::new("test".into(), Refresh::every(Duration::from_millis(10)));
        let (first, second) = (Key::next(), Key::next());
        stream.take(first).unwrap();
        let err = stream.take(second).unwrap_err();
        assert_eq!(err.code(), vk::Result::ERROR_NATIVE_WINDOW_IN_USE_KHR);
        stream.leave(first);
        stream.take(second).unwrap();
        stream.leave(first);
        assert!(stream.take(first).is_err(), "a retired one gives nothing up");
    }
}
