//! A swapchain.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::Extent;

use super::{Device, Surface};

/// What a swapchain is to be like.
#[derive(Clone, Copy, Debug)]
pub struct SwapchainOptions {
    /// Format and colour space.
    pub format: vk::SurfaceFormatKHR,
    /// Size of its images.
    pub extent: Extent,
    /// How many images, at least; raised to the surface's minimum.
    pub images: u32,
    /// What the images are used for.
    pub usage: vk::ImageUsageFlags,
    /// When presents take effect.
    pub mode: vk::PresentModeKHR,
    /// `VkSwapchainCreateInfoKHR::flags`.
    pub flags: vk::SwapchainCreateFlagsKHR,
}

impl SwapchainOptions {
    /// Options for uploads in `format`.
    pub fn new(format: vk::SurfaceFormatKHR, extent: Extent) -> Self {
        Self {
            format,
            extent,
            images: 3,
            usage: vk::ImageUsageFlags::TRANSFER_DST | vk::ImageUsageFlags::COLOR_ATTACHMENT,
            mode: vk::PresentModeKHR::FIFO,
            flags: vk::SwapchainCreateFlagsKHR::empty(),
        }
    }

    /// The create info over `surface`, whose capabilities are `caps`.
    pub fn info(
        &self,
        surface: &Surface,
        caps: &vk::SurfaceCapabilitiesKHR,
    ) -> vk::SwapchainCreateInfoKHR<'static> {
        let most = if caps.max_image_count == 0 { u32::MAX } else { caps.max_image_count };
        vk::SwapchainCreateInfoKHR::default()
            .flags(self.flags)
            .surface(surface.raw())
            .min_image_count(self.images.clamp(caps.min_image_count, most))
            .image_format(self.format.format)
            .image_color_space(self.format.color_space)
            .image_extent(vk::Extent2D { width: self.extent.width, height: self.extent.height })
            .image_array_layers(1)
            .image_usage(self.usage)
            .pre_transform(caps.current_transform)
            .composite_alpha(lowest_alpha(caps.supported_composite_alpha))
            .present_mode(self.mode)
            .clipped(true)
    }
}

/// The supported composite alpha of the lowest bit: `OPAQUE` where it is there.
fn lowest_alpha(supported: vk::CompositeAlphaFlagsKHR) -> vk::CompositeAlphaFlagsKHR {
    let bits = supported.as_raw();
    vk::CompositeAlphaFlagsKHR::from_raw(bits & bits.wrapping_neg())
}

/// What an acquire gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// The image.
    pub index: u32,
    /// Whether it came with `VK_SUBOPTIMAL_KHR`.
    pub suboptimal: bool,
}

/// A `VkSwapchainKHR`. The surface must outlive it.
pub struct Swapchain {
    device: Arc<Device>,
    raw: vk::SwapchainKHR,
    images: Vec<vk::Image>,
    extent: Extent,
}

impl Swapchain {
    /// `vkCreateSwapchainKHR` and `vkGetSwapchainImagesKHR`.
    ///
    /// # Errors
    ///
    /// What they answer.
    pub fn new(
        device: &Arc<Device>,
        info: &vk::SwapchainCreateInfoKHR<'_>,
    ) -> Result<Self, vk::Result> {
        // SAFETY: surface and old swapchain in `info` live; asking for what the surface does not
        // offer is what tests are for.
        let raw = unsafe { device.swapchain().create_swapchain(info, None) }?;
        let vk::Extent2D { width, height } = info.image_extent;
        let extent = Extent { width, height };
        let mut made = Self { device: Arc::clone(device), raw, images: Vec::new(), extent };
        // SAFETY: the swapchain is ours and alive.
        made.images = unsafe { device.swapchain().get_swapchain_images(raw) }?;
        Ok(made)
    }

    /// The swapchain.
    pub fn raw(&self) -> vk::SwapchainKHR {
        self.raw
    }

    /// Its images.
    pub fn images(&self) -> &[vk::Image] {
        &self.images
    }

    /// The size of its images.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// `vkAcquireNextImageKHR`.
    ///
    /// # Errors
    ///
    /// What it answers: `VK_NOT_READY` and `VK_TIMEOUT` are errors here.
    pub fn acquire(
        &self,
        timeout: Duration,
        semaphore: vk::Semaphore,
        fence: vk::Fence,
    ) -> Result<Acquired, vk::Result> {
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let swapchain = self.device.swapchain();
        // SAFETY: the swapchain is alive; the caller gives unsignaled objects of this device.
        match unsafe { swapchain.acquire_next_image(self.raw, timeout, semaphore, fence) } {
            // ash answers these two as successes.
            Ok((index, suboptimal)) => Ok(Acquired { index, suboptimal }),
            Err(code) => Err(code),
        }
    }

    /// `vkQueuePresentKHR` of one image. Returns whether it was suboptimal.
    ///
    /// # Errors
    ///
    /// What it answers.
    pub fn present(&self, index: u32, wait: &[vk::Semaphore]) -> Result<bool, vk::Result> {
        let (swapchains, indices) = ([self.raw], [index]);
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(wait)
            .swapchains(&swapchains)
            .image_indices(&indices);
        self.present_with(&info)
    }

    /// `vkQueuePresentKHR` as the caller writes it.
    ///
    /// # Errors
    ///
    /// What it answers.
    pub fn present_with(&self, info: &vk::PresentInfoKHR<'_>) -> Result<bool, vk::Result> {
        let queue = self.device.queue();
        // SAFETY: the queue is locked; the caller has acquired the images.
        unsafe { self.device.swapchain().queue_present(*queue, info) }
    }
}

impl Drop for Swapchain {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: the device is idle, so no command uses an image.
        unsafe { self.device.swapchain().destroy_swapchain(self.raw, None) };
    }
}
