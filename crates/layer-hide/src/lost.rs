//! A device that is lost after so many submissions: nothing reaches the driver any more, and whoever
//! waits is told.
//!
//! # References
//!
//! Vulkan specification, "Lost Device": once it is, commands that wait return
//! `VK_ERROR_DEVICE_LOST` in finite time.

use std::sync::atomic::Ordering;

use ash::vk;
use zerohop_layer::{LayerError, guard};

use crate::hidden::Hidden;
use crate::state::{Device, device};

impl Device {
    /// Counts a submission. What came before the one that is lost ends first: of a lost device nobody
    /// waits for anything before he destroys it, and this one's driver still works.
    fn submits(&self) -> Result<(), LayerError> {
        let before = self.submissions.fetch_add(1, Ordering::Relaxed);
        if Some(before) == Hidden::get().lost {
            // SAFETY: it is alive, as one of its queues is submitted to; tests submit on one thread.
            let _ = unsafe { self.raw.device_wait_idle() };
        }
        self.lives()
    }

    fn lives(&self) -> Result<(), LayerError> {
        let most = Hidden::get().lost.unwrap_or(u64::MAX);
        if self.submissions.load(Ordering::Relaxed) <= most {
            return Ok(());
        }
        let what = format!("lost after {most} submissions, as a test asks for");
        Err(LayerError::refused(vk::Result::ERROR_DEVICE_LOST, what))
    }
}

pub(crate) unsafe extern "system" fn submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueSubmit", || {
        // SAFETY: VUID-vkQueueSubmit-queue-parameter.
        let device = unsafe { device(queue) }?;
        device.submits()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.raw.fp_v1_0().queue_submit)(queue, count, submits, fence) })
    })
}

pub(crate) unsafe extern "system" fn submit2(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo2<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueSubmit2", || {
        // SAFETY: VUID-vkQueueSubmit2-queue-parameter.
        let device = unsafe { device(queue) }?;
        device.submits()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.raw.fp_v1_3().queue_submit2)(queue, count, submits, fence) })
    })
}

pub(crate) unsafe extern "system" fn submit2_khr(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo2<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueSubmit2KHR", || {
        // SAFETY: VUID-vkQueueSubmit2-queue-parameter.
        let device = unsafe { device(queue) }?;
        device.submits()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.synchronization2.queue_submit2_khr)(queue, count, submits, fence) })
    })
}

pub(crate) unsafe extern "system" fn queue_idle(queue: vk::Queue) -> vk::Result {
    guard("vkQueueWaitIdle", || {
        // SAFETY: VUID-vkQueueWaitIdle-queue-parameter.
        let device = unsafe { device(queue) }?;
        device.lives()?;
        // SAFETY: the caller's argument.
        Ok(unsafe { (device.raw.fp_v1_0().queue_wait_idle)(queue) })
    })
}

pub(crate) unsafe extern "system" fn device_idle(handle: vk::Device) -> vk::Result {
    guard("vkDeviceWaitIdle", || {
        // SAFETY: VUID-vkDeviceWaitIdle-device-parameter.
        let device = unsafe { device(handle) }?;
        device.lives()?;
        // SAFETY: the caller's argument.
        Ok(unsafe { (device.raw.fp_v1_0().device_wait_idle)(handle) })
    })
}

pub(crate) unsafe extern "system" fn fences(
    handle: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    all: vk::Bool32,
    timeout: u64,
) -> vk::Result {
    guard("vkWaitForFences", || {
        // SAFETY: VUID-vkWaitForFences-device-parameter.
        let device = unsafe { device(handle) }?;
        device.lives()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.raw.fp_v1_0().wait_for_fences)(handle, count, fences, all, timeout) })
    })
}

pub(crate) unsafe extern "system" fn fence(handle: vk::Device, fence: vk::Fence) -> vk::Result {
    guard("vkGetFenceStatus", || {
        // SAFETY: VUID-vkGetFenceStatus-device-parameter.
        let device = unsafe { device(handle) }?;
        device.lives()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.raw.fp_v1_0().get_fence_status)(handle, fence) })
    })
}

pub(crate) unsafe extern "system" fn semaphores(
    handle: vk::Device,
    info: *const vk::SemaphoreWaitInfo<'_>,
    timeout: u64,
) -> vk::Result {
    guard("vkWaitSemaphores", || {
        // SAFETY: VUID-vkWaitSemaphores-device-parameter.
        let device = unsafe { device(handle) }?;
        device.lives()?;
        // SAFETY: the caller's arguments.
        Ok(unsafe { (device.raw.fp_v1_2().wait_semaphores)(handle, info, timeout) })
    })
}
