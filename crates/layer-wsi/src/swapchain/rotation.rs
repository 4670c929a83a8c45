//! What one swapchain lends and shows, for the threads that ask about it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ash::vk;
use zerohop_layer::LayerError;

use super::pace::Mode;
use super::ring::{Acquired, Fences, Picture, Ring, RingError};
use super::shown::{Seen, ShownIds};

/// The changing part of a swapchain. There is no Vulkan object in it, so a host's release may
/// arrive on any thread, whatever becomes of the swapchain meanwhile.
#[derive(Debug)]
pub(crate) struct Rotation {
    turn: Mutex<Turn>,
    changed: Condvar,
}

/// See [`Rotation`].
#[derive(Debug)]
pub(crate) struct Turn {
    /// Whose the images are.
    pub(crate) ring: Ring,
    /// Which present ids were shown.
    pub(crate) ids: ShownIds,
    /// The mode of the next present that does not name one.
    pub(crate) mode: Mode,
    /// Whether another swapchain has taken over the surface.
    pub(crate) retired: bool,
    /// Since when an acquire has found nothing but images that the host holds.
    pub(crate) starved: Option<Duration>,
}

impl Rotation {
    /// `count` images that nobody has.
    pub(crate) fn new(count: usize, mode: Mode) -> Self {
        let (ring, ids) = (Ring::new(count), ShownIds::default());
        let turn = Turn { ring, ids, mode, retired: false, starved: None };
        Self { turn: Mutex::new(turn), changed: Condvar::new() }
    }

    /// The changing part. Nobody sleeps or calls Vulkan or the host while holding it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until something changes, at most for `timeout`.
    pub(crate) fn wait(&self, turn: MutexGuard<'_, Turn>, timeout: Duration) {
        drop(self.changed.wait_timeout(turn, timeout).unwrap_or_else(PoisonError::into_inner));
    }

    /// Lends an image to the application, if one is free.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` from a retired swapchain.
    pub(crate) fn acquire(&self, now: Duration) -> Result<Acquired, LayerError> {
        let mut turn = self.lock();
        if turn.retired {
            let code = vk::Result::ERROR_OUT_OF_DATE_KHR;
            return Err(LayerError::refused(code, "the swapchain is retired"));
        }
        let acquired = turn.ring.acquire(now);
        turn.starved = match acquired {
            Acquired::Later { host: Some(since), .. } => Some(turn.starved.unwrap_or(since)),
            _ => None,
        };
        Ok(acquired)
    }

    /// Sends an image to the virtual screen.
    ///
    /// # Errors
    ///
    /// For one that was not acquired.
    pub(crate) fn present(
        &self,
        index: usize,
        picture: Picture,
        id: u64,
        now: Duration,
    ) -> Result<(), LayerError> {
        let mut turn = self.lock();
        turn.ring.present(index, picture).map_err(not_acquired)?;
        turn.ids.present(id, picture.showing.at, now);
        self.changed.notify_all();
        Ok(())
    }

    /// Whether nobody but the thread that copies pictures holds image `index`.
    pub(crate) fn waits_for_copier(&self, index: usize, now: Duration) -> bool {
        self.lock().ring.waits_for_copier(index, now)
    }

    /// A picture was copied, and goes to the host.
    pub(crate) fn hand_on(&self, index: usize, sequence: u64) {
        self.lock().ring.hand_on(index, sequence);
    }

    /// The host has released a picture, or did not get it. One that is not out is no news.
    pub(crate) fn release(&self, index: usize, sequence: u64, after: Fences) {
        let _ = self.lock().ring.release(index, sequence, after);
        self.changed.notify_all();
    }

    /// The host holds nothing any more.
    pub(crate) fn abandon(&self) {
        self.lock().ring.abandon();
        self.changed.notify_all();
    }

    /// Takes back an image that was not presented.
    ///
    /// # Errors
    ///
    /// For one that was not acquired.
    pub(crate) fn give_back(&self, index: usize) -> Result<(), LayerError> {
        self.lock().ring.give_back(index).map_err(not_acquired)?;
        self.changed.notify_all();
        Ok(())
    }

    /// Another swapchain takes over: no image is lent any more.
    pub(crate) fn retire(&self) {
        self.lock().retired = true;
        self.changed.notify_all();
    }

    /// Waits until the picture with `id` is on screen. `false`: `deadline` came first.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` when it never will be.
    pub(crate) fn wait_shown(
        &self,
        id: u64,
        deadline: Option<Duration>,
        clock: impl Fn() -> Duration,
    ) -> Result<bool, LayerError> {
        loop {
            let (mut turn, now) = (self.lock(), clock());
            let at = match turn.ids.find(id, now) {
                Seen::Shown => return Ok(true),
                Seen::At(at) => Some(at),
                Seen::Unknown if turn.retired => {
                    let code = vk::Result::ERROR_OUT_OF_DATE_KHR;
                    return Err(LayerError::refused(code, "the swapchain is retired"));
                }
                Seen::Unknown => None,
            };
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(false);
            }
            let until = [at, deadline].into_iter().flatten().min();
            // Without either, whoever presents wakes us.
            self.wait(turn, until.map_or(Duration::from_secs(1), |until| until - now));
        }
    }
}

/// What the application gets for a broken round.
pub(crate) fn not_acquired(err: RingError) -> LayerError {
    LayerError::outside("take an image", vk::Result::ERROR_OUT_OF_DATE_KHR, err)
}
