//! CUDA on the GPU of the pictures.

use std::sync::Arc;
use std::time::Duration;

use zerohop_bridge::{Bridge, Source};
use zerohop_cuda::{Cuda, Device, Error, Semaphore, Stream, Timelines, Uuid};
use zerohop_frame::{BoxError, Fallback, Frame, FrameDescriptor, Observer, SyncPoint, Timeline};
use zerohop_vulkan::{Image, Queue};

use super::slots::{Slot, Slots};

/// How long a picture may take to be complete, and to be copied.
const WITHIN: Duration = Duration::from_secs(2);

/// What is waited for, in words.
const PICTURE: &str = "a picture to be complete in CUDA";

/// What copies on the way are counted as.
const ACROSS: &str = "CUDA cannot have the picture where it is";

/// The device, with what was imported into it.
pub(super) struct Open {
    bridge: Bridge,
    timelines: Timelines,
    slots: Slots,
    stream: Arc<Stream>,
}

/// What became of one picture.
pub(super) struct Seen {
    /// The way that it came.
    pub(super) way: &'static str,
    /// As what it came.
    pub(super) handle: &'static str,
    /// How long its import took, if there was one.
    pub(super) imported: Option<Duration>,
    /// Whether the device waited for it by itself.
    pub(super) by_device: bool,
    /// Where it was copied to, if that was wanted.
    pub(super) slot: Option<(Arc<Slot>, FrameDescriptor)>,
}

impl Open {
    /// Opens the GPU of `queue`.
    pub(super) fn new(queue: &Arc<Queue>) -> Result<Self, Error> {
        let uuid = Uuid(queue.device().id().device_uuid);
        let device = Device::open(&Cuda::load()?, uuid)?;
        let stream = Stream::new(&device)?;
        Ok(Self {
            bridge: Bridge::on(queue, &stream),
            timelines: Timelines::new(&device),
            slots: Slots::new(&device),
            stream,
        })
    }

    /// The GPU.
    pub(super) fn device(&self) -> &Arc<Device> {
        self.stream.device()
    }

    /// Brings the picture into CUDA, copies it if it is `wanted`, and waits until all that is done.
    pub(super) fn see(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        wanted: bool,
        observer: &dyn Observer,
    ) -> Result<Seen, BoxError> {
        let Self { bridge, timelines, slots, stream } = self;
        let crossed = bridge.cross(frame, image)?;
        crossed.fallback.iter().for_each(|fallback| observer.fallback(fallback.clone()));
        crossed.copies.report(frame, observer, ACROSS);
        let awaited = acquire(stream, timelines, &crossed.ready, observer)?;
        let mut slot = None;
        if wanted {
            let room = slots.take(crossed.size())?;
            crossed.copy(stream, &room.pinned)?;
            slot = Some((room, crossed.shape.clone()));
        }
        let handle = match &crossed.source {
            Source::Picture(picture) => {
                stream.keep(Arc::clone(picture));
                picture.handle()
            }
            Source::Texture(..) => "a texture",
            Source::Host(_) => "memory of this process",
        };
        let (way, imported, by_device) = (crossed.way.name(), crossed.imported, awaited.is_some());
        complete(stream, awaited)?;
        Ok(Seen { way, handle, imported, by_device, slot })
    }
}

/// The value of a timeline that a stream waits for.
type Awaited = (Arc<Timeline>, Arc<Semaphore>, u64);

/// Makes what comes next wait until the picture is complete: on the device, where it can.
fn acquire(
    stream: &Stream,
    timelines: &mut Timelines,
    ready: &SyncPoint,
    observer: &dyn Observer,
) -> Result<Option<Awaited>, BoxError> {
    let fence = match ready {
        SyncPoint::Signaled => return Ok(None),
        SyncPoint::Timeline { which, value } => {
            let semaphore = timelines.get(which)?;
            stream.wait(&semaphore, *value)?;
            return Ok(Some((Arc::clone(which), semaphore, *value)));
        }
        fence => fence,
    };
    observer.fallback(Fallback {
        what: "sync".into(),
        reason: "CUDA takes no SYNC_FD fences".into(),
        cost: "the host's CPU waits for each picture".into(),
    });
    match fence.wait(WITHIN)? {
        true => Ok(None),
        false => Err(Error::Timeout { what: PICTURE, limit: WITHIN }.into()),
    }
}

/// Waits until the picture is complete, and its copy if there is one.
fn complete(stream: &Stream, awaited: Option<Awaited>) -> Result<(), Error> {
    let done = stream.submit()?;
    let waited = done.wait(PICTURE, WITHIN);
    if let (Err(Error::Timeout { .. }), Some((timeline, semaphore, value))) = (&waited, awaited) {
        // Whoever should have signaled it may be gone: the stream must not stand still for ever.
        timeline.forsake("CUDA waited for it in vain");
        let rescue = Stream::new(stream.device())?;
        rescue.signal(&semaphore, value)?;
        rescue.submit()?.wait("a signal", WITHIN)?;
        done.wait(PICTURE, WITHIN)?;
    }
    waited
}
