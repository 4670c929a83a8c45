//! Swapchains of ours.

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{Doing as _, LayerError};

use crate::device::{DeviceState, QueueState};
use crate::surface::Surface;

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

/// One `VkSwapchainKHR`.
pub(crate) struct Swapchain {
    images: Vec<vk::Image>,
}

fn unfinished<T>() -> Result<T, LayerError> {
    Err(LayerError::refused(vk::Result::ERROR_INITIALIZATION_FAILED, "no swapchains yet"))
}

/// `vkCreateSwapchainKHR`. `old` is null's, or the live swapchain of ours that is to be retired.
pub(crate) fn create(
    _device: &Arc<DeviceState>,
    _surface: &Arc<Surface>,
    _info: &vk::SwapchainCreateInfoKHR<'_>,
    _old: Option<Arc<Swapchain>>,
) -> Result<Arc<Swapchain>, LayerError> {
    unfinished()
}

/// `vkDestroySwapchainKHR`; it is out of the device's table already.
pub(crate) fn destroy(swapchain: Arc<Swapchain>) {
    drop(swapchain);
}

/// `vkQueuePresentKHR`. Takes the queue's lock itself.
pub(crate) fn present(
    _device: &Arc<DeviceState>,
    _queue: &Arc<QueueState>,
    _info: &vk::PresentInfoKHR<'_>,
) -> Result<vk::Result, LayerError> {
    unfinished()
}

/// `vkBindImageMemory2`, with or without `VkBindImageMemorySwapchainInfoKHR`.
pub(crate) fn bind_image_memory(
    device: &Arc<DeviceState>,
    infos: &[vk::BindImageMemoryInfo<'_>],
) -> Result<vk::Result, LayerError> {
    // SAFETY: the infos are the application's.
    unsafe { device.raw.bind_image_memory2(infos) }.doing("bind image memory")?;
    Ok(vk::Result::SUCCESS)
}

impl Swapchain {
    /// `vkGetSwapchainImagesKHR`.
    pub(crate) fn images(&self) -> &[vk::Image] {
        &self.images
    }

    /// `vkAcquireNextImage*KHR`: the image if there is one, and the success code.
    pub(crate) fn acquire(
        &self,
        _request: AcquireRequest,
    ) -> Result<(Option<u32>, vk::Result), LayerError> {
        unfinished()
    }

    /// `vkReleaseSwapchainImages*`.
    pub(crate) fn release_images(&self, _indices: &[u32]) -> Result<(), LayerError> {
        unfinished()
    }

    /// `vkWaitForPresentKHR`; `timeout` in nanoseconds.
    pub(crate) fn wait_for_present(
        &self,
        _id: u64,
        _timeout: u64,
    ) -> Result<vk::Result, LayerError> {
        unfinished()
    }

    /// `vkCreateImage` with `VkImageSwapchainCreateInfoKHR`: an image like ours.
    pub(crate) fn create_image(
        &self,
        _info: &vk::ImageCreateInfo<'_>,
        _allocator: *const vk::AllocationCallbacks<'_>,
    ) -> Result<vk::Image, LayerError> {
        unfinished()
    }
}
