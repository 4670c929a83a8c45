//! Fences and semaphores that free themselves.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;

use super::Device;

/// A `VkFence`.
pub struct Fence {
    device: Arc<Device>,
    raw: vk::Fence,
}

impl Fence {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// What `vkCreateFence` answers.
    pub fn new(device: &Arc<Device>, signaled: bool) -> Result<Self, vk::Result> {
        let mut info = vk::FenceCreateInfo::default();
        if signaled {
            info.flags = vk::FenceCreateFlags::SIGNALED;
        }
        // SAFETY: `info` has no chain.
        let raw = unsafe { device.raw().create_fence(&info, None) }?;
        Ok(Self { device: Arc::clone(device), raw })
    }

    /// The fence.
    pub fn raw(&self) -> vk::Fence {
        self.raw
    }

    /// Waits at most `timeout`.
    ///
    /// # Errors
    ///
    /// `VK_TIMEOUT` and what else `vkWaitForFences` answers.
    pub fn wait(&self, timeout: Duration) -> Result<(), vk::Result> {
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the fence is ours and alive.
        unsafe { self.device.raw().wait_for_fences(&[self.raw], true, timeout) }
    }

    /// Whether it is signaled.
    ///
    /// # Errors
    ///
    /// What `vkGetFenceStatus` answers.
    pub fn is_signaled(&self) -> Result<bool, vk::Result> {
        // SAFETY: the fence is ours and alive.
        unsafe { self.device.raw().get_fence_status(self.raw) }
    }

    /// Makes it unsignaled. Nothing may be pending on it.
    ///
    /// # Errors
    ///
    /// What `vkResetFences` answers.
    pub fn reset(&self) -> Result<(), vk::Result> {
        // SAFETY: the caller waited for it.
        unsafe { self.device.raw().reset_fences(&[self.raw]) }
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: whoever drops it has waited for it.
        unsafe { self.device.raw().destroy_fence(self.raw, None) };
    }
}

/// A binary `VkSemaphore`.
pub struct Semaphore {
    device: Arc<Device>,
    raw: vk::Semaphore,
}

impl Semaphore {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// What `vkCreateSemaphore` answers.
    pub fn new(device: &Arc<Device>) -> Result<Self, vk::Result> {
        let info = vk::SemaphoreCreateInfo::default();
        // SAFETY: `info` has no chain.
        let raw = unsafe { device.raw().create_semaphore(&info, None) }?;
        Ok(Self { device: Arc::clone(device), raw })
    }

    /// The semaphore.
    pub fn raw(&self) -> vk::Semaphore {
        self.raw
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: the device is idle, so nothing waits for it or signals it.
        unsafe { self.device.raw().destroy_semaphore(self.raw, None) };
    }
}
