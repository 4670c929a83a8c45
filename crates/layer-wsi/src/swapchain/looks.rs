//! Looking at the pictures of one swapchain, so that what has not changed stays where it is.
//!
//! ```text
//!          the host asks          the thread has made it        two changed in a row, or another queue
//! direct ───────────────► making ───────────────────────► looking ───────────────────────────────► direct
//! ```
//!
//! While it is made pictures go directly, and where it cannot be made, always.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;
use zerohop_layer::{LayerError, Level, chain_line, log};

use super::Swapchain;
use super::chain::Chain;
use super::format;
use super::hint::Asking;
use super::outlet::Outlet;
use super::plan::{Export, ImagePlan};
use crate::device::{DeviceState, QueueState};
use crate::look::{Ground, Looker, Reading};

/// See the module.
#[derive(Default)]
pub(crate) struct Looks {
    stage: Mutex<Stage>,
    chain: Mutex<Chain>,
    /// How many there were.
    count: AtomicU64,
}

#[derive(Default)]
enum Stage {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// It cannot be done.
    Never,
    /// The thread is at it.
    Making,
    /// For pictures of this queue.
    Ready(Arc<Looker>, Arc<QueueState>),
}

/// What a picture is looked at with.
#[derive(Clone)]
pub(crate) struct Looking {
    pub(super) looker: Arc<Looker>,
    /// For whom.
    pub(super) asking: Asking,
    /// The number of the look.
    pub(super) number: u64,
}

impl Looks {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the look that is about to be submitted.
    pub(super) fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What the thread has seen.
    pub(super) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What looking begins with. Compiles a shader.
    fn make(&self, device: &DeviceState, queue: Arc<QueueState>, plan: &ImagePlan, images: usize) {
        let made = view_of(plan).and_then(|view| {
            let ground = Ground { raw: &device.raw, memory: &device.memory_properties };
            Looker::new(ground, view, plan.size(), images)
        });
        *self.stage() = match made {
            Ok(looker) => Stage::Ready(Arc::new(looker), queue),
            Err(err) => {
                log(Level::Debug, format_args!("still pictures are sent: {}", chain_line(&err)));
                Stage::Never
            }
        };
    }
}

impl Swapchain {
    /// What the next picture from `queue` is looked at with, if it is.
    pub(super) fn looking(&self, queue: &Arc<QueueState>) -> Option<Looking> {
        let asking = self.stream.hint.now()?;
        let mut stage = self.looks.stage();
        match &*stage {
            Stage::Making => return None,
            Stage::Ready(looker, of) if Arc::ptr_eq(of, queue) && !self.outlet.is_paced() => {
                let (looker, number) = (Arc::clone(looker), self.looks.next());
                return Some(Looking { looker, asking, number });
            }
            Stage::Ready(..) => *stage = Stage::Unasked,
            Stage::Unasked => {
                *stage = Stage::Making;
                drop(stage);
                let can = self.check_looks(queue).and_then(|()| self.make_looker(queue));
                let Err(why) = can else { return None };
                log(Level::Debug, format_args!("still pictures are sent: {why}"));
                *self.looks.stage() = Stage::Never;
            }
            Stage::Never => {}
        }
        // The host asks again when it is worth it.
        self.stream.hint.end_of(asking);
        None
    }

    /// Whether pictures from `queue` could be looked at.
    fn check_looks(&self, queue: &QueueState) -> Result<(), String> {
        if matches!(self.outlet, Outlet::Screen(_)) || self.outlet.is_paced() {
            return Err("a screen keeps the time".to_owned());
        }
        let said = |err: LayerError| chain_line(&err);
        let physical = self.device.instance.physical(self.device.physical).map_err(said)?;
        if !physical.computes_from(queue.family) {
            return Err(format!("queue family {} cannot compute", queue.family));
        }
        if !self.device.has_1_1() {
            return Err("the device has no Vulkan 1.1".to_owned());
        }
        view_of(&self.plan.image).map(drop).map_err(said)
    }

    /// Lets the thread make what it takes.
    fn make_looker(&self, queue: &Arc<QueueState>) -> Result<(), String> {
        let (looks, device) = (Arc::clone(&self.looks), Arc::clone(&self.device));
        let (queue, plan) = (Arc::clone(queue), Arc::clone(&self.plan));
        let images = self.images.len();
        let make = move || looks.make(&device, queue, &plan.image, images);
        let cost = "pictures that stand still are sent";
        match self.copy_with(cost, |copier| copier.prepare(Box::new(make))) {
            true => Ok(()),
            false => Err("there is no thread for it".to_owned()),
        }
    }
}

/// What the images are viewed as: their words where they have such a view, else their codes.
fn view_of(plan: &ImagePlan) -> Result<vk::Format, LayerError> {
    let refused = |why| LayerError::refused(vk::Result::ERROR_FORMAT_NOT_SUPPORTED, why);
    if !matches!(plan.export, Export::Opaque | Export::DmaBuf(_)) {
        return Err(refused("pictures are copied"));
    }
    if !plan.usage.contains(vk::ImageUsageFlags::SAMPLED) || plan.array_layers != 1 {
        return Err(refused("the images cannot be sampled"));
    }
    let mutable = plan.flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT);
    let viewed = |format: &vk::Format| {
        let listed = plan.view_formats.is_empty() || plan.view_formats.contains(format);
        *format == plan.format || mutable && listed
    };
    let whole = plan.export == Export::Opaque && plan.tiling == vk::ImageTiling::OPTIMAL;
    let words = format::words(plan.format).filter(|_| whole);
    let codes = format::unorm_twin(plan.format).unwrap_or(plan.format);
    let view = words.into_iter().chain([codes]).find(viewed);
    let view = view.filter(|view| Reading::of(*view).is_some());
    view.ok_or_else(|| refused("the codes of the images cannot be read"))
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;

    use super::super::plan::SwapchainPlan;
    use super::*;

    fn plan(format: vk::Format, export: Export) -> ImagePlan {
        let info = vk::SwapchainCreateInfoKHR::default()
            .image_format(format)
            .image_extent(vk::Extent2D { width: 3, height: 2 })
            .image_array_layers(1)
            .image_usage(vk::ImageUsageFlags::SAMPLED)
            .present_mode(vk::PresentModeKHR::FIFO);
        ImagePlan { export, ..SwapchainPlan::new(&info).unwrap().image }
    }

    #[test]
    fn an_image_is_viewed_as_words_where_it_can_be_and_else_as_its_codes() {
        use vk::Format as F;
        let view = |plan| view_of(&plan).ok();
        let (opaque, dma_buf) = (|| Export::Opaque, || Export::DmaBuf(vec![0]));
        assert_eq!(view(plan(F::B8G8R8A8_SRGB, opaque())), Some(F::B8G8R8A8_UNORM));
        assert_eq!(view(plan(F::B8G8R8A8_UNORM, dma_buf())), Some(F::B8G8R8A8_UNORM));
        let words = |format| plan(format, opaque()).with_words().unwrap();
        assert_eq!(view(words(F::B8G8R8A8_SRGB)), Some(F::R32_UINT));
        assert_eq!(view(words(F::R16G16B16A16_SFLOAT)), Some(F::R32G32_UINT));
        let any = ImagePlan { view_formats: ArrayVec::new(), ..words(F::R8G8B8A8_SRGB) };
        assert_eq!(view(any), Some(F::R32_UINT));
    }

    #[test]
    fn what_cannot_be_sampled_or_is_copied_is_not_looked_at() {
        let format = vk::Format::B8G8R8A8_UNORM;
        let refused = |plan| view_of(&plan).unwrap_err().to_string();
        let unsampled = vk::ImageUsageFlags::COLOR_ATTACHMENT;
        let plain = ImagePlan { usage: unsampled, ..plan(format, Export::Opaque) };
        assert_eq!(refused(plain), "the images cannot be sampled");
        let copied = Export::Copied { way: super::super::plan::Way::Imported, why: String::new() };
        assert_eq!(refused(plan(format, copied)), "pictures are copied");
        let odd = refused(plan(vk::Format::R8_UNORM, Export::Opaque));
        assert_eq!(odd, "the codes of the images cannot be read");
    }
}
