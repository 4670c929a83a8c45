//! CUDA on the GPU of the pictures.

use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{
    Cached, Cuda, Device, Error, ImportCache, Picture, Rows, Semaphore, Stream, Timelines, Uuid,
};
use zerohop_frame::{BoxError, Fallback, Frame, Observer, SharedBuffer, SyncPoint, Timeline};
use zerohop_vulkan::Image;

use super::slots::{Slot, Slots};

/// How long a picture may take to be complete, and to be copied.
const WITHIN: Duration = Duration::from_secs(2);

/// What is waited for, in words.
const PICTURE: &str = "a picture to be complete in CUDA";

/// The device, with what was imported into it.
pub(super) struct Open {
    pictures: ImportCache,
    timelines: Timelines,
    slots: Slots,
    stream: Arc<Stream>,
    /// The value of a timeline that the stream waits for.
    awaited: Option<(Arc<Timeline>, Arc<Semaphore>, u64)>,
}

impl Open {
    /// Opens the GPU that Vulkan calls `uuid`.
    pub(super) fn new(uuid: Uuid) -> Result<Self, Error> {
        let device = Device::open(&Cuda::load()?, uuid)?;
        Ok(Self {
            pictures: ImportCache::new(&device),
            timelines: Timelines::new(&device),
            slots: Slots::new(&device),
            stream: Stream::new(&device)?,
            awaited: None,
        })
    }

    pub(super) fn uuid(&self) -> Uuid {
        self.stream.device().gpu().uuid
    }

    /// As CUDA names it.
    pub(super) fn name(&self) -> &str {
        &self.stream.device().gpu().name
    }

    /// The picture of `buffer`, which Vulkan has as `image`.
    pub(super) fn import(
        &mut self,
        buffer: &Arc<SharedBuffer>,
        image: &Image,
    ) -> Result<Cached, Error> {
        let rows = image.opaque_rows().map(|(offset, pitch)| Rows { offset, pitch });
        self.pictures.get(buffer, rows)
    }

    /// Makes what comes next wait until the picture is complete. `true` when the device does so by
    /// itself.
    pub(super) fn acquire(
        &mut self,
        frame: &Frame,
        observer: &dyn Observer,
    ) -> Result<bool, BoxError> {
        self.awaited = None;
        let fence = match frame.acquire() {
            SyncPoint::Signaled => return Ok(false),
            SyncPoint::Timeline { which, value } => {
                let semaphore = self.timelines.get(which)?;
                self.stream.wait(&semaphore, *value)?;
                self.awaited = Some((Arc::clone(which), semaphore, *value));
                return Ok(true);
            }
            fence => fence,
        };
        observer.fallback(Fallback {
            what: "sync".into(),
            reason: "CUDA takes no SYNC_FD fences".into(),
            cost: "the host's CPU waits for each picture".into(),
        });
        match fence.wait(WITHIN)? {
            true => Ok(false),
            false => Err(Error::Timeout { what: PICTURE, limit: WITHIN }.into()),
        }
    }

    /// Copies the picture to where it can be read once it is [complete](Self::complete).
    pub(super) fn copy(&mut self, picture: &Arc<Picture>) -> Result<Arc<Slot>, BoxError> {
        let slot = self.slots.take(&**picture)?;
        self.stream.copy(picture, &slot.pinned)?;
        Ok(slot)
    }

    /// Waits until the picture is complete, and its copy if there is one.
    pub(super) fn complete(&mut self, picture: Arc<Picture>) -> Result<(), Error> {
        self.stream.keep(picture);
        let done = self.stream.submit()?;
        let waited = done.wait(PICTURE, WITHIN);
        let awaited = self.awaited.take();
        if let (Err(Error::Timeout { .. }), Some((timeline, semaphore, value))) = (&waited, awaited)
        {
            // Whoever should have signaled it may be gone: the stream must not stand still for ever.
            timeline.forsake("CUDA waited for it in vain");
            let rescue = Stream::new(self.stream.device())?;
            rescue.signal(&semaphore, value)?;
            rescue.submit()?.wait("a signal", WITHIN)?;
            done.wait(PICTURE, WITHIN)?;
        }
        waited
    }
}
