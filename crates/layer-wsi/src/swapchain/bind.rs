//! Images of the application's over the memory of swapchain images: `vkCreateImage` with
//! `VkImageSwapchainCreateInfoKHR`, `vkBindImageMemory2` with `VkBindImageMemorySwapchainInfoKHR`.

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{Doing, LayerError, chain};

use super::plan::Export;
use super::{Swapchain, export, image};
use crate::device::DeviceState;

/// What the driver must not see: it knows nothing of our swapchains.
const OURS: &[vk::StructureType] = &[vk::StructureType::BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR];

/// `vkBindImageMemory2`, with or without `VkBindImageMemorySwapchainInfoKHR`.
///
/// # Errors
///
/// For a swapchain image without memory, and what the next layer reports.
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
        copy.memory = swapchain.memory(named.image_index)?;
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

    fn memory(&self, index: u32) -> Result<vk::DeviceMemory, LayerError> {
        let image = self.images.get(index as usize);
        image.and_then(image::Image::memory).ok_or_else(|| {
            LayerError::refused(
                vk::Result::ERROR_OUT_OF_DEVICE_MEMORY,
                format!("swapchain image {index} of {} has no memory", self.images.len()),
            )
        })
    }
}
