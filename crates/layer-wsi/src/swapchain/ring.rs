//! Which swapchain image is whose.
//!
//! ```text
//!            acquire            present                    replaced on the virtual screen
//!  ┌──────┐ ────────► ┌──────────┐ ────────► ┌───────────┐ and released by its reader
//!  │ free │           │ acquired │           │ presented │ ─────────────────────────────► free
//!  └──────┘ ◄──────── └──────────┘           └───────────┘
//!            give back
//! ```
//!
//! There is no clock and no thread in here: whoever asks says what time it is.

use std::cmp::Reverse;
use std::time::Duration;

use super::pace::Showing;
pub(crate) use super::slot::{Fences, Receiver};
use super::slot::{Reader, Slot};

/// The answer to an acquire.
#[derive(Debug)]
pub(crate) enum Acquired {
    /// The image is the application's.
    Image {
        /// Which.
        index: usize,
        /// What to wait for before writing it.
        after: Fences,
    },
    /// None is free.
    Later {
        /// When the virtual screen lets go of the next one that only it holds.
        at: Option<Duration>,
        /// Since when, or from when on, only the host holds an image. `None` while another one comes back
        /// without it.
        host: Option<Duration>,
        /// The same of the thread that copies pictures or looks at them.
        copier: Option<Duration>,
    },
}

/// An image whose reader's device may not be done with it.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// Which image.
    pub(crate) index: usize,
    /// The number of the picture in it.
    pub(crate) sequence: u64,
    /// Points of timelines, and others.
    pub(crate) after: Fences,
    /// When the host released it.
    pub(crate) since: Duration,
}

/// A picture that goes out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    /// The number of the picture in its stream.
    pub(crate) sequence: u64,
    /// Its place on the virtual screen.
    pub(crate) showing: Showing,
    /// Who holds it until it is released.
    pub(crate) to: Receiver,
}

/// The images of one swapchain.
#[derive(Debug)]
pub(crate) struct Ring {
    slots: Vec<Slot>,
    latest: Option<usize>,
}

/// Somebody broke the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RingError {
    /// Presented or gave back an image that was not acquired.
    #[error("image {index} of {len} was not acquired")]
    NotAcquired {
        /// The image.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// Released a picture that is not out.
    #[error("image {index} does not hold picture {sequence}")]
    NotPresented {
        /// The image.
        index: usize,
        /// The picture.
        sequence: u64,
    },
}

impl Ring {
    /// A ring of `len` fresh images.
    pub(crate) fn new(len: usize) -> Self {
        Self { slots: (0..len).map(|_| Slot::Fresh).collect(), latest: None }
    }

    /// Lends the image that is best to draw into now.
    pub(crate) fn acquire(&mut self, now: Duration) -> Acquired {
        let free = (0..self.slots.len())
            .filter_map(|index| Some((self.slots[index].standing(now)?, Reverse(index))))
            .max();
        let Some((_, Reverse(index))) = free else { return self.later() };
        Acquired::Image { index, after: self.slots[index].lend() }
    }

    /// Whether there is one to lend.
    pub(crate) fn is_free(&self, now: Duration) -> bool {
        self.slots.iter().any(|slot| slot.standing(now).is_some())
    }

    fn later(&self) -> Acquired {
        let (mut at, mut host, mut copier) = (None, None, None);
        for slot in &self.slots {
            if let Slot::Presented { replaced: Some(replaced), reader, .. } = slot {
                let first = match reader {
                    Reader::Nobody(_) => &mut at,
                    Reader::Host | Reader::Device { .. } => &mut host,
                    Reader::Copier => &mut copier,
                };
                *first = Some(first.map_or(*replaced, |first: Duration| first.min(*replaced)));
            }
        }
        let host = host.filter(|_| at.is_none() && copier.is_none());
        Acquired::Later { at, host, copier }
    }

    /// Whether the application may present `index`.
    ///
    /// # Errors
    ///
    /// [`RingError::NotAcquired`].
    pub(crate) fn check_acquired(&self, index: usize) -> Result<(), RingError> {
        match self.slots.get(index) {
            Some(Slot::Acquired) => Ok(()),
            _ => Err(RingError::NotAcquired { index, len: self.slots.len() }),
        }
    }

    /// Sends an image out; the picture before it is replaced when this one is shown.
    ///
    /// # Errors
    ///
    /// [`RingError::NotAcquired`].
    pub(crate) fn present(&mut self, index: usize, picture: Picture) -> Result<(), RingError> {
        self.check_acquired(index)?;
        if let Some(before) = self.latest.replace(index) {
            self.slots[before].replace(picture.showing.replaces);
        }
        let (sequence, reader) = (picture.sequence, picture.to.reader());
        self.slots[index] = Slot::Presented { sequence, replaced: None, reader };
        Ok(())
    }

    /// Takes back an image that was acquired and never presented (`vkReleaseSwapchainImagesEXT`).
    ///
    /// # Errors
    ///
    /// [`RingError::NotAcquired`].
    pub(crate) fn give_back(&mut self, index: usize) -> Result<(), RingError> {
        self.check_acquired(index)?;
        self.slots[index] = Slot::Fresh;
        Ok(())
    }

    /// The thread is done with a picture, which goes to the host.
    pub(crate) fn hand_on(&mut self, index: usize, sequence: u64) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.hand_on(sequence);
        }
    }

    /// Whether nobody but the thread holds image `index`.
    pub(crate) fn waits_for_copier(&self, index: usize, now: Duration) -> bool {
        matches!(
            self.slots.get(index),
            Some(Slot::Presented { replaced: Some(replaced), reader: Reader::Copier, .. })
                if *replaced <= now
        )
    }

    /// The host has released a picture, or did not get it.
    ///
    /// # Errors
    ///
    /// [`RingError::NotPresented`] for one that is not out, such as one released twice.
    pub(crate) fn release(
        &mut self,
        index: usize,
        sequence: u64,
        after: Fences,
        now: Duration,
    ) -> Result<(), RingError> {
        let slot = self.slots.get_mut(index);
        let released = slot.is_some_and(|slot| slot.release(sequence, after, now));
        if released { Ok(()) } else { Err(RingError::NotPresented { index, sequence }) }
    }

    /// Which picture is on the screen of a host that keeps each until the next has taken its place:
    /// the oldest that it holds, or the last of all where it holds that no more.
    pub(crate) fn on_screen(&self) -> u64 {
        let mut held = u64::MAX;
        let mut last = (0, false);
        for slot in &self.slots {
            let Slot::Presented { sequence, reader, .. } = slot else { continue };
            let holds = matches!(reader, Reader::Host);
            if holds {
                held = held.min(*sequence);
            }
            last = last.max((*sequence, holds));
        }
        if last.1 { held } else { last.0 }
    }

    /// The images whose readers' devices may not be done with them.
    pub(crate) fn read(&self) -> impl Iterator<Item = Read> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| match slot {
            Slot::Presented { sequence, reader: Reader::Device { after, since }, .. } => {
                let (sequence, after, since) = (*sequence, after.clone(), *since);
                Some(Read { index, sequence, after, since })
            }
            _ => None,
        })
    }

    /// The reader's device is done with a picture, as far as timelines say.
    pub(crate) fn settle(&mut self, index: usize, sequence: u64) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.settle(sequence);
        }
    }

    /// The host is gone: nobody reads any image any more.
    pub(crate) fn abandon(&mut self) {
        self.slots.iter_mut().for_each(Slot::abandon);
    }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::{DeviceId, SyncPoint, Timeline};

    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn acquire(ring: &mut Ring, now: u64) -> Option<usize> {
        match ring.acquire(ms(now)) {
            Acquired::Image { index, .. } => Some(index),
            Acquired::Later { .. } => None,
        }
    }

    fn picture(sequence: u64, at: u64, sent: bool) -> Picture {
        let to = if sent { Receiver::Host } else { Receiver::Nobody };
        Picture { sequence, showing: Showing { at: ms(at), replaces: ms(at) }, to }
    }

    #[test]
    fn an_image_is_free_once_it_is_replaced_and_not_before() {
        let mut ring = Ring::new(2);
        for (sequence, at) in [(1, 10), (2, 20)] {
            let index = acquire(&mut ring, 0).unwrap();
            ring.present(index, picture(sequence, at, false)).unwrap();
        }
        let Acquired::Later { at, host, .. } = ring.acquire(ms(19)) else { panic!("both are out") };
        assert_eq!((at, host), (Some(ms(20)), None));
        assert_eq!(acquire(&mut ring, 20), Some(0));
        assert_eq!(acquire(&mut ring, 1000), None, "the latest picture stays on screen");
    }

    #[test]
    fn a_replaced_image_waits_for_its_reader() {
        let mut ring = Ring::new(2);
        for sequence in [1, 2] {
            let index = acquire(&mut ring, 0).unwrap();
            ring.present(index, picture(sequence, 10, true)).unwrap();
        }
        let Acquired::Later { at, host, .. } = ring.acquire(ms(11)) else {
            panic!("both are read")
        };
        assert_eq!((at, host), (None, Some(ms(10))));
        ring.release(0, 1, Fences::from_iter([SyncPoint::Signaled]), ms(0)).unwrap();
        let Acquired::Image { index: 0, after } = ring.acquire(ms(11)) else {
            panic!("it is home")
        };
        assert_eq!(after.len(), 1, "its fences come with it");
    }

    #[test]
    fn a_host_is_waited_for_only_when_no_other_image_comes_back_without_it() {
        let mut ring = Ring::new(3);
        for (sequence, at, to) in
            [(1, 0, Receiver::Host), (2, 10, Receiver::Copier), (3, 20, Receiver::Copier)]
        {
            let index = acquire(&mut ring, 0).unwrap();
            ring.present(index, Picture { to, ..picture(sequence, at, true) }).unwrap();
        }
        let later = |ring: &mut Ring| match ring.acquire(ms(15)) {
            Acquired::Later { at, host, copier } => (at, host, copier),
            Acquired::Image { index, .. } => panic!("image {index} is free"),
        };
        assert_eq!(later(&mut ring), (None, None, Some(ms(20))), "the thread has one");
        ring.release(1, 2, Fences::new(), ms(15)).unwrap();
        assert_eq!(
            later(&mut ring),
            (Some(ms(20)), None, None),
            "the screen has one, which was kept"
        );
        assert_eq!(acquire(&mut ring, 20), Some(1));
        assert_eq!(later(&mut ring), (None, Some(ms(10)), None));
    }

    #[test]
    fn an_image_that_a_device_still_reads_is_not_lent_until_it_is_settled() {
        let device = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };
        let fd = std::fs::File::open("/dev/null").unwrap().into();
        let point = SyncPoint::Timeline { which: Timeline::new(device, fd, None), value: 3 };
        let mut ring = Ring::new(2);
        for sequence in [1, 2] {
            let index = acquire(&mut ring, 0).unwrap();
            ring.present(index, picture(sequence, 10, true)).unwrap();
        }
        ring.release(0, 1, Fences::from_iter([point]), ms(12)).unwrap();
        let Acquired::Later { host: Some(_), .. } = ring.acquire(ms(13)) else {
            panic!("it is read")
        };
        let read: Vec<_> = ring.read().collect();
        let [Read { index: 0, sequence: 1, since, .. }] = read[..] else { panic!("{read:?}") };
        assert_eq!(since, ms(12));
        ring.settle(0, 2);
        assert_eq!(acquire(&mut ring, 13), None, "that is another picture");
        ring.settle(0, 1);
        let Acquired::Image { index: 0, after } = ring.acquire(ms(13)) else {
            panic!("it is free")
        };
        assert!(after.is_empty(), "no device waits for a host's timeline");
    }

    #[test]
    fn a_late_release_of_an_old_picture_is_refused() {
        let mut ring = Ring::new(2);
        for sequence in 1..=3 {
            let index = acquire(&mut ring, sequence).unwrap();
            ring.present(index, picture(sequence, sequence, true)).unwrap();
            if sequence < 3 {
                ring.release(index, sequence, Fences::new(), ms(0)).unwrap();
            }
        }
        let err = ring.release(0, 1, Fences::new(), ms(0)).unwrap_err();
        assert_eq!(err.to_string(), "image 0 does not hold picture 1");
        ring.release(0, 3, Fences::new(), ms(0)).unwrap();
        assert!(ring.release(0, 3, Fences::new(), ms(0)).is_err(), "and so is a second one");
    }

    #[test]
    fn an_image_that_is_being_copied_is_the_hosts_only_then() {
        let mut ring = Ring::new(2);
        for sequence in [1, 2] {
            let index = acquire(&mut ring, 0).unwrap();
            let to = Receiver::Copier;
            ring.present(index, Picture { to, ..picture(sequence, 10, true) }).unwrap();
        }
        let Acquired::Later { host: None, copier: Some(since), .. } = ring.acquire(ms(11)) else {
            panic!("both are copied")
        };
        assert_eq!(since, ms(10));
        assert!(ring.waits_for_copier(0, ms(10)) && !ring.waits_for_copier(0, ms(9)));
        assert!(!ring.waits_for_copier(1, ms(99)), "it is on screen");
        ring.hand_on(0, 1);
        ring.abandon();
        assert_eq!(acquire(&mut ring, 11), Some(0));
        assert!(ring.release(1, 2, Fences::new(), ms(0)).is_ok(), "or it was not sent");
    }

    #[test]
    fn several_images_are_acquired_at_once_and_presented_in_any_order() {
        let mut ring = Ring::new(3);
        let all: Vec<_> = (0..3).map(|_| acquire(&mut ring, 0).unwrap()).collect();
        assert_eq!(all, [0, 1, 2]);
        ring.present(2, picture(1, 1, false)).unwrap();
        ring.present(0, picture(2, 2, false)).unwrap();
        assert_eq!(acquire(&mut ring, 2), Some(2));
        let err = ring.present(3, picture(3, 3, false)).unwrap_err();
        assert_eq!(err.to_string(), "image 3 of 3 was not acquired");
    }

    #[test]
    fn an_image_given_back_is_the_next_to_be_lent() {
        let mut ring = Ring::new(1);
        acquire(&mut ring, 0).unwrap();
        ring.give_back(0).unwrap();
        assert_eq!(ring.give_back(0), Err(RingError::NotAcquired { index: 0, len: 1 }));
        assert_eq!(acquire(&mut ring, 0), Some(0));
    }

    #[test]
    fn a_dead_host_holds_nothing() {
        let mut ring = Ring::new(2);
        for sequence in [1, 2] {
            let index = acquire(&mut ring, 0).unwrap();
            ring.present(index, picture(sequence, 1, true)).unwrap();
        }
        assert_eq!(acquire(&mut ring, 1), None);
        ring.abandon();
        assert_eq!(acquire(&mut ring, 1), Some(0));
    }

    #[test]
    fn the_image_that_was_drawn_last_comes_first() {
        let mut ring = Ring::new(4);
        let all: Vec<_> = (0..3).map(|_| acquire(&mut ring, 0).unwrap()).collect();
        for (sequence, index) in (1..).zip(all) {
            ring.present(index, picture(sequence, sequence, false)).unwrap();
        }
        assert_eq!(acquire(&mut ring, 3), Some(1), "2 is on screen");
        assert_eq!(acquire(&mut ring, 3), Some(0));
        assert_eq!(acquire(&mut ring, 3), Some(3), "never touched");
    }

    #[test]
    fn an_image_with_fences_comes_last_and_the_oldest_of_them_first() {
        let mut ring = Ring::new(4);
        let all: Vec<_> = (0..4).map(|_| acquire(&mut ring, 0).unwrap()).collect();
        for (sequence, index) in (1..).zip(all) {
            ring.present(index, picture(sequence, sequence, true)).unwrap();
        }
        ring.release(0, 1, Fences::new(), ms(0)).unwrap();
        ring.release(1, 2, Fences::from_iter([SyncPoint::Signaled]), ms(0)).unwrap();
        ring.release(2, 3, Fences::from_iter([SyncPoint::Signaled]), ms(0)).unwrap();
        let order = [(); 3].map(|()| acquire(&mut ring, 4));
        assert_eq!(order, [Some(0), Some(1), Some(2)]);
    }
}
