//! Images of the application's over the memory of swapchain images: `vkCreateImage` with
//! `VkImageSwapchainCreateInfoKHR`, `vkBindImageMemory2` with `VkBindImageMemorySwapchainInfoKHR`.

use std::sync::{Arc, Weak};

use ash::vk;
use zerohop_layer::{Doing, LayerError, chain};

use super::memory::Memory;
use super::plan::Export;
use super::{Swapchain, export, image};
use crate::device::DeviceState;

/// What the driver must not see: it knows nothing of our swapchains.
const OURS: &[vk::StructureType] = &[vk::StructureType::BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR];

/// `vkBindImageMemory2`, with or without `VkBindImageMemorySwapchainInfoKHR`.
///
/// # Errors
///
/// When the memory cannot be shared, and what the next layer reports.
pub(crate) fn bind_image_memory(
    device: &Arc<DeviceState>,
    infos: &[vk::BindImageMemoryInfo<'_>],
) -> Result<vk::Result, LayerError> {
    // Kept until the call is made: the copies point into them.
    let mut chains = Vec::with_capacity(infos.len());
    let mut copies = infos.to_vec();
    for copy in &mut copies {
        // SAFETY: VUID-VkBindImageMemoryInfo-pNext-pNext.
        let named = unsafe { chain::get::<vk::BindImageMemorySwapchainInfoKHR<'_>>(copy.p_next) };
        let Some(named) = named.filter(|named| named.swapchain != vk::SwapchainKHR::null()) else {
            continue;
        };
        let swapchain = device.swapchain(named.swapchain)?;
        copy.memory = Alias::bind(&swapchain, named.image_index, copy.image)?;
        copy.memory_offset = 0;
        // SAFETY: VUID-VkBindImageMemoryInfo-pNext-pNext.
        let stripped = unsafe { chain::without(copy.p_next, OURS) };
        copy.p_next = stripped.head();
        chains.push(stripped);
    }
    // SAFETY: the infos are the application's, with memory of ours where it named a swapchain.
    unsafe { device.raw.bind_image_memory2(&copies) }.doing("bind image memory")?;
    Ok(vk::Result::SUCCESS)
}

impl Swapchain {
    /// `vkCreateImage` with `VkImageSwapchainCreateInfoKHR`: an image like ours, whatever else
    /// `info` says (it must say the same, VUID-VkImageSwapchainCreateInfoKHR-swapchain-00995).
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(crate) fn create_image(
        &self,
        _info: &vk::ImageCreateInfo<'_>,
        allocator: *const vk::AllocationCallbacks<'_>,
    ) -> Result<vk::Image, LayerError> {
        // SAFETY: VUID-vkCreateImage-pAllocator-parameter.
        let allocator = unsafe { allocator.as_ref() };
        let plan = &self.plan.image;
        let modifier = match plan.export {
            Export::DmaBuf(_) => {
                Some(export::layout_of(&self.device, plan.format, self.handles[0])?.0)
            }
            _ => None,
        };
        image::create(&self.device, plan, modifier, allocator)
    }
}

/// An image of the application's over the memory of a swapchain image. The application draws into
/// it in the other's place, so this is the one that is handed over.
pub(crate) struct Alias {
    swapchain: Weak<Swapchain>,
    index: usize,
    /// `None` when the swapchain image's own could be used.
    _memory: Option<Memory>,
}

impl Alias {
    /// The memory for `image` over swapchain image `index`.
    fn bind(
        swapchain: &Arc<Swapchain>,
        index: u32,
        image: vk::Image,
    ) -> Result<vk::DeviceMemory, LayerError> {
        let index = index as usize;
        let ours = swapchain.images.get(index).ok_or_else(|| {
            let what = format!("no swapchain image {index} of {}", swapchain.images.len());
            LayerError::refused(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, what)
        })?;
        let plan = &swapchain.plan.image;
        let memory = ours.allocate(plan)?;
        // What cannot leave cannot be had twice; drivers take it for the other image all the same.
        let again = plan.export.handle_type().map(|_| memory.again(image, &plan.export));
        let again = again.transpose()?;
        let raw = again.as_ref().unwrap_or(memory).raw();
        swapchain.places()[index].draw_into(Some(image));
        let alias = Self { swapchain: Arc::downgrade(swapchain), index, _memory: again };
        swapchain.device.aliases.insert(image, Arc::new(alias));
        Ok(raw)
    }
}

/// Before `vkDestroyImage`: forgets an image over the memory of ours. What is returned is to be
/// dropped after it.
pub(crate) fn forget_image(device: &DeviceState, image: vk::Image) -> Option<Arc<Alias>> {
    if !device.aliases.contains(&image) {
        return None;
    }
    let alias = device.aliases.remove(&image)?;
    if let Some(swapchain) = alias.swapchain.upgrade() {
        swapchain.places()[alias.index].forget(image);
    }
    Some(alias)
}
