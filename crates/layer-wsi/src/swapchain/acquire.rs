//! `vkAcquireNextImageKHR` and `vkAcquireNextImage2KHR`.

use std::time::Duration;

use ash::vk;
use zerohop_frame::{SyncPoint, waiting};
use zerohop_kernel::clock_monotonic;
use zerohop_layer::{LayerError, chain_line};

use super::Swapchain;
use super::handover::{Host, PATIENCE_WITH_BUSY};
use super::ring::{Acquired, Fences, Read};

/// How often the host is heard while its device reads an image, or the thread has one.
const GLANCE: Duration = Duration::from_millis(1);

/// What `vkAcquireNextImage*KHR` asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AcquireRequest {
    /// Nanoseconds; `u64::MAX` is for ever.
    pub(crate) timeout: u64,
    /// Null, or to be signaled.
    pub(crate) semaphore: vk::Semaphore,
    /// Null, or to be signaled.
    pub(crate) fence: vk::Fence,
}

/// The end of a timeout in nanoseconds that begins `now`; none for one without end.
pub(crate) fn deadline(now: Duration, timeout: u64) -> Option<Duration> {
    (timeout != u64::MAX).then(|| now.saturating_add(Duration::from_nanos(timeout)))
}

impl Swapchain {
    /// `vkAcquireNextImage*KHR`: the image if there is one, and the success code.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` from a retired swapchain, `VK_ERROR_SURFACE_LOST_KHR` without a
    /// window, and what the device reports. Nothing is signaled then.
    pub(crate) fn acquire(
        &self,
        request: AcquireRequest,
    ) -> Result<(Option<u32>, vk::Result), LayerError> {
        let condition = self.condition()?;
        let (index, after) = match self.next_free(request.timeout)? {
            Ok(free) => free,
            Err(code) => return Ok((None, code)),
        };
        let image = &self.images[index];
        let ready = image.allocate(&self.plan.image).and_then(|_| {
            let (semaphore, fence) = (request.semaphore, request.fence);
            self.places()[index].come_back(self, index, after, semaphore, fence)
        });
        if let Err(err) = ready {
            self.rotation.give_back(index)?;
            return Err(err);
        }
        Ok((u32::try_from(index).ok(), condition))
    }

    /// The next image, as soon as there is one; else `NOT_READY` or `TIMEOUT`.
    fn next_free(&self, timeout: u64) -> Result<Result<(usize, Fences), vk::Result>, LayerError> {
        let begin = clock_monotonic();
        let deadline = deadline(begin, timeout);
        let (mut now, mut heard) = (begin, false);
        loop {
            let read = self.settle(now);
            let (at, host, copier) = match self.rotation.acquire(now)? {
                Acquired::Image { index, after } => return Ok(Ok((index, after))),
                Acquired::Later { at, host, copier } => (at, host, copier),
            };
            if !heard && self.outlet.listens() {
                // What has arrived costs no time.
                heard = true;
                continue;
            }
            let shed = || self.ask_copier(|copier| copier.shed(now));
            if copier.is_some_and(|since| since <= now) && shed() == Some(true) {
                // Rather the host misses a picture than the application waits for its copy.
                continue;
            }
            let patience = self.patience(host);
            if host.is_some() && patience.is_none() {
                // It lost them just now, also to an application that never waits.
                continue;
            }
            if timeout == 0 {
                return Ok(Err(vk::Result::NOT_READY));
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(Err(vk::Result::TIMEOUT));
            }
            let moments = [at, deadline, patience, copier.filter(|from| *from > now)];
            let soon = copier.is_some_and(|since| since <= now);
            match read {
                None if soon => waiting("an image that is looked at", || {
                    self.sleep_until_free(now, moments);
                }),
                Some(read) => waiting("the host's device to read an image", || {
                    self.sleep_until_read(&read, now, moments);
                }),
                None => waiting("an image", || self.sleep(now, moments)),
            }
            now = clock_monotonic();
        }
    }

    /// Finds out which images the host's device is done with. Returns one with which it is not: it will be
    /// lent when it is, so that nothing of the application's ever waits for the host on a device. A host
    /// whose device takes too long is left.
    fn settle(&self, now: Duration) -> Option<Read> {
        let mut unread = None;
        for read in self.rotation.read() {
            let late = now.saturating_sub(read.since) >= PATIENCE_WITH_BUSY;
            match self.is_read(&read) {
                Ok(true) => self.rotation.settle(read.index, read.sequence),
                Ok(false) if late => {
                    Host::get().forsake("the host's timeline did not come to what it said in time");
                }
                Ok(false) => unread = Some(read),
                Err(err) => {
                    let cost = "the application goes on unseen";
                    Host::get().fall_back("sync", &chain_line(&err), cost);
                    Host::get().forsake("the host's timeline is of no use");
                }
            }
        }
        unread
    }

    fn is_read(&self, read: &Read) -> Result<bool, LayerError> {
        for point in &read.after {
            if let SyncPoint::Timeline { which, value } = point
                && !self.device.is_at(which, *value)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As [`sleep`](Self::sleep), while the host's device reads an image.
    fn sleep_until_read(&self, read: &Read, now: Duration, moments: [Option<Duration>; 4]) {
        let until = moments.into_iter().flatten().fold(now + GLANCE, Duration::min);
        for point in &read.after {
            if let SyncPoint::Timeline { which, value } = point {
                let left = until.saturating_sub(clock_monotonic());
                self.device.wait_at(which, *value, left);
            }
        }
        self.outlet.listens();
    }

    /// As [`sleep`](Self::sleep), while the thread has an image, which wakes us when it is done with it.
    fn sleep_until_free(&self, now: Duration, moments: [Option<Duration>; 4]) {
        let until = moments.into_iter().flatten().fold(now + GLANCE, Duration::min);
        self.rotation.wait_free(now, until);
        self.outlet.listens();
    }

    /// When a host that holds images since `held` counts as gone. One that is already so loses
    /// them here.
    fn patience(&self, held: Option<Duration>) -> Option<Duration> {
        held?;
        let starved = self.rotation.lock().starved;
        self.outlet.stall(starved.or(held)?)
    }

    /// Sleeps until the first of `moments`, a present on another thread, or a word from the host.
    fn sleep(&self, now: Duration, moments: [Option<Duration>; 4]) {
        let until = moments.into_iter().flatten().fold(Duration::MAX, Duration::min);
        if self.outlet.is_connected() {
            self.listen(until);
        } else {
            let turn = self.rotation.lock();
            self.rotation.wait(turn, until.min(self.glance(now)).saturating_sub(now));
        }
    }

    /// Sleeps until the host or the screen may have said something, `until` at the latest.
    pub(super) fn listen(&self, until: Duration) {
        self.outlet.wait(until.min(self.glance(clock_monotonic())));
    }

    /// When to look again though nobody has said anything: another thread may present to this
    /// swapchain, or hear the word that this one waits for.
    fn glance(&self, now: Duration) -> Duration {
        now + self.stream.lock().screen.refresh().period()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_without_end_has_no_deadline() {
        let now = Duration::from_secs(5);
        assert_eq!(deadline(now, u64::MAX), None);
        assert_eq!(deadline(now, u64::MAX - 1).map(|it| it > now), Some(true));
        assert_eq!(deadline(now, 0), Some(now));
    }
}
