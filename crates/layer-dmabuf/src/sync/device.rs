//! What is kept for a device whose `SYNC_FD` is ours.

use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ash::{khr, vk};
use zerohop_layer::link::Next;
use zerohop_layer::{Doing, LayerError};

use super::notes::Notes;
use super::signals::Signals;
use super::turns::{Turn, Turns};
use super::{LIMIT, SyncFd};

/// One device's.
pub(crate) struct Sync {
    /// What is ours.
    pub(super) ours: SyncFd,
    /// Signaled by an import, and not waited for since.
    pub(super) semaphores: Notes<vk::Semaphore>,
    /// Signaled by an import, and not reset since.
    pub(super) fences: Notes<vk::Fence>,
    /// Which queue signals what may be exported.
    pub(super) signals: Signals,
    /// The driver's own handles of other types, where it has some.
    pub(super) semaphore_fd: Option<khr::external_semaphore_fd::DeviceFn>,
    /// As above.
    pub(super) fence_fd: Option<khr::external_fence_fd::DeviceFn>,
    /// Where we wait for a semaphore that no queue of the application's signals, but for example a
    /// swapchain.
    queue: Option<vk::Queue>,
    /// Held during every call with a queue, ours and the application's.
    turns: Turns,
    /// Fences that had not signaled when we gave up waiting.
    late: Mutex<Vec<vk::Fence>>,
}

impl Sync {
    /// For a device of which `queue` may be used.
    pub(crate) fn new(ours: SyncFd, queue: Option<vk::Queue>) -> Self {
        Self {
            ours,
            semaphores: Notes::new(),
            fences: Notes::new(),
            signals: Signals::default(),
            semaphore_fd: None,
            fence_fd: None,
            queue,
            turns: Turns::default(),
            late: Mutex::default(),
        }
    }

    /// The same with what the next layer has for handles of other types.
    pub(crate) fn over(self, next: &Next, device: vk::Device) -> Self {
        let find = |name: &CStr| next.raw_device_command(device, name);
        let (semaphores, fences) = (self.ours.semaphore_fd_below, self.ours.fence_fd_below);
        Self {
            semaphore_fd: semaphores.then(|| khr::external_semaphore_fd::DeviceFn::load(find)),
            fence_fd: fences.then(|| khr::external_fence_fd::DeviceFn::load(find)),
            ..self
        }
    }

    /// Keeps others off `queue` until the result is dropped.
    pub(crate) fn lock(&self, queue: vk::Queue) -> Turn<'_> {
        self.turns.take(queue)
    }

    /// Keeps others off all queues, for a command that concerns them all.
    pub(crate) fn lock_all(&self) -> Turn<'_> {
        self.turns.take(vk::Queue::null())
    }

    /// Waits for `semaphore` as a batch would.
    ///
    /// # Errors
    ///
    /// What the device reports; `VK_ERROR_OUT_OF_HOST_MEMORY` when it takes longer than
    /// [`LIMIT`].
    pub(super) fn drain(
        &self,
        device: &ash::Device,
        semaphore: vk::Semaphore,
    ) -> Result<(), LayerError> {
        self.sweep(device);
        let queue = self.signals.queue_of(semaphore).or(self.queue);
        let queue = queue.ok_or(vk::Result::ERROR_OUT_OF_HOST_MEMORY);
        let queue = queue.doing("find a queue to wait for a semaphore on")?;
        // SAFETY: the device is alive.
        let fence = unsafe { device.create_fence(&vk::FenceCreateInfo::default(), None) };
        let fence = fence.doing("make a fence")?;
        let (semaphores, stages) = ([semaphore], [vk::PipelineStageFlags::ALL_COMMANDS]);
        let batch =
            vk::SubmitInfo::default().wait_semaphores(&semaphores).wait_dst_stage_mask(&stages);
        let submitted = {
            let _turn = self.lock(queue);
            // SAFETY: the queue is locked, the fence ours, and the semaphore has a signal operation
            // that was submitted (VUID-VkSemaphoreGetFdInfoKHR-handleType-03254).
            unsafe { device.queue_submit(queue, &[batch], fence) }
        };
        let done = submitted.doing("wait for a semaphore").and_then(|()| wait(device, fence));
        if submitted.is_err() || done.is_ok() {
            // SAFETY: it was never submitted, or has signaled.
            unsafe { device.destroy_fence(fence, None) };
        } else {
            self.late().push(fence);
        }
        done
    }

    /// Destroys the fences that have signaled after all. What a device never finished stays.
    pub(crate) fn sweep(&self, device: &ash::Device) {
        self.late().retain(|fence| {
            // SAFETY: the fence is ours and alive.
            let signaled = unsafe { device.get_fence_status(*fence) };
            // A lost device has finished everything ("Lost Device").
            let pending = matches!(signaled, Ok(false));
            if !pending {
                // SAFETY: nothing signals it any more, and nobody else knows it.
                unsafe { device.destroy_fence(*fence, None) };
            }
            pending
        });
    }

    fn late(&self) -> MutexGuard<'_, Vec<vk::Fence>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for `fence` on the CPU.
///
/// # Errors
///
/// What the device reports; `VK_ERROR_OUT_OF_HOST_MEMORY` when it takes longer than [`LIMIT`].
pub(super) fn wait(device: &ash::Device, fence: vk::Fence) -> Result<(), LayerError> {
    let limit = u64::try_from(LIMIT.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: the fence is the device's.
    match unsafe { device.wait_for_fences(&[fence], true, limit) } {
        Err(vk::Result::TIMEOUT) => Err(LayerError::refused(
            vk::Result::ERROR_OUT_OF_HOST_MEMORY,
            format!("what is exported as SYNC_FD has not signaled for {} s", LIMIT.as_secs()),
        )),
        other => other.doing("wait for what is exported as SYNC_FD"),
    }
}
