//! Swapchains of ours.
//!
//! ```text
//!  create ── plan ── export ── image ── memory     what to make, and how it leaves the process
//!     │
//!  acquire ─┐                ┌─ rotation ── ring, shown       whose the images are; no Vulkan
//!           ├─ Swapchain ────┼─ place ───── crossing, gate    where each is on the device
//!  present ─┘                ├─ stream ──── pace              when a picture is shown
//!     │                      └─ outlet ┬─ handover ── line    the host
//!     │                                └─ drive ── canvases   a screen of ours
//!  request, damage, drawn
//! ```
//!
//! `tier` says how a picture's completion is told; `submit` and `sync_fd` are the ways to signal and to wait; `bind` is for images of the
//! application's over our memory.
//!
//! Where images cannot leave, `copy` puts copies of them into `staging`, which has a `buffer`. Where
//! pictures stand still and the host has said so (`hint`), `looks` has each looked at on its way out,
//! and those stay here that `chain` knows the host to have. `copier` has the one thread of this layer,
//! for copies that the CPU must make and for what is seen; a `job` is what it does with one picture.
//!
//! Otherwise no thread runs. A present computes the vblank of its picture; an acquire sleeps until an
//! image is free, at most as long as the application says.

mod acquire;
mod bind;
mod buffer;
mod canvases;
mod chain;
mod copier;
mod copy;
mod create;
mod crossing;
mod damage;
mod drawn;
mod drive;
mod export;
mod format;
mod gate;
mod handover;
mod hint;
mod image;
mod job;
mod line;
mod looks;
mod memory;
mod outlet;
mod pace;
mod place;
mod plan;
mod present;
mod request;
mod ring;
mod rotation;
mod shown;
mod slot;
mod staging;
mod stream;
mod submit;
mod sync_fd;
mod tier;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;
use zerohop_kernel::clock_monotonic;
use zerohop_layer::LayerError;

pub(crate) use acquire::AcquireRequest;
pub(crate) use bind::{Alias, bind_image_memory, forget_image};
pub(crate) use create::{create, destroy};
pub(crate) use drive::Drive;
pub(crate) use handover::Host;
pub(crate) use memory::memory_type_of;
pub(crate) use outlet::Outlet;
pub(crate) use present::present;
pub(crate) use stream::Stream;
pub(crate) use tier::SyncFdWaits;

use crate::device::DeviceState;
use crate::surface::Surface;
use copier::Copier;
use drawn::Drawn;
use image::Image;
use looks::Looks;
use pace::Mode;
use place::Place;
use plan::{Export, SwapchainPlan};
use rotation::Rotation;
use stream::Key;

/// One `VkSwapchainKHR`.
pub(crate) struct Swapchain {
    // First: it ends before anything that it uses.
    copier: Mutex<Option<Copier>>,
    // Before `images`: what is submitted is waited for before they go.
    places: Mutex<Vec<Place>>,
    images: Vec<Arc<Image>>,
    /// The same as `images`, for `vkGetSwapchainImagesKHR`.
    handles: Vec<vk::Image>,
    rotation: Arc<Rotation>,
    /// `Some` when the application may wait for its pictures.
    drawn: Option<Drawn>,
    stream: Arc<Stream>,
    outlet: Outlet,
    surface: Arc<Surface>,
    device: Arc<DeviceState>,
    plan: Arc<SwapchainPlan>,
    looks: Arc<Looks>,
    key: Key,
}

impl Swapchain {
    /// `vkGetSwapchainImagesKHR`.
    pub(crate) fn images(&self) -> &[vk::Image] {
        &self.handles
    }

    /// `vkReleaseSwapchainImages*`.
    ///
    /// # Errors
    ///
    /// For an image that was not acquired.
    pub(crate) fn release_images(&self, indices: &[u32]) -> Result<(), LayerError> {
        indices.iter().try_for_each(|index| self.rotation.give_back(*index as usize))
    }

    /// `vkWaitForPresentKHR`; `timeout` in nanoseconds.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DATE_KHR` when the picture will never be shown,
    /// `VK_ERROR_SURFACE_LOST_KHR` when the window is gone.
    pub(crate) fn wait_for_present(&self, id: u64, timeout: u64) -> Result<vk::Result, LayerError> {
        let deadline = acquire::deadline(clock_monotonic(), timeout);
        let listen = |until| self.listen(until);
        let shown = self.rotation.wait_shown(id, deadline, clock_monotonic, listen)?;
        let drawn = || self.drawn.as_ref().map_or(Ok(true), |drawn| drawn.wait(id, deadline));
        if !shown || !drawn()? {
            return Ok(vk::Result::TIMEOUT);
        }
        self.check_surface()?;
        Ok(vk::Result::SUCCESS)
    }

    /// Whether an image may be presented, and in which mode: the one that the present names, which
    /// then stays, or the last.
    fn begin_present(
        &self,
        index: usize,
        named: Option<vk::PresentModeKHR>,
    ) -> Result<Mode, LayerError> {
        let mut turn = self.rotation.lock();
        let checked = turn.ring.check_acquired(index);
        checked.map_err(rotation::not_acquired)?;
        if let Some(named) = named {
            if !self.plan.modes.contains(&named) {
                let what = format!("mode {named:?} is not one that the swapchain was made for");
                return Err(LayerError::refused(vk::Result::ERROR_UNKNOWN, what));
            }
            turn.mode = plan::mode(named)?;
        }
        Ok(turn.mode)
    }

    /// Asks the thread, if it runs.
    fn ask_copier<T>(&self, ask: impl FnOnce(&Copier) -> T) -> Option<T> {
        self.copier().as_ref().map(ask)
    }

    /// Gives the thread something to do; it is started for the first. `false`: there is none, at this
    /// `cost`.
    fn copy_with(&self, cost: &str, give: impl FnOnce(&Copier)) -> bool {
        let mut copier = self.copier();
        if copier.is_none() {
            let started = Copier::start();
            if let Err(err) = &started {
                let why = format!("could not start a thread: {err}");
                Host::get().fall_back("handover", &why, cost);
            }
            *copier = started.ok();
        }
        copier.as_ref().map(give).is_some()
    }

    fn copier(&self) -> MutexGuard<'_, Option<Copier>> {
        self.copier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the swapchain suits its surface.
    fn condition(&self) -> Result<vk::Result, LayerError> {
        let extent = self.surface.extent();
        self.check_surface()?;
        match extent {
            Some(extent) if extent != self.plan.image.extent => Ok(vk::Result::SUBOPTIMAL_KHR),
            _ => Ok(vk::Result::SUCCESS),
        }
    }

    fn check_surface(&self) -> Result<(), LayerError> {
        if self.surface.is_lost() {
            return Err(crate::surface::capabilities::lost(&self.surface));
        }
        Ok(())
    }

    /// Whether pictures cannot be handed over; says so once, also of those that must be copied.
    fn is_private(&self) -> bool {
        let why = match (&self.plan.image.export, self.plan.fourcc) {
            (Export::Nothing(why), _) => why,
            (_, None) => "the format has no fourcc",
            (export, _) => {
                if let Some((why, cost)) = export.cost() {
                    Host::get().fall_back("handover", why, cost);
                }
                return false;
            }
        };
        Host::get().fall_back("handover", why, "the host sees no picture of this swapchain");
        true
    }

    /// Where the images are. One thread at a time uses a swapchain, so this never waits for long.
    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
