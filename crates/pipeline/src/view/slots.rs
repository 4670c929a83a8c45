//! Locked memory that pictures are copied to, used again and again.

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_cuda::{Device, Pinned, Pool};
use zerohop_frame::{
    BoxError, Frame, FrameDescriptor, MemoryHandle, Recycle, Release, SharedBuffer, SyncPoint,
};

/// The most copies that sinks hold at a time. A sink that is slower than the pictures waits before
/// it holds so many.
const MOST: usize = 8;

/// Room for pictures of one size.
pub(super) struct Slots {
    device: Arc<Device>,
    size: (usize, usize),
    pool: Option<Pool<Slot>>,
}

/// Room for one picture.
pub(super) struct Slot {
    pub(super) pinned: Arc<Pinned>,
}

impl Slots {
    pub(super) fn new(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), size: (0, 0), pool: None }
    }

    /// Room that nobody holds, for a picture with rows of so many bytes, and with so many rows.
    pub(super) fn take(&mut self, size: (usize, usize)) -> Result<Arc<Slot>, BoxError> {
        if self.size != size {
            (self.size, self.pool) = (size, None);
        }
        let pool = self.pool.get_or_insert_with(|| {
            let device = Arc::clone(&self.device);
            Pool::new(MOST, move || {
                let pinned = Arc::new(Pinned::new(&device, size.0, size.1)?);
                Ok(Slot { pinned })
            })
        });
        pool.take()?.ok_or_else(|| format!("the sinks hold {MOST} pictures").into())
    }
}

impl Slot {
    /// What was copied here, a picture of `shape`, as a frame of its own, which gives the room back
    /// when it goes.
    pub(super) fn frame(
        self: Arc<Self>,
        of: &Frame,
        shape: FrameDescriptor,
    ) -> Result<Frame, BoxError> {
        let memory = ArrayVec::from_iter([MemoryHandle::Shm(self.pinned.share()?)]);
        let buffer = SharedBuffer::new(shape, memory)?;
        let (info, media) = (of.info().clone(), of.media());
        Ok(Frame::new(buffer, info, SyncPoint::Signaled, self).with_media(media))
    }
}

impl Recycle for Slot {
    /// The room is free when the last `Arc` goes.
    fn recycle(&self, _: Release) {}
}
