//! A screen that the application drives itself, through us: its pictures become page flips of its
//! own images.
//!
//! ```text
//! send ──► waiting ──► Screen: on its way ──► on the screen ──► home, when the next one is there
//! ```
//!
//! No thread runs. Whoever presents or waits for an image looks what the card says and shows the
//! next picture; one that comes while the application does neither waits for it.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ash::vk;
use zerohop_frame::{Fourcc, Frame, FrameInfo, Recycle, Release, SharedBuffer};
use zerohop_kernel::{clock_monotonic, wait_readable};
use zerohop_kms::{Error, Screen, Spec};
use zerohop_layer::{LayerError, chain_line};
use zerohop_wire::MAX_POINTS;

use super::canvases::Canvases;
use super::handover::Host;
use super::line::{Exported, Parcel};
use super::rotation::Rotation;
use super::stream::Key;

/// How long the last pictures of a swapchain may take to come on the screen.
const LAST: Duration = Duration::from_millis(250);

/// How often a picture is looked at that is not complete: its fence may be broken.
const GLANCE: Duration = Duration::from_millis(4);

/// See the module. Dropping it puts back what was on the screen.
pub(crate) struct Drive {
    /// The card, for waiting without the lock.
    card: OwnedFd,
    state: Mutex<State>,
}

struct State {
    screen: Screen,
    /// Not on their way yet, in their order.
    waiting: VecDeque<Picture>,
    /// On its way to the screen.
    going: Option<News>,
    buffers: HashMap<Key, Arc<SharedBuffer>>,
    canvases: Canvases,
    /// When a screen that is lost is tried again.
    lost: Option<Duration>,
}

/// A picture of a swapchain.
struct Picture {
    frame: Arc<Frame>,
    news: News,
}

/// Whom to tell that a picture is on the screen, and which.
struct News {
    rotation: Weak<Rotation>,
    sequence: u64,
}

impl News {
    fn tell(self) {
        if let Some(rotation) = self.rotation.upgrade() {
            rotation.tell(self.sequence);
        }
    }
}

/// Where an image goes back to.
struct Home {
    rotation: Weak<Rotation>,
    index: usize,
}

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        let Some(rotation) = self.rotation.upgrade() else { return };
        let mut after = release.after.into_iter();
        let points = after.by_ref().take(MAX_POINTS).collect();
        // A card has no more readers than that; whoever has waits.
        after.for_each(|point| drop(point.wait(LAST)));
        rotation.release(self.index, release.sequence, points);
    }
}

impl Drive {
    /// Takes the screen that `spec` means.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_NATIVE_WINDOW_IN_USE_KHR` when another drives it, and we may be that other;
    /// `VK_ERROR_INITIALIZATION_FAILED` when it cannot be driven.
    pub(crate) fn open(spec: &Spec) -> Result<Arc<Self>, LayerError> {
        let failed = |err: Error| {
            let code = match err {
                Error::Master { .. } => vk::Result::ERROR_NATIVE_WINDOW_IN_USE_KHR,
                _ => vk::Result::ERROR_INITIALIZATION_FAILED,
            };
            LayerError::outside("drive the display", code, err)
        };
        let screen = Screen::open(spec).map_err(failed)?;
        let card = screen.as_fd().try_clone_to_owned().map_err(|err| {
            LayerError::outside("drive the display", vk::Result::ERROR_TOO_MANY_OBJECTS, err)
        })?;
        let (waiting, buffers) = (VecDeque::new(), HashMap::new());
        let canvases = Canvases::default();
        let state = State { screen, waiting, going: None, buffers, canvases, lost: None };
        Ok(Arc::new(Self { card, state: Mutex::new(state) }))
    }

    /// The modifiers in which it shows `fourcc`, as far as it says.
    pub(crate) fn modifiers(&self, fourcc: Fourcc) -> Vec<u64> {
        let state = self.lock();
        let formats = state.screen.formats().iter();
        formats.filter(|(shown, _)| *shown == fourcc).map(|(_, modifier)| modifier.0).collect()
    }

    /// Whether it shows images like this one where they lie.
    ///
    /// # Errors
    ///
    /// Why not, for people.
    pub(crate) fn accepts(&self, exported: Exported) -> Result<(), String> {
        let (descriptor, memory, _) = exported;
        let buffer = SharedBuffer::new(descriptor, memory).map_err(|err| err.to_string())?;
        self.lock().screen.accepts(&buffer).map_err(|refusal| refusal.to_string())
    }

    /// Takes a picture, to be shown after those that wait. `false`: it cannot be.
    pub(crate) fn send(
        &self,
        parcel: Parcel<'_>,
        export: impl FnOnce() -> Result<Exported, LayerError>,
    ) -> bool {
        let mut state = self.lock();
        let buffer = match state.buffer(parcel.image, export) {
            Ok(buffer) => buffer,
            Err(err) => {
                dark(&chain_line(&err));
                return false;
            }
        };
        let message = parcel.frame;
        let info = FrameInfo {
            sequence: message.sequence,
            timestamp: message.timestamp,
            presented: message.presented,
            damage: message.damage,
        };
        let rotation = Arc::downgrade(parcel.rotation);
        let news = News { rotation: Weak::clone(&rotation), sequence: message.sequence };
        let home = Home { rotation, index: parcel.index };
        let mut frame = Frame::new(buffer, info, parcel.acquire, Arc::new(home));
        frame.set_replaceable(message.replaceable);
        // A newer one takes the place of those that let it.
        state.waiting.retain(|waiting| !waiting.frame.is_replaceable());
        state.waiting.push_back(Picture { frame: Arc::new(frame), news });
        state.advance();
        true
    }

    /// Takes in what the card says, and shows the next picture if it is time to.
    pub(crate) fn look(&self) -> bool {
        self.lock().advance();
        true
    }

    /// When to look again at the latest: a screen always gives images back in the end.
    pub(crate) fn stall(&self) -> Option<Duration> {
        Some(clock_monotonic() + self.lock().screen.mode().period())
    }

    /// Sleeps until the card may have said something, `until` at the latest, and takes it in.
    pub(crate) fn wait(&self, until: Duration) {
        let now = clock_monotonic();
        let until = self.lock().due(now).map_or(until, |due| due.min(until));
        // A failure is as good as a timeout: what there is to know is asked below.
        let _ = wait_readable(&self.card, until.saturating_sub(now));
        self.look();
    }

    /// The images will not be sent again. Waits for those that are on their way.
    pub(crate) fn retire(&self, images: impl Iterator<Item = Key>) {
        let end = clock_monotonic() + LAST;
        while !self.lock().is_idle() && clock_monotonic() < end {
            self.wait(end);
        }
        let mut state = self.lock();
        for image in images {
            state.buffers.remove(&image);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn buffer(
        &mut self,
        image: Key,
        export: impl FnOnce() -> Result<Exported, LayerError>,
    ) -> Result<Arc<SharedBuffer>, LayerError> {
        if let Some(known) = self.buffers.get(&image) {
            return Ok(Arc::clone(known));
        }
        let (descriptor, memory, _) = export()?;
        let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
        let buffer = SharedBuffer::new(descriptor, memory)
            .map_err(|err| LayerError::outside("describe an image", code, err))?;
        self.buffers.insert(image, Arc::clone(&buffer));
        Ok(buffer)
    }

    /// Whether every picture has come on the screen, or can not.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.screen.is_busy()
    }

    /// When something may happen without a word from the card.
    fn due(&self, now: Duration) -> Option<Duration> {
        if self.screen.is_busy() {
            return self.screen.deadline();
        }
        // The first that waits is not complete, or the screen is lost.
        let glance = now + GLANCE;
        self.waiting.front().map(|_| self.lost.map_or(glance, |again| again.max(glance)))
    }

    fn advance(&mut self) {
        loop {
            let heard = self.screen.poll_event();
            if let Some(news) = self.going.take_if(|_| !self.screen.is_busy()) {
                // It is there, or counts as there.
                news.tell();
            }
            if let Err(err) = heard {
                self.fail(&err);
            }
            let now = clock_monotonic();
            if self.screen.is_busy() || self.lost.is_some_and(|again| now < again) {
                return;
            }
            let Some(picture) = self.waiting.pop_front() else { return };
            match self.show(&picture.frame) {
                Ok(()) => (self.lost, self.going) = (None, Some(picture.news)),
                Err(Error::Busy) => return self.waiting.push_front(picture),
                Err(err) => {
                    picture.news.tell();
                    self.fail(&err);
                }
            }
        }
    }

    fn show(&mut self, frame: &Arc<Frame>) -> Result<(), Error> {
        let Err(refusal) = self.screen.accepts(frame.buffer()) else {
            return self.screen.show(Arc::clone(frame));
        };
        let cost = "the application's CPU copies each picture when it is shown";
        Host::get().fall_back("screen", &refusal.to_string(), cost);
        let copied = self.canvases.copy(&self.screen, frame)?;
        self.screen.show(copied)
    }

    /// A screen that is lost may come back: until then pictures go by at its rate.
    fn fail(&mut self, err: &Error) {
        self.lost = Some(clock_monotonic() + self.screen.mode().period());
        dark(&chain_line(err));
    }
}

/// Says that pictures are not seen.
fn dark(why: &str) {
    Host::get().fall_back("screen", why, "pictures are not seen until it is back");
}
