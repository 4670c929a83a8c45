//! One picture on its way through the house.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{BufferId, Damage, DeviceId, MediaClock, MediaTime, SharedBuffer, SyncPoint};

/// What a source says about one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Counts up by one for every picture the source made, shown or dropped.
    pub sequence: u64,
    /// When the picture is shown, on `CLOCK_MONOTONIC`: the refresh that it was presented for. May
    /// lie in the future.
    pub timestamp: Duration,
    /// When its maker began to hand it over (an application: called `vkQueuePresentKHR`), on
    /// `CLOCK_MONOTONIC`.
    pub presented: Duration,
    /// Where it may differ from the picture before it.
    pub damage: Damage,
}

/// A buffer coming home.
#[derive(Debug)]
pub struct Release {
    /// Which buffer.
    pub buffer: BufferId,
    /// Which picture it held.
    pub sequence: u64,
    /// The buffer may be written once every one of these is reached.
    pub after: Vec<SyncPoint>,
}

/// Where a source's buffers go back to.
pub trait Recycle: Send + Sync {
    /// Takes a buffer back. Called exactly once for every [`Frame`], from whichever thread drops
    /// it last; must not block.
    fn recycle(&self, release: Release);

    /// Whether the memory of a picture that is out still holds that picture, see
    /// [`Frame::is_intact`]. It always does where nobody takes a buffer back before it comes home.
    fn is_intact(&self) -> bool {
        true
    }

    /// Hears whether the stream of its pictures stands still, see [`Frame::say_still`]; must not block. A
    /// source whose makers send every picture does nothing about it.
    fn say_still(&self, still: bool) {
        let _ = still;
    }
}

/// One picture in a [`SharedBuffer`], readable once [`acquire`](Self::acquire) is reached.
///
/// Share it as `Arc<Frame>`. Dropping the last one sends the buffer home.
#[must_use = "dropping a frame gives its buffer back unread"]
pub struct Frame {
    buffer: Arc<SharedBuffer>,
    info: FrameInfo,
    media: Option<(MediaClock, MediaTime)>,
    acquire: SyncPoint,
    readers: Mutex<Vec<SyncPoint>>,
    home: Arc<dyn Recycle>,
    replaceable: bool,
}

impl Frame {
    /// A picture that `home` lends out.
    pub fn new(
        buffer: Arc<SharedBuffer>,
        info: FrameInfo,
        acquire: SyncPoint,
        home: Arc<dyn Recycle>,
    ) -> Self {
        let (readers, replaceable) = (Mutex::default(), false);
        Self { buffer, info, media: None, acquire, readers, home, replaceable }
    }

    /// Says when the picture is shown as its stream counts, if that has a clock of its own.
    pub fn with_media(self, media: Option<(MediaClock, MediaTime)>) -> Self {
        // `Frame` has a `Drop`, so no field of it can be moved out.
        let mut frame = self;
        frame.media = media;
        frame
    }

    /// Says whether a newer picture may take its place while it waits to be shown.
    pub fn set_replaceable(&mut self, replaceable: bool) {
        self.replaceable = replaceable;
    }

    /// Whether a newer picture may take its place while it waits to be shown, as in
    /// `VK_PRESENT_MODE_MAILBOX_KHR`.
    pub fn is_replaceable(&self) -> bool {
        self.replaceable
    }

    /// The memory.
    pub fn buffer(&self) -> &Arc<SharedBuffer> {
        &self.buffer
    }

    /// When and in which order the picture was made.
    pub fn info(&self) -> &FrameInfo {
        &self.info
    }

    /// When it is shown, on the stream's own clock, where it has one.
    pub fn media(&self) -> Option<(MediaClock, MediaTime)> {
        self.media
    }

    /// When the picture is complete.
    pub fn acquire(&self) -> &SyncPoint {
        &self.acquire
    }

    /// Whether the memory still held the picture when this was asked. A maker that gives up on us
    /// takes its buffers back, and draws the next picture over what we read.
    ///
    /// Ask **after** each read, once it is complete: what was read is the picture if the answer is
    /// yes, and must not be used if it is no. May wait for a moment until the source knows, so it
    /// is not for a source's own thread.
    #[must_use = "what was read may not be the picture"]
    pub fn is_intact(&self) -> bool {
        let complete = match &self.acquire {
            SyncPoint::Timeline { which, .. } => which.forsaken().is_none(),
            SyncPoint::Signaled | SyncPoint::SyncFile(_) => true,
        };
        complete && self.home.is_intact()
    }

    /// Tells its maker whether the stream stands still. `true`: the last pictures, up to this one, were the
    /// same, and a maker that can find out itself what has not changed may [keep](crate::SourceEvent::Kept)
    /// such pictures. `false`: this picture was lost, so the next one must come, changed or not.
    ///
    /// Say the first once for each run of pictures that are the same, and only where nobody needs every
    /// picture.
    pub fn say_still(&self, still: bool) {
        self.home.say_still(still);
    }

    /// Whether its maker can wait for timelines of `device`: it has announced one of that device by
    /// itself. Others must be given a fence, or nothing that is not reached.
    pub fn takes_timelines_of(&self, device: DeviceId) -> bool {
        matches!(&self.acquire, SyncPoint::Timeline { which, .. } if which.device() == device)
    }

    /// Gives the picture another sequence, where a source joins several streams into one.
    pub fn renumber(&mut self, sequence: u64) {
        self.info.sequence = sequence;
    }

    /// Adds the damage of the picture before, which was lost on the way.
    pub fn widen_damage(&mut self, lost: &Damage) {
        self.info.damage = lost.join(&self.info.damage);
    }

    /// Keeps the buffer from being written before `point`.
    ///
    /// Call it for every piece of device work that reads the memory, when the work is submitted.
    pub fn hold_until(&self, point: SyncPoint) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(point);
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let readers = self.readers.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.home.recycle(Release {
            buffer: self.buffer.id(),
            sequence: self.info.sequence,
            after: mem::take(readers),
        });
    }
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;

    use super::*;
    use crate::{Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, PlaneLayout};

    #[derive(Default)]
    struct Home(Mutex<Vec<Release>>);

    impl Recycle for Home {
        fn recycle(&self, release: Release) {
            self.0.lock().unwrap().push(release);
        }
    }

    fn frame(home: &Arc<Home>) -> Frame {
        let descriptor = FrameDescriptor {
            extent: Extent { width: 2, height: 2 },
            fourcc: Fourcc::XRGB8888,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 8 }]),
            color: Color::SRGB,
        };
        let memory = MemoryHandle::Shm(std::fs::File::open("/dev/null").unwrap().into());
        let buffer = SharedBuffer::new(descriptor, ArrayVec::from_iter([memory])).unwrap();
        let info = FrameInfo {
            sequence: 7,
            timestamp: Duration::ZERO,
            presented: Duration::ZERO,
            damage: Damage::Unknown,
        };
        Frame::new(buffer, info, SyncPoint::Signaled, Arc::clone(home) as _)
    }

    #[test]
    fn two_readers_send_the_buffer_home_once_with_both_points() {
        let home = Arc::new(Home::default());
        let encoder = Arc::new(frame(&home));
        let preview = Arc::clone(&encoder);

        encoder.hold_until(SyncPoint::Signaled);
        drop(encoder);
        assert!(home.0.lock().unwrap().is_empty(), "the preview still reads");
        preview.hold_until(SyncPoint::Signaled);
        drop(preview);

        let released = home.0.lock().unwrap();
        assert_eq!(released.len(), 1);
        assert_eq!((released[0].sequence, released[0].after.len()), (7, 2));
    }
}
