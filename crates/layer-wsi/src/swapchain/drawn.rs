//! Which of the pictures with a present id the device has drawn (`VK_KHR_present_wait`).
//!
//! A picture comes on screen at its vblank, and not before it is complete: who waits for it waits
//! for both.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ash::vk;
use zerohop_kernel::clock_monotonic;
use zerohop_layer::{Doing, LayerError};

use super::gate::Gate;
use super::submit::{Batch, submit};
use crate::device::{DeviceState, QueueState};

/// The pictures of one swapchain, in the order of their ids.
#[derive(Default)]
pub(super) struct Drawn(Mutex<Pictures>);

#[derive(Default)]
struct Pictures {
    /// The greatest id that was found complete.
    complete: u64,
    running: VecDeque<(u64, Arc<Work>)>,
}

/// What a picture waits for.
struct Work(Gate);

impl Drawn {
    /// The picture called `id` is complete when `queue` has done all that it has by now.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]; the picture counts as complete then.
    pub(super) fn note(
        &self,
        device: &Arc<DeviceState>,
        queue: &QueueState,
        id: u64,
    ) -> Result<(), LayerError> {
        let work = Arc::new(Work::submit(device, queue)?);
        let mut pictures = self.lock();
        pictures.settle();
        pictures.running.push_back((id, work));
        Ok(())
    }

    /// Waits until the picture called `id`, or one after it, is complete. `false`: `deadline` came
    /// first.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(super) fn wait(&self, id: u64, deadline: Option<Duration>) -> Result<bool, LayerError> {
        let Some(work) = self.lock().find(id) else { return Ok(true) };
        let left = |deadline: Duration| deadline.saturating_sub(clock_monotonic());
        work.wait(deadline.map_or(Duration::MAX, left))
    }

    fn lock(&self) -> MutexGuard<'_, Pictures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pictures {
    fn settle(&mut self) {
        while let Some((id, work)) = self.running.front()
            && !work.runs()
        {
            self.complete = self.complete.max(*id);
            self.running.pop_front();
        }
    }

    fn find(&self, id: u64) -> Option<Arc<Work>> {
        let found = self.running.iter().find(|(it, _)| id <= *it);
        found.filter(|_| id > self.complete).map(|(_, work)| Arc::clone(work))
    }
}

impl Work {
    fn submit(device: &Arc<DeviceState>, queue: &QueueState) -> Result<Self, LayerError> {
        let mut gate = Gate::new(device)?;
        submit(device, queue, Batch { fence: gate.raw(), ..Batch::default() })?;
        gate.pending = true;
        Ok(Self(gate))
    }

    /// Whether the device is known to be at it.
    fn runs(&self) -> bool {
        self.0.fence().wait(Duration::ZERO) == Err(vk::Result::TIMEOUT)
    }

    fn wait(&self, timeout: Duration) -> Result<bool, LayerError> {
        match self.0.fence().wait(timeout) {
            Err(vk::Result::TIMEOUT) => Ok(false),
            other => other.doing("wait for a picture to be drawn").map(|()| true),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.0.is_done() {
            self.0.abandon();
        }
    }
}
