//! Where one image of a swapchain is in its round, and who else holds it.

use std::cmp::Reverse;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::SyncPoint;
use zerohop_wire::MAX_POINTS;

/// What a reader wants waited for before its image is written again.
pub(crate) type Fences = ArrayVec<SyncPoint, MAX_POINTS>;

/// See the module.
#[derive(Debug)]
pub(super) enum Slot {
    /// Ours, never presented.
    Fresh,
    /// The application's, between acquire and present.
    Acquired,
    /// On its way to the virtual screen, on it, or gone from it.
    Presented {
        /// The number of the picture in it.
        sequence: u64,
        /// When the next picture takes its place. `None` while it is the latest.
        replaced: Option<Duration>,
        reader: Reader,
    },
}

/// Who else holds a presented image.
#[derive(Debug)]
pub(super) enum Reader {
    /// The thread that copies it or looks at it, until the host gets it.
    Copier,
    /// The host, until it releases the picture.
    Host,
    /// The host's device: the host has released it, `since` then, and its timelines are not known to
    /// have come to these.
    Device { after: Fences, since: Duration },
    /// Nobody; the image may be written once these are reached, none of them a timeline's.
    Nobody(Fences),
}

/// Who gets a picture besides the virtual screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// Nobody.
    Nobody,
    /// The host, until it releases it.
    Host,
    /// The thread that copies it for the host, or looks at it first.
    Copier,
}

impl Receiver {
    /// Who holds the picture then.
    pub(super) fn reader(self) -> Reader {
        match self {
            Self::Nobody => Reader::Nobody(Fences::new()),
            Self::Host => Reader::Host,
            Self::Copier => Reader::Copier,
        }
    }
}

impl Slot {
    /// Where it stands among the free ones, if it is free.
    pub(super) fn standing(&self, now: Duration) -> Option<Standing> {
        match self {
            Self::Fresh => Some(Standing::Fresh),
            Self::Presented {
                sequence,
                replaced: Some(replaced),
                reader: Reader::Nobody(after),
            } if *replaced <= now => Some(match after.is_empty() {
                true => Standing::Warm(*sequence),
                false => Standing::Fenced(Reverse(*sequence)),
            }),
            _ => None,
        }
    }

    /// Lends it, and says what is waited for before it is written.
    pub(super) fn lend(&mut self) -> Fences {
        match std::mem::replace(self, Self::Acquired) {
            Self::Presented { reader: Reader::Nobody(after), .. } => after,
            _ => Fences::new(),
        }
    }

    /// The next picture takes its place `at` that time, unless one did before.
    pub(super) fn replace(&mut self, at: Duration) {
        if let Self::Presented { replaced: replaced @ None, .. } = self {
            *replaced = Some(at);
        }
    }

    /// Who holds picture `sequence` in it, if that is what it holds.
    fn reader_of(&mut self, sequence: u64) -> Option<&mut Reader> {
        match self {
            Self::Presented { sequence: out, reader, .. } if *out == sequence => Some(reader),
            _ => None,
        }
    }

    /// The picture was copied, and goes to the host.
    pub(super) fn hand_on(&mut self, sequence: u64) {
        if let Some(reader @ Reader::Copier) = self.reader_of(sequence) {
            *reader = Reader::Host;
        }
    }

    /// The host has released the picture, or did not get it. `false`: it is not out.
    pub(super) fn release(&mut self, sequence: u64, after: Fences, now: Duration) -> bool {
        let Some(reader @ (Reader::Host | Reader::Copier)) = self.reader_of(sequence) else {
            return false;
        };
        let timeline = |point: &SyncPoint| matches!(point, SyncPoint::Timeline { .. });
        *reader = match after.iter().any(timeline) {
            true => Reader::Device { after, since: now },
            false => Reader::Nobody(after),
        };
        true
    }

    /// The reader's device is done with the picture, as far as timelines say.
    pub(super) fn settle(&mut self, sequence: u64) {
        let Some(reader) = self.reader_of(sequence) else { return };
        if let Reader::Device { after, .. } = reader {
            // What was reached needs no wait on the device either.
            let fence = |point: &SyncPoint| point.sync_file().is_some();
            *reader = Reader::Nobody(after.drain(..).filter(fence).collect());
        }
    }

    /// The host is gone: nobody reads it any more.
    pub(super) fn abandon(&mut self) {
        if let Self::Presented { reader, .. } = self
            && matches!(reader, Reader::Host | Reader::Device { .. })
        {
            *reader = Reader::Nobody(Fences::new());
        }
    }
}

/// How good a free image is to draw into, the best last.
///
/// Two pictures of 1280x720 stay in a cache where four do not: on llvmpipe an application draws
/// half as fast again when it gets back the image that it had last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// A reader's fences go first; those of the oldest picture are reached soonest.
    Fenced(Reverse<u64>),
    /// Its memory was never touched.
    Fresh,
    /// The later it was drawn, the more of it is in a cache.
    Warm(u64),
}
