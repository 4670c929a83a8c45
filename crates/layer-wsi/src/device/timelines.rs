//! Timelines that are shared with the host: ours, one for each queue, and the host's.
//!
//! On one queue submissions signal in their order, so a timeline of a queue has one writer and only
//! grows. The host's are only looked at: nothing of ours is submitted that waits for one.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ash::{khr, vk};
use zerohop_frame::{Timeline, TimelineId, waiting};
use zerohop_kernel::FileKind;
use zerohop_layer::{Doing, LayerError};

use super::{DeviceState, QueueState};

const OPAQUE: vk::ExternalSemaphoreHandleTypeFlags =
    vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;

/// How often a wait is tried that is refused for want of memory.
const TRIES: usize = 4;

/// Sharing timelines with a host.
pub(crate) struct Timelines {
    commands: khr::timeline_semaphore::Device,
    fd: khr::external_semaphore_fd::Device,
    /// The host's, as this device has them.
    theirs: Mutex<HashMap<TimelineId, Theirs>>,
}

struct Theirs {
    raw: vk::Semaphore,
    which: Weak<Timeline>,
}

/// The timeline that one queue counts on.
pub(crate) struct Count {
    raw: vk::Semaphore,
    /// Where the last submission that counts leaves it. Changes under the queue's lock.
    last: AtomicU64,
    /// What the host is told.
    pub(crate) shared: Arc<Timeline>,
}

impl Count {
    /// The semaphore, and the value that the next submission signals. Under the queue's lock.
    pub(crate) fn next(&self) -> (vk::Semaphore, u64) {
        (self.raw, self.last() + 1)
    }

    /// Notes that it was submitted.
    pub(crate) fn note(&self, value: u64) {
        self.last.store(value, Ordering::Release);
    }

    /// The last value that was submitted.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }
}

impl Timelines {
    pub(super) fn new(finder: &ash::Instance, raw: &ash::Device) -> Self {
        Self {
            commands: khr::timeline_semaphore::Device::new(finder, raw),
            fd: khr::external_semaphore_fd::Device::new(finder, raw),
            theirs: Mutex::default(),
        }
    }

    fn theirs(&self) -> MutexGuard<'_, HashMap<TimelineId, Theirs>> {
        self.theirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, raw: vk::Semaphore, value: u64, limit: Duration) -> Result<(), vk::Result> {
        let (semaphores, values) = ([raw], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: a timeline of ours, which lives as long as the device.
        unsafe { self.commands.wait_semaphores(&info, limit) }
    }

    /// Waits until what a queue has submitted with `value` is done: without end, as a driver waits.
    /// `false`: nobody knows.
    pub(crate) fn is_done(&self, count: &Count, value: u64) -> bool {
        for _ in 0..TRIES {
            match waiting("the queue", || self.wait(count.raw, value, Duration::MAX)) {
                // A lost device has finished everything ("Lost Device").
                Ok(()) | Err(vk::Result::ERROR_DEVICE_LOST) => return true,
                Err(_) => {}
            }
        }
        false
    }
}

impl DeviceState {
    /// The timeline of a queue, made when it is asked for first.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`], and without [`timelines`](Self::timelines).
    pub(crate) fn count_of<'a>(&self, queue: &'a QueueState) -> Result<&'a Count, LayerError> {
        if let Some(count) = queue.count.get() {
            return Ok(count);
        }
        let timelines = self.shared_timelines()?;
        let raw = self.create_timeline()?;
        let made = self.export_timeline(timelines, raw);
        let fd = made.inspect_err(|_| self.destroy_timeline(raw))?;
        let shared = Timeline::new(self.id, fd, None);
        let new = Count { raw, last: AtomicU64::new(0), shared };
        if let Err(second) = queue.count.set(new) {
            // Another thread was here first.
            self.destroy_timeline(second.raw);
        }
        queue.count.get().ok_or_else(lacks)
    }

    /// Whether the host's `which` has come to `value`.
    ///
    /// # Errors
    ///
    /// What cannot be imported, and what the device reports.
    pub(crate) fn is_at(&self, which: &Arc<Timeline>, value: u64) -> Result<bool, LayerError> {
        let (timelines, raw) = (self.shared_timelines()?, self.import_timeline(which)?);
        // SAFETY: a timeline of ours, which lives as long as the device.
        let at = unsafe { timelines.commands.get_semaphore_counter_value(raw) };
        at.map(|at| at >= value).doing("ask a timeline of the host's")
    }

    /// Sleeps until it is, for `limit` at most.
    pub(crate) fn wait_at(&self, which: &Arc<Timeline>, value: u64, limit: Duration) {
        let waited = self.shared_timelines().and_then(|timelines| {
            let raw = self.import_timeline(which)?;
            timelines.wait(raw, value, limit).doing("wait for a timeline of the host's")
        });
        let late = |err: &LayerError| err.code() == vk::Result::TIMEOUT;
        if waited.is_err_and(|err| !late(&err)) {
            // Whoever asks next hears of it.
            std::thread::sleep(limit);
        }
    }

    /// Waits until what `queue` has submitted with `value` is done, for `limit` at most.
    ///
    /// # Errors
    ///
    /// What the device reports, `VK_TIMEOUT` too.
    pub(crate) fn wait_for(
        &self,
        queue: &QueueState,
        value: u64,
        limit: Duration,
    ) -> Result<(), LayerError> {
        let (timelines, count) = (self.shared_timelines()?, self.count_of(queue)?);
        timelines.wait(count.raw, value, limit).doing("wait for a picture to be drawn")
    }

    /// Destroys them all. Nothing that was submitted with one is pending.
    pub(super) fn end_timelines(&self) -> Vec<Arc<Timeline>> {
        let Some(timelines) = &self.timelines else { return Vec::new() };
        timelines.theirs().drain().for_each(|(_, theirs)| self.destroy_timeline(theirs.raw));
        let queues = self.queues.values();
        let counts = queues.iter().filter_map(|queue| queue.count.get());
        counts
            .map(|count| {
                self.destroy_timeline(count.raw);
                Arc::clone(&count.shared)
            })
            .collect()
    }

    fn shared_timelines(&self) -> Result<&Timelines, LayerError> {
        self.timelines.as_ref().ok_or_else(lacks)
    }

    fn import_timeline(&self, which: &Arc<Timeline>) -> Result<vk::Semaphore, LayerError> {
        let timelines = self.shared_timelines()?;
        let mut theirs = timelines.theirs();
        if let Some(known) = theirs.get(&which.id()) {
            return Ok(known.raw);
        }
        // Those of a connection that is over.
        theirs.retain(|_, one| {
            let lives = one.which.strong_count() > 0;
            if !lives {
                self.destroy_timeline(one.raw);
            }
            lives
        });
        let raw = self.create_timeline()?;
        let imported = self.check_kind(timelines, raw, which);
        let imported = imported.and_then(|()| import(timelines, raw, which));
        imported.inspect_err(|_| self.destroy_timeline(raw))?;
        theirs.insert(which.id(), Theirs { raw, which: Arc::downgrade(which) });
        Ok(raw)
    }

    /// Refuses a descriptor of another kind than this device exports. A driver may take one badly:
    /// after a refused one, NVIDIA's 580 has no memory to export for anybody any more.
    fn check_kind(
        &self,
        timelines: &Timelines,
        raw: vk::Semaphore,
        which: &Timeline,
    ) -> Result<(), LayerError> {
        let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
        let own = self.export_timeline(timelines, raw)?;
        let kind = |fd| FileKind::of(fd).map_err(|err| LayerError::outside("look", code, err));
        if kind(own.as_fd())? == kind(which.as_fd())? {
            return Ok(());
        }
        Err(LayerError::refused(code, "what the host sent is no timeline of this device"))
    }

    /// A timeline at 0 that can leave.
    fn create_timeline(&self) -> Result<vk::Semaphore, LayerError> {
        let mut kind =
            vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(OPAQUE);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind).push_next(&mut export);
        // SAFETY: the device has timelines, and exports them as this type.
        unsafe { self.raw.create_semaphore(&info, None) }.doing("create a timeline")
    }

    fn destroy_timeline(&self, raw: vk::Semaphore) {
        // SAFETY: ours, and nothing that was submitted with it is pending.
        unsafe { self.raw.destroy_semaphore(raw, None) };
    }

    fn export_timeline(
        &self,
        timelines: &Timelines,
        raw: vk::Semaphore,
    ) -> Result<OwnedFd, LayerError> {
        let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(raw).handle_type(OPAQUE);
        // SAFETY: made by `create_timeline`, so that it may leave.
        let fd = unsafe { timelines.fd.get_semaphore_fd(&info) }.doing("export a timeline")?;
        // SAFETY: a successful call gives us a new descriptor.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

fn import(timelines: &Timelines, raw: vk::Semaphore, which: &Timeline) -> Result<(), LayerError> {
    let outside =
        |err| LayerError::outside("take a timeline", vk::Result::ERROR_OUT_OF_HOST_MEMORY, err);
    let fd = which.as_fd().try_clone_to_owned().map_err(outside)?;
    let info = vk::ImportSemaphoreFdInfoKHR::default()
        .semaphore(raw)
        .handle_type(OPAQUE)
        .fd(fd.as_raw_fd());
    // SAFETY: the semaphore is ours and new, and `fd` of the kind that the device exports.
    unsafe { timelines.fd.import_semaphore_fd(&info) }.doing("import a timeline")?;
    // The driver owns the descriptor now, and only now.
    let _ = fd.into_raw_fd();
    Ok(())
}

fn lacks() -> LayerError {
    LayerError::refused(vk::Result::ERROR_UNKNOWN, "the device shares no timelines")
}
