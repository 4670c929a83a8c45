//! Timeline semaphores: ours, and those of others.
//!
//! A device that waits for somebody else's timeline depends on them. So each such wait is remembered
//! ([`Awaited`]), and whoever waits for the device in turn looks after them now and then
//! ([`Device::look_after_waits`]): a value that does not come is signaled by us, which frees the queue,
//! and nothing that was read after it counts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use ash::{khr, vk};
use zerohop_frame::{Clock, SyncPoint, Timeline, with_causes};
use zerohop_kernel::{FileKind, clock_monotonic};

use crate::error::Doing;
use crate::{Device, Error, wait_on_cpu};

/// How long a value may take that a producer has promised.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same once its writer is gone: what it had submitted may still be running.
const LAST_WORK: Duration = Duration::from_millis(500);

/// How often the waits are looked after while somebody waits for the device.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// How far ahead of itself a timeline may be waited for: less than what every driver takes
/// (`maxTimelineSemaphoreValueDifference`), so that we can always signal it.
const MAX_AHEAD: u64 = 1 << 30;

const OPAQUE: vk::ExternalSemaphoreHandleTypeFlags =
    vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;

/// What sharing timelines takes.
pub(crate) struct Commands {
    pub(crate) timeline: khr::timeline_semaphore::Device,
    pub(crate) fd: khr::external_semaphore_fd::Device,
}

/// A timeline as this device has it.
pub(crate) struct View {
    device: Arc<Device>,
    raw: vk::Semaphore,
    /// Whether it goes with us: not the device's own.
    owned: bool,
}

/// A wait of the device for somebody else's timeline.
pub(crate) struct Awaited {
    view: Weak<View>,
    which: Weak<Timeline>,
    value: u64,
    since: Duration,
    /// When its writer was found to be gone.
    gone: Option<Duration>,
}

impl View {
    pub(crate) fn raw(&self) -> vk::Semaphore {
        self.raw
    }

    /// Where the timeline is.
    fn value(&self) -> Result<u64, Error> {
        let commands = self.device.timelines()?;
        // SAFETY: the semaphore is a timeline, and alive.
        unsafe { commands.timeline.get_semaphore_counter_value(self.raw) }.doing("ask a timeline")
    }

    /// Signals `value` in place of whoever should have, unless it is reached.
    fn free(&self, value: u64) -> Result<(), Error> {
        if self.value()? >= value {
            return Ok(());
        }
        let info = vk::SemaphoreSignalInfo::default().semaphore(self.raw).value(value);
        // SAFETY: it is not there yet, and not far away (`Device::watch_for`). Its writer is gone
        // or has broken its promise: nobody signals it any more that we would wait for.
        unsafe { self.device.timelines()?.timeline.signal_semaphore(&info) }
            .doing("signal a timeline")
    }

    fn wait_for(&self, value: u64, timeout: Duration) -> Result<bool, Error> {
        let (semaphores, values) = ([self.raw], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: as above.
        match unsafe { self.device.timelines()?.timeline.wait_semaphores(&info, timeout) } {
            Err(vk::Result::TIMEOUT) => Ok(false),
            other => other.map(|()| true).doing("wait for a timeline"),
        }
    }
}

impl Clock for View {
    fn wait(&self, value: u64, timeout: Duration) -> io::Result<bool> {
        let end = clock_monotonic().saturating_add(timeout);
        loop {
            let left = end.saturating_sub(clock_monotonic());
            let reached = self.wait_for(value, left.min(GLANCE));
            if reached.map_err(|err| io::Error::other(with_causes(&err)))? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            self.device.look_after_waits();
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: a submission that waits for it keeps us until it is done.
            unsafe { self.device.raw().destroy_semaphore(self.raw, None) };
        }
    }
}

/// A timeline at 0 that can leave.
fn create(device: &Device) -> Result<vk::Semaphore, Error> {
    let mut kind = vk::SemaphoreTypeCreateInfo::default()
        .semaphore_type(vk::SemaphoreType::TIMELINE)
        .initial_value(0);
    let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(OPAQUE);
    let info = vk::SemaphoreCreateInfo::default().push_next(&mut kind).push_next(&mut export);
    // SAFETY: the device is alive and the chain lives through the call.
    unsafe { device.raw().create_semaphore(&info, None) }.doing("create a timeline")
}

fn export(device: &Device, raw: vk::Semaphore) -> Result<OwnedFd, Error> {
    let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(raw).handle_type(OPAQUE);
    // SAFETY: made by `create`, so that it may leave.
    let fd =
        unsafe { device.timelines()?.fd.get_semaphore_fd(&info) }.doing("export a timeline")?;
    // SAFETY: a successful call gives us a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Device {
    /// The timeline that this device's submissions count on, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] on devices that cannot share one, [`Error::Call`].
    pub(crate) fn timeline(self: &Arc<Self>) -> Result<Arc<Timeline>, Error> {
        let _ = self.timelines()?;
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = own.shared.upgrade() {
            return Ok(shared);
        }
        if own.raw == vk::Semaphore::null() {
            own.raw = create(self)?;
        }
        let (raw, fd) = (own.raw, export(self, own.raw)?);
        let shared = Timeline::new(self.id(), fd, None);
        let device = Arc::clone(self);
        shared.view(|_: &View| true, || Ok::<_, Error>(View { device, raw, owned: false }))?;
        own.shared = Arc::downgrade(&shared);
        Ok(shared)
    }

    /// The timeline as this device has it: imported when it is seen for the first time. One that
    /// cannot be is forsaken, so that this is tried once.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] on devices that cannot, [`Error::OtherDevice`], [`Error::Forsaken`].
    pub fn open_timeline(self: &Arc<Self>, which: &Timeline) -> Result<(), Error> {
        self.view(which).map(drop)
    }

    /// Waits for `point` on the CPU, also for a timeline that this device has not seen.
    ///
    /// # Errors
    ///
    /// As [`wait_on_cpu`], and as [`open_timeline`](Self::open_timeline).
    pub fn wait_on_cpu(self: &Arc<Self>, point: &SyncPoint) -> Result<(), Error> {
        if let SyncPoint::Timeline { which, .. } = point {
            self.open_timeline(which)?;
        }
        wait_on_cpu(point)
    }

    pub(crate) fn view(self: &Arc<Self>, which: &Timeline) -> Result<Arc<View>, Error> {
        let _ = self.timelines()?;
        if which.device() != self.id() {
            return Err(Error::OtherDevice);
        }
        if let Some(why) = which.forsaken() {
            return Err(Error::Forsaken(why.to_owned()));
        }
        let ours = |view: &View| Arc::ptr_eq(&view.device, self);
        which.view(ours, || self.import_timeline(which)).inspect_err(|err| {
            which.forsake(&format!("the timeline cannot be imported: {}", with_causes(err)));
        })
    }

    fn import_timeline(self: &Arc<Self>, which: &Timeline) -> Result<View, Error> {
        // Of a kind with our own, for the reason that `memory.rs` has.
        let own = self.timeline()?;
        let kind = |timeline: &Timeline| FileKind::of(timeline).doing("look at a timeline");
        if kind(&own)? != kind(which)? {
            return Err(Error::Unsupported("a descriptor that is no timeline of this device"));
        }
        let fd = which.as_fd().try_clone_to_owned().doing("duplicate a descriptor")?;
        let view = View { device: Arc::clone(self), raw: create(self)?, owned: true };
        let info = vk::ImportSemaphoreFdInfoKHR::default()
            .semaphore(view.raw)
            .handle_type(OPAQUE)
            .fd(fd.as_raw_fd());
        // SAFETY: the semaphore is new, and `fd` a descriptor of the kind that this device exports.
        unsafe { self.timelines()?.fd.import_semaphore_fd(&info) }.doing("import a timeline")?;
        // The driver owns the descriptor now, and only now.
        let _ = fd.into_raw_fd();
        Ok(view)
    }

    /// Remembers that a submission waits until `which` is at `value`.
    ///
    /// # Errors
    ///
    /// [`Error::Forsaken`] for a value that is so far away that we could not signal it ourselves.
    pub(crate) fn watch_for(
        self: &Arc<Self>,
        which: &Arc<Timeline>,
        value: u64,
    ) -> Result<Arc<View>, Error> {
        let view = self.view(which)?;
        let at = view.value()?;
        if value > at.saturating_add(MAX_AHEAD) {
            let why = format!("value {value} is too far ahead of a timeline that is at {at}");
            which.forsake(&why);
            return Err(Error::Forsaken(why));
        }
        self.look_after_waits();
        if value > at && view.owned {
            let (view, which) = (Arc::downgrade(&view), Arc::downgrade(which));
            let awaited = Awaited { view, which, value, since: clock_monotonic(), gone: None };
            self.awaited().push(awaited);
        }
        Ok(view)
    }

    /// Sees to it that no wait for somebody else's timeline holds the queue up for long. Our own waits
    /// call it; so does who waits elsewhere for what this device does.
    pub fn look_after_waits(&self) {
        let now = clock_monotonic();
        // A view that goes here may be the last that holds the device.
        let mut kept = Vec::new();
        self.awaited().retain_mut(|awaited| {
            let Some(view) = awaited.view.upgrade() else { return false };
            let waits = awaited.is_still_needed(&view, now);
            kept.push(view);
            waits
        });
    }
}

impl Awaited {
    fn is_still_needed(&mut self, view: &View, now: Duration) -> bool {
        // A lost device waits for nothing.
        if view.value().is_ok_and(|at| at >= self.value) || view.value().is_err() {
            return false;
        }
        let which = self.which.upgrade();
        let lives = which.as_ref().is_some_and(|which| which.lives());
        let gone = if lives { None } else { Some(*self.gone.get_or_insert(now)) };
        self.gone = gone;
        let late = now.saturating_sub(self.since) >= PATIENCE;
        if !late && gone.is_none_or(|gone| now.saturating_sub(gone) < LAST_WORK) {
            return true;
        }
        if let Some(which) = which {
            which.forsake(&unreached(self.value, lives));
        }
        // What fails here fails because the device is lost.
        let _ = view.free(self.value);
        false
    }
}

/// Waits on the CPU until `which` is at `value`. Gives up on a writer that takes too long.
pub(crate) fn wait(which: &Timeline, value: u64) -> Result<(), Error> {
    let begin = clock_monotonic();
    let mut gone = None;
    loop {
        if which.wait(value, GLANCE).doing("wait for a timeline")? {
            return Ok(());
        }
        let (now, lives) = (clock_monotonic(), which.lives());
        gone = if lives { None } else { gone.or(Some(now)) };
        let late = now.saturating_sub(begin) >= PATIENCE;
        if late || gone.is_some_and(|gone| now.saturating_sub(gone) >= LAST_WORK) {
            which.forsake(&unreached(value, lives));
            return Err(Error::Forsaken(unreached(value, lives)));
        }
    }
}

fn unreached(value: u64, lives: bool) -> String {
    match lives {
        true => format!("the timeline did not come to {value} within {} s", PATIENCE.as_secs()),
        false => format!("the timeline did not come to {value} before its writer ended"),
    }
}
