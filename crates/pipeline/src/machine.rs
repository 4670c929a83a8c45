//! A device with what was imported into it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use zerohop_frame::{
    BoxError, DeviceId, Fallback, Frame, MemoryHandle, Observer as _, Stage, SyncPoint,
};
use zerohop_kernel::clock_monotonic;
use zerohop_vulkan::{
    Device, DeviceChoice, Image, ImportCache, Instance, InstanceOptions, Messages, Queue,
};

use crate::Measurements;

/// A device that is open.
struct Open {
    options: InstanceOptions,
    device: Weak<Device>,
}

/// All of them: streams that are read beside each
/// other share a device and its queue, so that the GPU need not go from one context to another.
static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// The device that reads pictures, opened when it is known which.
pub(crate) struct Machine {
    pub(crate) device: Arc<Device>,
    pub(crate) queue: Arc<Queue>,
    images: ImportCache,
}

impl Machine {
    /// Opens `owner`, the only device that can read the pictures, or any that is `choice`. One that
    /// was asked for and cannot be used is a fallback.
    pub(crate) fn open(
        options: InstanceOptions,
        choice: &DeviceChoice,
        owner: Option<DeviceId>,
        measurements: &Measurements,
    ) -> Result<Self, BoxError> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|one| one.device.strong_count() > 0);
        let alike = open.iter().filter(|one| one.options == options);
        let beside: Vec<_> = alike.filter_map(|one| one.device.upgrade()).collect();
        let instance = beside.first().map(|device| Arc::clone(device.physical().instance()));
        let instance = instance.map_or_else(|| Instance::new(options), Ok)?;
        let needed = owner.map_or_else(|| choice.clone(), DeviceChoice::Owner);
        let physical = needed.pick(&instance)?;
        let asked = choice.pick(&instance);
        if *choice != DeviceChoice::Any && asked.is_ok_and(|one| one.id() != physical.id()) {
            measurements.fallback(Fallback {
                what: "device".into(),
                reason: format!("the application renders on {}", physical.name()),
                cost: "the device that was asked for is not used".into(),
            });
        }
        let device = match beside.into_iter().find(|device| device.id() == physical.id()) {
            Some(device) => device,
            None => {
                let device = Device::open(&physical)?;
                open.push(Open { options, device: Arc::downgrade(&device) });
                device
            }
        };
        drop(open);
        device.fallback().into_iter().for_each(|one| measurements.fallback(one.clone()));
        let (queue, images) = (Queue::new(&device), ImportCache::new(&device));
        Ok(Self { device, queue, images })
    }

    /// Whether it can read what `owner` made.
    pub(crate) fn fits(&self, owner: Option<DeviceId>) -> bool {
        owner.is_none_or(|owner| self.device.id() == owner)
    }

    /// Nothing, or the first thing that the validation layer has said, if it was asked for: told to one of
    /// those who share the device. To be called when all that was made on it is gone: it tells of
    /// leaks then.
    pub(crate) fn silence(&self) -> Result<(), BoxError> {
        let messages = self.device.physical().instance().messages();
        messages
            .and_then(Messages::tell)
            .map_or(Ok(()), |first| Err(format!("the validation layer says: {first}").into()))
    }

    /// The image of the frame's buffer, made when it is seen for the first time.
    pub(crate) fn import(
        &mut self,
        frame: &Frame,
        measurements: &Measurements,
    ) -> Result<Arc<Image>, BoxError> {
        if let SyncPoint::Timeline { which, .. } = frame.acquire()
            && self.device.shares_timelines()
        {
            // Whoever reads it on the CPU waits through the device. Where that cannot, CUDA may.
            self.device.open_timeline(which)?;
        }
        let begin = clock_monotonic();
        let cached = self.images.get(frame.buffer())?;
        if cached.fresh {
            if let Some(rows) = cached.image.opaque_rows() {
                frame.buffer().set_opaque_rows(rows);
            }
            let sequence = frame.info().sequence;
            measurements.span(sequence, Stage::Import, begin, clock_monotonic());
        }
        Ok(cached.image)
    }
}

/// The only device that can read `frame`, if not every one can: the one of its memory, or of the
/// timeline that says when it is complete.
pub(crate) fn owner(frame: &Frame) -> Option<DeviceId> {
    let mut memory = frame.buffer().memory().iter();
    let opaque = memory.find_map(|memory| match memory {
        MemoryHandle::OpaqueFd { device, .. } => Some(*device),
        _ => None,
    });
    opaque.or_else(|| match frame.acquire() {
        SyncPoint::Timeline { which, .. } => Some(which.device()),
        _ => None,
    })
}
