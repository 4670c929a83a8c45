//! `vkCreateSwapchainKHR` and `vkDestroySwapchainKHR`.

use std::sync::{Arc, Mutex};

use ash::vk;
use zerohop_layer::{LayerError, config};

use super::drawn::Drawn;
use super::handover::{Host, PATIENCE};
use super::image::Image;
use super::pace::Refresh;
use super::place::Place;
use super::plan::{Export, SwapchainPlan};
use super::rotation::Rotation;
use super::stream::{Key, Stream};
use super::{Drive, Outlet, Swapchain};
use crate::device::DeviceState;
use crate::surface::Surface;
use crate::trace;

/// So many images are with the thread that copies them: one that it copies, and one that waits.
const IN_COPIES: u32 = 2;

/// `vkCreateSwapchainKHR`. `old` is null's, or the live swapchain of ours that is to be retired;
/// it is, even when this fails.
///
/// # Errors
///
/// `VK_ERROR_NATIVE_WINDOW_IN_USE_KHR` when the surface has a swapchain that is not retired,
/// `VK_ERROR_SURFACE_LOST_KHR` when the window is gone, `VK_ERROR_INITIALIZATION_FAILED` for what
/// we cannot do, and what the device reports.
pub(crate) fn create(
    device: &Arc<DeviceState>,
    surface: &Arc<Surface>,
    info: &vk::SwapchainCreateInfoKHR<'_>,
    old: Option<Arc<Swapchain>>,
) -> Result<Arc<Swapchain>, LayerError> {
    if let Some(old) = &old {
        old.retire();
    }
    let stream = surface.stream(|| Stream::new(surface.name(), refresh(surface)));
    trace::begin();
    let key = Key::next();
    stream.take(key)?;
    make(device, surface, info, stream, key).inspect_err(|_| stream.leave(key))
}

fn refresh(surface: &Surface) -> Refresh {
    let config = config::get();
    Refresh::every(surface.period().unwrap_or(config.refresh)).later_by(config.phase)
}

fn make(
    device: &Arc<DeviceState>,
    surface: &Arc<Surface>,
    info: &vk::SwapchainCreateInfoKHR<'_>,
    stream: &Arc<Stream>,
    key: Key,
) -> Result<Arc<Swapchain>, LayerError> {
    surface.extent_now();
    if surface.is_lost() {
        return Err(crate::surface::capabilities::lost(surface));
    }
    let mut plan = SwapchainPlan::new(info)?;
    if !plan.image.families.is_empty() {
        // The host is one more that shares them, from whichever family it computes on.
        plan.image.families = device.instance.physical(device.physical)?.writing_families();
    }
    let outlet = surface.outlet()?;
    match &outlet {
        Outlet::Host => plan.image.settle(device, None),
        Outlet::Screen(drive) => settle_for(drive, device, &mut plan)?,
    }
    if plan.image.export.needs_thread() {
        plan.count += IN_COPIES;
    }
    let count = plan.count as usize;
    let images = (0..count).map(|_| Image::new(device, &plan.image).map(Arc::new));
    let images = images.collect::<Result<Vec<_>, _>>()?;
    if !plan.deferred {
        images.iter().try_for_each(|image| image.allocate(&plan.image).map(drop))?;
    }
    if let Outlet::Host = outlet {
        Host::get().greet();
    }
    Ok(Arc::new(Swapchain {
        copier: Mutex::new(None),
        places: Mutex::new((0..count).map(|_| Place::default()).collect()),
        handles: images.iter().map(|image| image.raw()).collect(),
        images,
        rotation: Arc::new(Rotation::new(count, plan.mode)),
        drawn: device.can_wait_for_presents().then(Drawn::default),
        stream: Arc::clone(stream),
        outlet,
        surface: Arc::clone(surface),
        device: Arc::clone(device),
        plan: Arc::new(plan),
        looks: Arc::default(),
        key,
    }))
}

/// Chooses how images come onto a screen: as they are, if that shows one of them, else as copies
/// in shared memory.
fn settle_for(
    drive: &Drive,
    device: &Arc<DeviceState>,
    plan: &mut SwapchainPlan,
) -> Result<(), LayerError> {
    let modifiers = plan.fourcc.map(|fourcc| drive.modifiers(fourcc)).unwrap_or_default();
    plan.image.settle(device, Some(&modifiers));
    if !matches!(plan.image.export, Export::DmaBuf(_)) {
        return Ok(());
    }
    let image = Image::new(device, &plan.image)?;
    image.allocate(&plan.image)?;
    if let Err(why) = drive.accepts(image.export(plan)?) {
        plan.image.export = Export::copied(device, &plan.image, &why);
    }
    Ok(())
}

/// `vkDestroySwapchainKHR`; it is out of the device's table already.
pub(crate) fn destroy(swapchain: Arc<Swapchain>) {
    swapchain.retire();
    // Nothing is announced any more.
    drop(swapchain.copier().take());
    Host::get().tell(&swapchain.stream);
    trace::flush();
    swapchain.outlet.retire(swapchain.images.iter().map(|image| image.key()));
    drop(swapchain);
}

impl Swapchain {
    /// Gives the surface up. Images that are acquired may still be presented.
    fn retire(&self) {
        // Nothing is waited for any more but what is drawn already.
        self.stream.end_looks(self.key);
        self.ask_copier(|copier| copier.flush(PATIENCE));
        self.rotation.retire();
        self.stream.leave(self.key);
    }
}
