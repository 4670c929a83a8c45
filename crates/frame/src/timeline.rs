//! Timelines: numbers that devices count up, shared by descriptor.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::{DeviceId, waiting};

/// Names a timeline for as long as the process lives. Never reused, unlike a descriptor number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimelineId(u64);

impl TimelineId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who signals a timeline that came from elsewhere.
pub trait Writer: Send + Sync {
    /// Whether it may still signal.
    fn lives(&self) -> bool;

    /// It said what is not true, or did not signal what it promised: its connection ends, and it is
    /// told `why`. Must not block.
    fn refuse(&self, why: &str);
}

/// A timeline as one device has it: what an importer keeps with it ([`Timeline::view`]).
pub trait Clock: Any + Send + Sync {
    /// Whether the timeline is at `value`. A look at memory, where the driver has it there.
    ///
    /// # Errors
    ///
    /// A device that is lost.
    fn is_at(&self, value: u64) -> io::Result<bool>;

    /// Waits on the CPU until the timeline is at `value`. Returns `false` when `timeout` passed
    /// first.
    ///
    /// # Errors
    ///
    /// A device that is lost.
    fn wait(&self, value: u64, timeout: Duration) -> io::Result<bool>;
}

/// A timeline semaphore as `VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT`: a number of 64 bits that
/// one device work of its writer after the other raises. Nobody but its writer signals it.
///
/// It is announced once, as a buffer is, and imported once by each device ([`Self::view`]). Then
/// [`SyncPoint::Timeline`](crate::SyncPoint::Timeline) names a value of it.
///
/// Who waits for it on a device depends on a stranger: a value that is never reached would hold up
/// the device's queue for ever. An importer therefore limits each wait, and ends it by signaling the
/// value itself ([`Self::forsake`]).
///
/// # References
///
/// Vulkan specification, "Semaphores", "Timeline Semaphores"; `VkSemaphoreTypeCreateInfo`.
pub struct Timeline {
    id: TimelineId,
    device: DeviceId,
    fd: OwnedFd,
    writer: Option<Box<dyn Writer>>,
    views: Mutex<Vec<Arc<dyn Clock>>>,
    answers: Mutex<Vec<Arc<Timeline>>>,
    forsaken: OnceLock<String>,
}

impl Timeline {
    /// The timeline behind `fd`, which only `device` can open. `writer` is who signals it, `None` when
    /// it is this process.
    pub fn new(device: DeviceId, fd: OwnedFd, writer: Option<Box<dyn Writer>>) -> Arc<Self> {
        let (id, views, answers) = (TimelineId::next(), Mutex::default(), Mutex::default());
        Arc::new(Self { id, device, fd, writer, views, answers, forsaken: OnceLock::new() })
    }

    /// The key under which importers may cache their view of it.
    pub fn id(&self) -> TimelineId {
        self.id
    }

    /// The only device that can open it.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// Whether this process signals it.
    pub fn is_ours(&self) -> bool {
        self.writer.is_none()
    }

    /// Whether its writer may still signal it.
    pub fn lives(&self) -> bool {
        self.forsaken.get().is_none() && self.writer.as_ref().is_none_or(|writer| writer.lives())
    }

    /// The view that fits, or else the one that `make` makes; it stays as long as the timeline does.
    /// Views of one kind are made one at a time.
    ///
    /// # Errors
    ///
    /// Those of `make`.
    pub fn view<T: Clock, E>(
        &self,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut views = self.views();
        if let Some(known) = find(&views, fits) {
            return Ok(known);
        }
        let view = Arc::new(make()?);
        views.push(Arc::clone(&view) as _);
        Ok(view)
    }

    /// The view that fits, if it was made.
    pub fn known_view<T: Clock>(&self, fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        find(&self.views(), fits)
    }

    /// The timeline of ours that its writer is answered with, the one that fits, or else the one that
    /// `make` makes: nobody else is told of it, so that nobody else can signal it. It stays as long as
    /// this one does.
    ///
    /// # Errors
    ///
    /// Those of `make`.
    pub fn answer<E>(
        &self,
        fits: impl Fn(&Timeline) -> bool,
        make: impl FnOnce() -> Result<Arc<Timeline>, E>,
    ) -> Result<Arc<Timeline>, E> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.iter().find(|answer| fits(answer)) {
            return Ok(Arc::clone(known));
        }
        let answer = make()?;
        answers.push(Arc::clone(&answer));
        Ok(answer)
    }

    /// Waits on the CPU until it is at `value`, by one of its views. Returns `false` when `timeout`
    /// passed first.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) when no device has imported it,
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) when nobody waits for it any more
    /// ([`Self::forsake`]), and what its device says.
    pub fn wait(&self, value: u64, timeout: Duration) -> io::Result<bool> {
        if let Some(why) = self.forsaken() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, why));
        }
        let none = || io::Error::new(io::ErrorKind::Unsupported, "no device has the timeline");
        let view = self.views().first().cloned().ok_or_else(none)?;
        // No wait but a look.
        match timeout.is_zero() {
            true => view.is_at(value),
            false => waiting("a timeline", || view.wait(value, timeout)),
        }
    }

    /// Gives up on its writer, for `why`: no value of it means anything from now on, whoever has
    /// signaled it. The first reason stays.
    pub fn forsake(&self, why: &str) {
        if self.forsaken.set(why.to_owned()).is_ok()
            && let Some(writer) = &self.writer
        {
            writer.refuse(why);
        }
    }

    /// Why nobody waits for it any more, if that is so.
    pub fn forsaken(&self) -> Option<&str> {
        self.forsaken.get().map(String::as_str)
    }

    fn views(&self) -> MutexGuard<'_, Vec<Arc<dyn Clock>>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<T: Clock>(views: &[Arc<dyn Clock>], fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
    views.iter().find_map(|view| {
        let view: Arc<dyn Any + Send + Sync> = Arc::clone(view) as _;
        view.downcast::<T>().ok().filter(|view| fits(view))
    })
}

impl AsFd for Timeline {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline").field("id", &self.id.0).field("fd", &self.fd).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct At(u64);

    impl Clock for At {
        fn is_at(&self, value: u64) -> io::Result<bool> {
            Ok(self.0 >= value)
        }
        fn wait(&self, value: u64, _: Duration) -> io::Result<bool> {
            self.is_at(value)
        }
    }

    #[derive(Default)]
    struct Peer(Arc<AtomicUsize>);

    impl Writer for Peer {
        fn lives(&self) -> bool {
            true
        }
        fn refuse(&self, _: &str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn timeline(writer: Option<Box<dyn Writer>>) -> Arc<Timeline> {
        let fd = std::fs::File::open("/dev/null").unwrap().into();
        Timeline::new(DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] }, fd, writer)
    }

    #[test]
    fn a_view_is_made_once_for_each_device() {
        let timeline = timeline(None);
        let fail = || Err::<At, _>("no such handle");
        assert_eq!(timeline.view(|_: &At| true, fail).err(), Some("no such handle"));
        let first = timeline.view(|view: &At| view.0 == 4, || Ok::<_, ()>(At(4))).unwrap();
        let again = timeline.view(|view: &At| view.0 == 4, || Err::<At, ()>(())).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(timeline.view(|view: &At| view.0 == 9, || Err::<At, ()>(())).is_err());
    }

    #[test]
    fn a_wait_goes_through_whoever_imported_it_and_never_answers_without() {
        let timeline = timeline(None);
        let err = timeline.wait(1, Duration::ZERO).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::Unsupported);
        timeline.view(|_: &At| true, || Ok::<_, ()>(At(4))).unwrap();
        assert!(timeline.wait(4, Duration::ZERO).unwrap());
        assert!(!timeline.wait(5, Duration::ZERO).unwrap());
    }

    #[test]
    fn each_timeline_is_answered_by_one_of_its_own_for_as_long_as_it_lives() {
        let (one, other) = (timeline(None), timeline(None));
        let made = |of: &Timeline| of.answer(|_| true, || Ok::<_, ()>(timeline(None))).unwrap();
        let first = made(&one);
        assert!(Arc::ptr_eq(&first, &made(&one)));
        assert_ne!(first.id(), made(&other).id());
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_some(), "it is not made anew between pictures");
        drop(one);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn a_forsaken_timeline_is_never_reached_and_its_writer_hears_once() {
        let peer = Peer::default();
        let told = Arc::clone(&peer.0);
        let timeline = timeline(Some(Box::new(peer)));
        timeline.view(|_: &At| true, || Ok::<_, ()>(At(4))).unwrap();
        assert!(timeline.lives());
        timeline.forsake("it never came to 5");
        timeline.forsake("again");
        assert_eq!(told.load(Ordering::Relaxed), 1);
        assert_eq!(timeline.wait(1, Duration::ZERO).unwrap_err().to_string(), "it never came to 5");
        assert!(!timeline.lives());
    }
}
