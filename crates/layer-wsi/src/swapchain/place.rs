//! Where one image is, as far as the device is concerned: at home with the application, or abroad.

use std::sync::Arc;

use ash::vk;
use zerohop_frame::SyncPoint;
use zerohop_layer::{LayerError, Level, chain_line, log};

use super::Swapchain;
use super::crossing::Crossing;
use super::gate::Fence;
use super::handover::Host;
use super::job::Drawn;
use super::looks::Looking;
use super::ring::Fences;
use super::submit::{Batch, submit};
use super::sync_fd;
use super::tier::Tier;
use crate::device::{DeviceState, QueueState};

/// How a picture that has left comes to the host.
pub(crate) enum Departure {
    /// It is sent, to be read from this point on.
    At(SyncPoint),
    /// The CPU copies it once this signals.
    Copied(Arc<Fence>),
    /// It is sent if it changed, as is known when it is drawn.
    Looked {
        /// When that is.
        drawn: Drawn,
        /// With what it was looked at.
        with: Looking,
        /// When it may be read.
        acquire: SyncPoint,
    },
}

/// See the module.
#[derive(Default)]
pub(crate) struct Place {
    /// The queue that presented the image last, and where what follows is ordered after that.
    pub(crate) queue: Option<Arc<QueueState>>,
    /// Its way out and back, once it was handed over.
    crossing: Option<Crossing>,
    /// Whether it is in the handover state.
    abroad: bool,
    /// The image that the application draws into in its place, over the same memory.
    alias: Option<vk::Image>,
}

impl Place {
    /// Submits the way out on `queue`, after `waits`. Returns when the picture is complete; `None`
    /// when nobody can tell, and it must not be sent.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]; nothing was submitted.
    pub(crate) fn leave(
        &mut self,
        swapchain: &Swapchain,
        queue: &Arc<QueueState>,
        index: usize,
        waits: &[vk::Semaphore],
    ) -> Result<Option<Departure>, LayerError> {
        let copied = swapchain.plan.image.export.needs_thread();
        let tier = match copied {
            // What the CPU copies is complete when that is done.
            true => Tier::Signaled,
            false => Tier::choose(&swapchain.device, &swapchain.outlet),
        };
        let looking = self.looking(swapchain, queue, index, tier)?;
        let crossing = self.crossing(swapchain, queue, index, tier)?;
        let left = crossing.left();
        let value = crossing.leave(queue, (waits, looking.is_some()));
        let value = value.inspect_err(|_| self.crossing = None)?;
        let acquire = match tier {
            _ if copied => Ok(SyncPoint::Signaled),
            Tier::Timeline => {
                let which = Arc::clone(&swapchain.device.count_of(queue)?.shared);
                Ok(SyncPoint::Timeline { which, value })
            }
            Tier::SyncFile | Tier::Signaled => self.exported(&swapchain.device),
        };
        let drawn = match tier {
            Tier::Timeline => Drawn::Count(Arc::clone(&swapchain.device), Arc::clone(queue), value),
            Tier::SyncFile | Tier::Signaled => Drawn::Fence(Arc::clone(&left)),
        };
        let departure = acquire.map(|acquire| match looking {
            _ if copied => Departure::Copied(left),
            None => Departure::At(acquire),
            Some(with) => Departure::Looked { drawn, with, acquire },
        });
        self.abroad = true;
        if let Err(err) = &departure {
            Host::get().fall_back("handover", &chain_line(err), "the host misses pictures");
        }
        Ok(departure.ok())
    }

    /// What the picture that is about to leave is looked at with, if it is.
    fn looking(
        &mut self,
        swapchain: &Swapchain,
        queue: &Arc<QueueState>,
        index: usize,
        tier: Tier,
    ) -> Result<Option<Looking>, LayerError> {
        let Some(looking) = swapchain.looking(queue) else { return Ok(None) };
        let crossing = self.crossing(swapchain, queue, index, tier)?;
        match crossing.look_with(&looking.looker, index) {
            Ok(true) => {
                looking.looker.begin(index);
                return Ok(Some(looking));
            }
            Ok(false) => {}
            Err(err) => {
                // The host asks again when it is worth it.
                swapchain.stream.hint.end_of(looking.asking);
                log(Level::Debug, format_args!("a still picture is sent: {}", chain_line(&err)));
            }
        }
        Ok(None)
    }

    /// When the picture that was just submitted is complete, as a fence where there can be one.
    fn exported(&mut self, device: &DeviceState) -> Result<SyncPoint, LayerError> {
        let Some(crossing) = &self.crossing else { return Ok(SyncPoint::Signaled) };
        let ready = crossing.ready != vk::Semaphore::null();
        if let Some(point) = ready.then(|| export(device, crossing)).flatten() {
            return Ok(point);
        }
        let left = crossing.wait_left();
        if ready {
            // Still signaled, the semaphore is of no more use.
            self.crossing = None;
        }
        left.map(|()| SyncPoint::Signaled)
    }

    /// Makes the image the application's again: `semaphore` and `fence`, both perhaps null, are
    /// signaled when it is.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]; nothing will be signaled.
    pub(crate) fn come_back(
        &mut self,
        swapchain: &Swapchain,
        index: usize,
        after: Fences,
        semaphore: vk::Semaphore,
        fence: vk::Fence,
    ) -> Result<(), LayerError> {
        let device = &swapchain.device;
        let signals = if semaphore == vk::Semaphore::null() { &[][..] } else { &[semaphore] };
        let Some(queue) = self.queue.clone() else {
            return signal_fresh(device, semaphore, fence);
        };
        if !self.abroad {
            return submit(device, &queue, Batch { signals, fence, ..Batch::default() });
        }
        // The way back has a fence of its own. Where the application has one too, what the two of
        // them wait for comes after it, all or nothing; the image is at home either way.
        let (with, later) =
            if fence == vk::Fence::null() { (signals, &[][..]) } else { (&[][..], signals) };
        // As it left, whatever holds by now.
        let tier = self.crossing.as_ref().map_or(Tier::Signaled, Crossing::tier);
        let crossing = self.crossing(swapchain, &queue, index, tier)?;
        if let Err(err) = crossing.come_back(&queue, (&after, &swapchain.outlet), with) {
            self.crossing = None;
            return Err(err);
        }
        self.abroad = false;
        submit(device, &queue, Batch { signals: later, fence, ..Batch::default() })
    }

    /// From now on the application draws into `alias`, or without one into the image itself.
    pub(crate) fn draw_into(&mut self, alias: Option<vk::Image>) {
        self.alias = alias;
        // It was recorded for the other. What was submitted of it is waited for.
        self.crossing = None;
    }

    /// `alias` will be destroyed.
    pub(crate) fn forget(&mut self, alias: vk::Image) {
        if self.alias == Some(alias) {
            self.draw_into(None);
        }
    }

    fn crossing(
        &mut self,
        swapchain: &Swapchain,
        queue: &Arc<QueueState>,
        index: usize,
        tier: Tier,
    ) -> Result<&mut Crossing, LayerError> {
        let fits = self.crossing.take().filter(|crossing| crossing.is_from(queue, tier));
        let crossing = match fits {
            Some(crossing) => crossing,
            None => {
                let own = &swapchain.images[index];
                let (image, plan) = (self.alias.unwrap_or(own.raw()), &swapchain.plan);
                let staging = own.staging(plan)?.map(|staging| &**staging);
                let image = (image, tier);
                Crossing::new(&swapchain.device, queue, image, &plan.image, staging)?
            }
        };
        Ok(self.crossing.insert(crossing))
    }
}

/// When the picture that has just gone through `crossing` is complete. `None`: it must be waited for
/// here.
fn export(device: &DeviceState, crossing: &Crossing) -> Option<SyncPoint> {
    let drawn = device.sync_fd_waits.doubts() && crossing.has_left();
    let exported = sync_fd::export(device, crossing.ready);
    match &exported {
        Ok(point) => {
            device.sync_fd_waits.note(matches!(point, SyncPoint::Signaled), drawn);
        }
        Err(err) => {
            let cost = "the application waits for its GPU work at each present";
            Host::get().fall_back("sync", &chain_line(err), cost);
        }
    }
    exported.ok()
}

/// Signals for an image that nobody has used yet: there is nothing to wait for. All or nothing: a
/// fence can be reset, so it comes first.
fn signal_fresh(
    device: &DeviceState,
    semaphore: vk::Semaphore,
    fence: vk::Fence,
) -> Result<(), LayerError> {
    let signals = if semaphore == vk::Semaphore::null() { &[][..] } else { &[semaphore] };
    let by_submit = |fence| {
        let batch = Batch { signals, fence, ..Batch::default() };
        device.any_queue().and_then(|queue| submit(device, &queue, batch))
    };
    if fence != vk::Fence::null() && !sync_fd::signal_fence(device, fence) {
        return by_submit(fence);
    }
    if signals.is_empty() || sync_fd::signal_semaphore(device, semaphore) {
        return Ok(());
    }
    by_submit(vk::Fence::null()).inspect_err(|_| {
        if fence != vk::Fence::null() {
            // SAFETY: the application's, and nothing is submitted with it. A device that cannot
            // do even that is out of everything.
            let _ = unsafe { device.raw.reset_fences(&[fence]) };
        }
    })
}
