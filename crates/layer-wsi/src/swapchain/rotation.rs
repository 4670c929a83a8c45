//! What one swapchain lends and shows, for the threads that ask about it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ash::vk;
use zerohop_kernel::clock_monotonic;
use zerohop_layer::LayerError;

use super::handover::Host;
use super::pace::Mode;
use super::ring::{Acquired, Fences, Picture, Read, Ring, RingError};
use super::shown::{Due, Seen, ShownIds};

use crate::trace;

/// How long a real screen may say nothing of a picture that somebody waits for. Then it counts as
/// shown: a host that is stopped stops no application.
const SILENCE: Duration = Duration::from_secs(1);

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
    /// How many threads sleep until something changes: with none nobody is woken, which takes a call.
    asleep: usize,
}

impl Rotation {
    /// `count` images that nobody has.
    pub(crate) fn new(count: usize, mode: Mode) -> Self {
        let (ring, ids) = (Ring::new(count), ShownIds::default());
        let turn = Turn { ring, ids, mode, retired: false, starved: None, asleep: 0 };
        Self { turn: Mutex::new(turn), changed: Condvar::new() }
    }

    /// The changing part. Nobody sleeps or calls Vulkan or the host while holding it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until something changes, at most for `timeout`.
    pub(crate) fn wait(&self, mut turn: MutexGuard<'_, Turn>, timeout: Duration) {
        turn.asleep += 1;
        let woken = self.changed.wait_timeout(turn, timeout);
        woken.unwrap_or_else(PoisonError::into_inner).0.asleep -= 1;
    }

    /// The same until an image is free, where the thread has one that comes back at any moment.
    pub(crate) fn wait_free(&self, now: Duration, until: Duration) {
        let turn = self.lock();
        if !turn.ring.is_free(now) {
            self.wait(turn, until.saturating_sub(now));
        }
    }

    /// Changes something, and wakes who sleeps until then.
    fn change<T>(&self, what: impl FnOnce(&mut Turn) -> T) -> T {
        let mut turn = self.lock();
        let changed = what(&mut turn);
        let asleep = turn.asleep > 0;
        drop(turn);
        if asleep {
            self.changed.notify_all();
        }
        changed
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
            // Before, there may have been others.
            Acquired::Later { host: Some(since), .. } => {
                Some(turn.starved.unwrap_or(since.max(now)))
            }
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
        (id, due): (u64, Due),
        now: Duration,
    ) -> Result<(), LayerError> {
        self.change(|turn| {
            turn.ring.present(index, picture).map_err(not_acquired)?;
            turn.ids.present(id, due, now);
            Ok(())
        })
    }

    /// Whether nobody but the thread holds image `index`.
    pub(crate) fn waits_for_copier(&self, index: usize, now: Duration) -> bool {
        self.lock().ring.waits_for_copier(index, now)
    }

    /// The thread is done with a picture, which goes to the host.
    pub(crate) fn hand_on(&self, index: usize, sequence: u64) {
        self.lock().ring.hand_on(index, sequence);
    }

    /// The host has released a picture, or did not get it. One that is not out is no news.
    pub(crate) fn release(&self, index: usize, sequence: u64, after: Fences) {
        trace::step("released", sequence);
        let now = clock_monotonic();
        let _ = self.change(|turn| turn.ring.release(index, sequence, after, now));
    }

    /// The host has given back a picture or got one: what it holds tells what is on its screen, if
    /// it keeps pictures there.
    pub(crate) fn infer(&self) {
        self.change(|turn| turn.ids.tell(turn.ring.on_screen()));
    }

    /// A real screen has shown picture `sequence`, or will not.
    pub(crate) fn tell(&self, sequence: u64) {
        self.change(|turn| turn.ids.tell(sequence));
    }

    /// The images whose readers' devices may not be done with them.
    pub(crate) fn read(&self) -> Vec<Read> {
        self.lock().ring.read().collect()
    }

    /// The reader's device is done with a picture.
    pub(crate) fn settle(&self, index: usize, sequence: u64) {
        self.lock().ring.settle(index, sequence);
    }

    /// The host holds nothing any more.
    pub(crate) fn abandon(&self) {
        self.lock().ring.abandon();
        self.infer();
    }

    /// Takes back an image that was not presented.
    ///
    /// # Errors
    ///
    /// For one that was not acquired.
    pub(crate) fn give_back(&self, index: usize) -> Result<(), LayerError> {
        self.change(|turn| turn.ring.give_back(index)).map_err(not_acquired)
    }

    /// Another swapchain takes over: no image is lent any more.
    pub(crate) fn retire(&self) {
        self.change(|turn| turn.retired = true);
    }

    /// Waits until the picture with `id` is on screen. `false`: `deadline` came first. A real screen
    /// is heard by `listen`, which sleeps until the moment that it is given at most.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` when it never will be.
    pub(crate) fn wait_shown(
        &self,
        id: u64,
        deadline: Option<Duration>,
        clock: impl Fn() -> Duration,
        listen: impl Fn(Duration),
    ) -> Result<bool, LayerError> {
        let mut silent = None;
        loop {
            let (mut turn, now) = (self.lock(), clock());
            let at = match turn.ids.find(id, now) {
                Seen::Shown => return Ok(true),
                Seen::Waits(Due::At(at)) => Some(at),
                Seen::Waits(Due::Told(_)) => {
                    let end = *silent.get_or_insert(now + SILENCE);
                    let until = deadline.map_or(end, |deadline| deadline.min(end));
                    drop(turn);
                    if now >= end {
                        let cost = "who waits for a picture does not learn when it is shown";
                        Host::get().fall_back("screen", "it says nothing of a picture", cost);
                    }
                    if now >= until {
                        return Ok(now >= end);
                    }
                    listen(until);
                    continue;
                }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::pace::Showing;
    use super::super::ring::Receiver;
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    /// Three pictures of ids 1 to 3 for a host that shows them, numbered from 7 on.
    fn presented() -> Rotation {
        let rotation = Rotation::new(4, Mode::Fifo);
        for at in 0..3 {
            let Ok(Acquired::Image { index, .. }) = rotation.acquire(ms(0)) else { panic!() };
            let showing = Showing { at: ms(0), replaces: ms(0) };
            let picture = Picture { sequence: 7 + at, showing, to: Receiver::Host };
            let due = Due::Told(7 + at);
            rotation.present(index, picture, (1 + at, due), ms(0)).unwrap();
            rotation.infer();
        }
        rotation
    }

    /// Whether picture `id` is on screen now.
    fn is_shown(rotation: &Rotation, id: u64) -> bool {
        rotation.wait_shown(id, Some(ms(0)), || ms(0), |_| {}).unwrap()
    }

    #[test]
    fn the_oldest_picture_that_the_host_keeps_is_on_its_screen() {
        let rotation = presented();
        let shown = || [1, 2, 3].map(|id| is_shown(&rotation, id));
        assert_eq!(shown(), [true, false, false]);
        rotation.release(1, 8, Fences::new());
        rotation.infer();
        assert_eq!(shown(), [true, false, false], "a newer one took the place of the second");
        rotation.release(0, 7, Fences::new());
        rotation.infer();
        assert_eq!(shown(), [true, true, true]);
    }

    #[test]
    fn nobody_starves_while_an_image_comes_back_without_the_host() {
        let rotation = Rotation::new(3, Mode::Fifo);
        for (sequence, at, to) in
            [(1, 0, Receiver::Host), (2, 10, Receiver::Nobody), (3, 400, Receiver::Host)]
        {
            let Ok(Acquired::Image { index, .. }) = rotation.acquire(ms(0)) else { panic!() };
            let showing = Showing { at: ms(at), replaces: ms(at) };
            let picture = Picture { sequence, showing, to };
            rotation.present(index, picture, (sequence, Due::At(ms(at))), ms(0)).unwrap();
        }
        let starved = |now| {
            assert!(matches!(rotation.acquire(ms(now)), Ok(Acquired::Later { .. })));
            rotation.lock().starved
        };
        assert_eq!(starved(399), None, "the host has one for long, and the screen has another");
        let Ok(Acquired::Image { .. }) = rotation.acquire(ms(400)) else { panic!() };
        assert_eq!(starved(500), Some(ms(500)), "and not since it has that one");
        assert_eq!(starved(600), Some(ms(500)));
    }

    #[test]
    fn without_a_host_nobody_waits_for_its_screen() {
        let rotation = presented();
        rotation.abandon();
        assert!(is_shown(&rotation, 3));
    }

    #[test]
    fn a_screen_that_says_nothing_stops_nobody() {
        let (rotation, now) = (presented(), Cell::new(ms(5)));
        let listen = |until| now.set(until);
        assert!(rotation.wait_shown(3, None, || now.get(), listen).unwrap());
        assert_eq!(now.get(), ms(5) + SILENCE);
        now.set(ms(5));
        assert!(!rotation.wait_shown(3, Some(ms(9)), || now.get(), listen).unwrap());
        assert_eq!(now.get(), ms(9));
    }
}
