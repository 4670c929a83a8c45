//! Timeline semaphores: ours, and those of others.
//!
//! A device that waits for somebody else's timeline depends on them. So each such wait is remembered
//! ([`Awaited`]), and whoever waits for the device in turn looks after them now and then
//! ([`Device::look_after_waits`]): a value that does not come is signaled by us, which frees the queue,
//! and nothing that was read after it counts.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use ash::{khr, vk};
use zerohop_frame::{Clock, SyncPoint, Timeline, with_causes};
use zerohop_kernel::{FileKind, Handed, clock_monotonic};

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
    device: Link,
    raw: vk::Semaphore,
    /// Where the last submission leaves it, if the device's submissions count on it. Changes under the
    /// queue's lock.
    last: AtomicU64,
}

/// How a view holds its device.
enum Link {
    /// The semaphore goes with the view, and the device not before it.
    Holds(Arc<Device>),
    /// The device's own timeline, which goes with the device.
    Own(Weak<Device>),
}

/// A timeline that the device's submissions count on, in their order.
#[derive(Clone)]
pub(crate) struct Count {
    pub(crate) shared: Arc<Timeline>,
    view: Arc<View>,
}

impl Count {
    /// The semaphore, and the value that the next submission signals. Under the queue's lock.
    pub(crate) fn next(&self) -> (vk::Semaphore, u64) {
        (self.view.raw, self.view.last.load(Ordering::Acquire) + 1)
    }

    /// Notes that it was submitted.
    pub(crate) fn note(&self, value: u64) {
        self.view.last.store(value, Ordering::Release);
    }

    pub(crate) fn raw(&self) -> vk::Semaphore {
        self.view.raw
    }
}

/// The waits of the device for one timeline of somebody else's.
pub(crate) struct Awaited {
    view: Weak<View>,
    which: Weak<Timeline>,
    promise: Promise,
}

/// What a writer has promised, and kept.
#[derive(Debug, Default)]
struct Promise {
    /// The largest value that was waited for and reached.
    kept: u64,
    /// Values that are waited for, each with when that began.
    open: VecDeque<(u64, Duration)>,
    /// When the writer was found to be gone.
    gone: Option<Duration>,
}

impl View {
    fn new(device: Link, raw: vk::Semaphore) -> Self {
        Self { device, raw, last: AtomicU64::new(0) }
    }

    pub(crate) fn raw(&self) -> vk::Semaphore {
        self.raw
    }

    /// The device, unless it is gone and all its work with it.
    fn device(&self) -> Option<Arc<Device>> {
        match &self.device {
            Link::Holds(device) => Some(Arc::clone(device)),
            Link::Own(device) => device.upgrade(),
        }
    }

    fn is_of(&self, device: &Arc<Device>) -> bool {
        match &self.device {
            Link::Holds(known) => Arc::ptr_eq(known, device),
            Link::Own(known) => known.as_ptr() == Arc::as_ptr(device),
        }
    }

    /// Where the timeline is.
    fn value(&self, device: &Device) -> Result<u64, Error> {
        let commands = device.timelines()?;
        // SAFETY: the semaphore is a timeline, and alive.
        unsafe { commands.timeline.get_semaphore_counter_value(self.raw) }.doing("ask a timeline")
    }

    /// Signals `value` in place of whoever should have, unless it is reached.
    fn free(&self, device: &Device, value: u64) -> Result<(), Error> {
        if self.value(device)? >= value {
            return Ok(());
        }
        let info = vk::SemaphoreSignalInfo::default().semaphore(self.raw).value(value);
        // SAFETY: it is not there yet, and not far away (`Device::watch_for`). Its writer is gone
        // or has broken its promise: nobody signals it any more that we would wait for.
        unsafe { device.timelines()?.timeline.signal_semaphore(&info) }.doing("signal a timeline")
    }

    fn wait_for(&self, device: &Device, value: u64, timeout: Duration) -> Result<bool, Error> {
        let (semaphores, values) = ([self.raw], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: as above.
        match unsafe { device.timelines()?.timeline.wait_semaphores(&info, timeout) } {
            Err(vk::Result::TIMEOUT) => Ok(false),
            other => other.map(|()| true).doing("wait for a timeline"),
        }
    }
}

impl Clock for View {
    fn is_at(&self, value: u64) -> io::Result<bool> {
        let Some(device) = self.device() else { return Ok(true) };
        let at = self.value(&device).map_err(|err| io::Error::other(with_causes(&err)))?;
        Ok(at >= value)
    }

    fn wait(&self, value: u64, timeout: Duration) -> io::Result<bool> {
        let Some(device) = self.device() else { return Ok(true) };
        let end = clock_monotonic().saturating_add(timeout);
        loop {
            let left = end.saturating_sub(clock_monotonic());
            let reached = self.wait_for(&device, value, left.min(GLANCE));
            if reached.map_err(|err| io::Error::other(with_causes(&err)))? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            device.look_after_waits();
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Link::Holds(device) = &self.device {
            // SAFETY: a submission that waits for it or signals it keeps us until it is done.
            unsafe { device.raw().destroy_semaphore(self.raw, None) };
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
    /// The timeline that this device's submissions count on, in their order: for this process alone.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] on devices that cannot share one, [`Error::Call`].
    pub(crate) fn count(self: &Arc<Self>) -> Result<Count, Error> {
        let _ = self.timelines()?;
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = &*own {
            return Ok(count.clone());
        }
        let made = self.create_count(Link::Own(Arc::downgrade(self)))?;
        Ok(own.insert(made).clone())
    }

    /// The same for the writer of `which`, who alone is told of it: whoever has a timeline can signal
    /// it, and make reads look finished that are not.
    ///
    /// # Errors
    ///
    /// As [`count`](Self::count); [`Error::Forsaken`] when the writer has signaled it.
    pub(crate) fn count_for(self: &Arc<Self>, which: &Timeline) -> Result<Count, Error> {
        if which.is_ours() {
            return self.count();
        }
        let known = |answer: &Timeline| answer.known_view(|view: &View| view.is_of(self));
        let make = || self.create_count(Link::Holds(Arc::clone(self))).map(|made| made.shared);
        let shared = which.answer(|answer| known(answer).is_some(), make)?;
        let view = known(&shared).ok_or(Error::OtherDevice)?;
        if view.value(self)? > view.last.load(Ordering::Acquire) {
            let why = "a timeline of the host's was signaled by its producer";
            which.forsake(why);
            return Err(Error::Forsaken(why.to_owned()));
        }
        Ok(Count { shared, view })
    }

    fn create_count(&self, link: Link) -> Result<Count, Error> {
        let raw = create(self)?;
        let fd = export(self, raw).inspect_err(|_| {
            // SAFETY: new, and used by nobody.
            unsafe { self.raw().destroy_semaphore(raw, None) };
        })?;
        let shared = Timeline::new(self.id(), fd, None);
        let view = shared.view(|_: &View| true, || Ok::<_, Error>(View::new(link, raw)))?;
        Ok(Count { shared, view })
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
        let ours = |view: &View| view.is_of(self);
        which.view(ours, || self.import_timeline(which)).inspect_err(|err| {
            which.forsake(&format!("the timeline cannot be imported: {}", with_causes(err)));
        })
    }

    fn import_timeline(self: &Arc<Self>, which: &Timeline) -> Result<View, Error> {
        // Of a kind with our own, for the reason that `memory.rs` has.
        let own = self.count()?.shared;
        let kind = |timeline: &Timeline| FileKind::of(timeline).doing("look at a timeline");
        if kind(&own)? != kind(which)? {
            return Err(Error::Unsupported("a descriptor that is no timeline of this device"));
        }
        let fd = Handed::new(which.as_fd()).doing("duplicate a descriptor")?;
        let view = View::new(Link::Holds(Arc::clone(self)), create(self)?);
        let info = vk::ImportSemaphoreFdInfoKHR::default()
            .semaphore(view.raw)
            .handle_type(OPAQUE)
            .fd(fd.raw());
        // SAFETY: the semaphore is new, and `fd` a descriptor of the kind that this device exports.
        unsafe { self.timelines()?.fd.import_semaphore_fd(&info) }.doing("import a timeline")?;
        fd.taken();
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
        let at = view.value(self)?;
        if value > at.saturating_add(MAX_AHEAD) {
            let why = format!("value {value} is too far ahead of a timeline that is at {at}");
            which.forsake(&why);
            return Err(Error::Forsaken(why));
        }
        self.look_after_waits();
        if !which.is_ours() {
            self.remember(&view, which, value);
        }
        Ok(view)
    }

    fn remember(&self, view: &Arc<View>, which: &Arc<Timeline>, value: u64) {
        let mut awaited = self.awaited();
        let known = awaited.iter_mut().find(|it| it.view.as_ptr() == Arc::as_ptr(view));
        let open = (value, clock_monotonic());
        if let Some(known) = known {
            return known.promise.open.push_back(open);
        }
        let promise = Promise { open: [open].into(), ..Promise::default() };
        let (view, which) = (Arc::downgrade(view), Arc::downgrade(which));
        awaited.push(Awaited { view, which, promise });
    }

    /// Sees to it that no wait for somebody else's timeline holds the queue up for long. Our own waits
    /// call it; so does who waits elsewhere for what this device does.
    pub fn look_after_waits(&self) {
        let now = clock_monotonic();
        // A view that goes here may be the last that holds the device.
        let mut kept = Vec::new();
        self.awaited().retain_mut(|awaited| {
            let (Some(view), Some(which)) = (awaited.view.upgrade(), awaited.which.upgrade())
            else {
                return false;
            };
            let needed = awaited.promise.look_after(self, &view, &which, now);
            kept.push((view, which));
            needed
        });
    }
}

impl Promise {
    /// Frees the queue from a writer that broke it. `false`: nothing waits any more.
    fn look_after(
        &mut self,
        device: &Device,
        view: &View,
        which: &Timeline,
        now: Duration,
    ) -> bool {
        // A lost device waits for nothing.
        let Ok(at) = view.value(device) else { return false };
        let Err(why) = self.judge(at, || which.lives(), now) else { return true };
        which.forsake(&why);
        let most = self.open.back().map_or(self.kept, |(value, _)| *value);
        // What fails here fails because the device is lost.
        let _ = view.free(device, most.max(self.kept));
        false
    }

    /// Whether a timeline that is `at` this value keeps it.
    ///
    /// # Errors
    ///
    /// Why nobody waits for it any more.
    fn judge(
        &mut self,
        at: u64,
        lives: impl FnOnce() -> bool,
        now: Duration,
    ) -> Result<(), String> {
        while let Some((value, _)) = self.open.front().copied().filter(|(value, _)| *value <= at) {
            self.kept = self.kept.max(value);
            self.open.pop_front();
        }
        if at < self.kept {
            return Err(format!("the timeline went back from {} to {at}", self.kept));
        }
        let Some((value, since)) = self.open.front() else { return Ok(()) };
        // Asked only now: the kernel has to say it.
        let lives = lives();
        self.gone = if lives { None } else { self.gone.or(Some(now)) };
        let late = now.saturating_sub(*since) >= PATIENCE;
        let gone = self.gone.is_some_and(|gone| now.saturating_sub(gone) >= LAST_WORK);
        if late || gone { Err(unreached(*value, lives)) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn awaiting(values: &[u64]) -> Promise {
        let open = values.iter().map(|value| (*value, SECOND * *value as u32)).collect();
        Promise { open, ..Promise::default() }
    }

    #[test]
    fn a_value_that_does_not_come_is_waited_for_ten_seconds_from_its_own_promise() {
        let mut promise = awaiting(&[1, 2, 3]);
        assert_eq!(promise.judge(1, || true, SECOND * 11), Ok(()));
        assert_eq!(promise.judge(1, || true, SECOND * 11 + SECOND / 2), Ok(()));
        let why = promise.judge(1, || true, SECOND * 12).unwrap_err();
        assert_eq!(why, "the timeline did not come to 2 within 10 s");
    }

    #[test]
    fn a_timeline_that_goes_back_has_broken_its_word_at_once() {
        let mut promise = awaiting(&[5, 6]);
        assert_eq!(promise.judge(9, || true, SECOND * 7), Ok(()));
        let why = promise.judge(5, || true, SECOND * 7).unwrap_err();
        assert_eq!(why, "the timeline went back from 6 to 5");
    }

    #[test]
    fn a_writer_that_is_gone_has_half_a_second_for_its_last_work() {
        let mut promise = awaiting(&[1]);
        assert_eq!(promise.judge(0, || false, SECOND * 2), Ok(()));
        assert_eq!(promise.judge(0, || false, SECOND * 2 + LAST_WORK / 2), Ok(()));
        let why = promise.judge(0, || false, SECOND * 2 + LAST_WORK).unwrap_err();
        assert_eq!(why, "the timeline did not come to 1 before its writer ended");
    }

    #[test]
    fn what_is_reached_is_not_missed_from_a_writer_that_is_gone() {
        let mut promise = awaiting(&[1]);
        assert_eq!(promise.judge(1, || false, SECOND * 60), Ok(()));
        assert_eq!(promise.judge(1, || false, SECOND * 90), Ok(()));
    }
}
