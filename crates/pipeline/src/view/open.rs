//! CUDA on the GPU of the pictures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_bridge::{Bridge, Source};
use zerohop_cuda::{Cuda, Device, Done, Error, Semaphore, Stream, Timelines, Uuid};
use zerohop_frame::{
    BoxError, Fallback, Frame, FrameDescriptor, Observer, SyncPoint, Timeline, waiting,
};
use zerohop_vulkan::{Image, Queue};

use super::slots::{Slot, Slots};

/// How long a picture may take to be complete, and to be copied, with a busy GPU: what `PROTOCOL.md`
/// grants a producer.
const WITHIN: Duration = Duration::from_secs(10);
/// How often Vulkan's waits are looked after meanwhile.
const GLANCE: Duration = Duration::from_millis(100);

/// How long the CPU looks at a timeline before the device waits for it. On an H200 such a wait of CUDA's
/// takes 160 us, also for a value that is reached; a look takes none.
const LOOK: Duration = Duration::from_micros(200);

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
    vulkan: Arc<zerohop_vulkan::Device>,
    /// How often the device waited for a picture, to be taken out.
    pub(super) device_waits: u64,
}

/// What became of one picture.
pub(super) struct Seen {
    /// The way that it came.
    pub(super) way: &'static str,
    /// As what it came.
    pub(super) handle: &'static str,
    /// How long its import took, if there was one.
    pub(super) imported: Option<Duration>,
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
            vulkan: Arc::clone(queue.device()),
            device_waits: 0,
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
        let Self { bridge, timelines, slots, stream, vulkan, device_waits } = self;
        let crossed = bridge.cross(frame, image)?;
        crossed.fallback.iter().for_each(|fallback| observer.fallback(fallback.clone()));
        crossed.copies.report(frame, observer, ACROSS);
        let room = wanted.then(|| slots.take(crossed.size())).transpose()?;
        // From here on the stream waits, and `complete` sees to the end of it.
        let awaited = match is_complete(vulkan, &crossed.ready)? {
            true => None,
            false => acquire(stream, timelines, &crossed.ready, observer)?,
        };
        *device_waits += u64::from(awaited.is_some());
        let copy = |room: Arc<Slot>| {
            crossed.copy(stream, &room.pinned).map(|()| (room, crossed.shape.clone()))
        };
        let copied = room.map(copy);
        let (way, imported) = (crossed.way.name(), crossed.imported);
        let idle = awaited.is_none() && copied.is_none();
        let (handle, works) = match &crossed.source {
            // Nothing was given to the stream: whatever is, reads the whole picture.
            Source::Picture(picture) if idle => (picture.handle(), false),
            Source::Picture(picture) | Source::Locked(picture, _) => {
                stream.keep(Arc::clone(picture));
                (picture.handle(), true)
            }
            Source::Texture(..) => ("a texture", true),
            Source::Host(_) => ("memory of this process", true),
        };
        if works {
            complete(stream, vulkan, awaited)?;
        }
        let slot = copied.transpose()?;
        Ok(Seen { way, handle, imported, slot })
    }
}

/// The value of a timeline that a stream waits for.
type Awaited = (Arc<Timeline>, Arc<Semaphore>, u64);

/// Whether the picture is complete, as the CPU sees it within [`LOOK`].
fn is_complete(vulkan: &Arc<zerohop_vulkan::Device>, ready: &SyncPoint) -> Result<bool, BoxError> {
    let SyncPoint::Timeline { which, value } = ready else {
        return Ok(matches!(ready, SyncPoint::Signaled));
    };
    vulkan.open_timeline(which)?;
    if which.wait(*value, Duration::ZERO)? {
        return Ok(true);
    }
    waiting("a picture that is nearly complete", || {
        let begin = Instant::now();
        while begin.elapsed() < LOOK {
            if which.wait(*value, Duration::ZERO)? {
                return Ok(true);
            }
            std::hint::spin_loop();
        }
        Ok(false)
    })
}

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
fn complete(
    stream: &Stream,
    vulkan: &zerohop_vulkan::Device,
    awaited: Option<Awaited>,
) -> Result<(), Error> {
    let done = stream.submit()?;
    let waited = attend(&done, vulkan);
    // Our own is Vulkan's to see to: a value that we signaled here would be signaled again.
    let strange = awaited.filter(|(timeline, ..)| !timeline.is_ours());
    if let (Err(Error::Timeout { .. }), Some((timeline, semaphore, value))) = (&waited, strange) {
        // Whoever should have signaled it may be gone: the stream must not stand still for ever.
        timeline.forsake("CUDA waited for it in vain");
        let rescue = Stream::new(stream.device())?;
        rescue.signal(&semaphore, value)?;
        rescue.submit()?.wait("a signal", WITHIN)?;
        done.wait(PICTURE, WITHIN)?;
    }
    waited
}

/// Waits for `done`, which may need work of Vulkan's that waits for somebody.
fn attend(done: &Done, vulkan: &zerohop_vulkan::Device) -> Result<(), Error> {
    let begin = Instant::now();
    loop {
        match done.wait(PICTURE, GLANCE) {
            Err(Error::Timeout { .. }) if begin.elapsed() < WITHIN => vulkan.look_after_waits(),
            Err(Error::Timeout { what, .. }) => {
                return Err(Error::Timeout { what, limit: WITHIN });
            }
            other => return other,
        }
    }
}
