//! A fence of our own, and whether it will signal.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::waiting;
use zerohop_layer::{Doing, LayerError};

use crate::device::DeviceState;

/// How often a wait is tried that is refused for want of memory.
const TRIES: usize = 4;

/// A `VkFence`. Whoever has it may wait for it.
pub(super) struct Fence {
    device: Arc<DeviceState>,
    raw: vk::Fence,
}

impl Fence {
    /// One that is unsignaled.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(super) fn new(device: &Arc<DeviceState>) -> Result<Arc<Self>, LayerError> {
        let info = vk::FenceCreateInfo::default();
        // SAFETY: the device is alive.
        let raw = unsafe { device.raw.create_fence(&info, None) }.doing("create a fence")?;
        Ok(Arc::new(Self { device: Arc::clone(device), raw }))
    }

    /// Waits until it signals, for `limit` at most.
    ///
    /// # Errors
    ///
    /// What the device reports, `VK_TIMEOUT` too.
    pub(super) fn wait(&self, limit: Duration) -> Result<(), vk::Result> {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the fence is ours and alive.
        unsafe { self.device.raw.wait_for_fences(&[self.raw], true, limit) }
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: nothing is pending on it (`Gate`), and nobody waits for it any more.
        unsafe { self.device.raw.destroy_fence(self.raw, None) };
    }
}

/// A fence, and whether a submission will signal it. When none will, it is unsignaled.
pub(super) struct Gate {
    fence: Arc<Fence>,
    pub(super) pending: bool,
}

impl Gate {
    /// A gate through which nothing has gone.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(super) fn new(device: &Arc<DeviceState>) -> Result<Self, LayerError> {
        Ok(Self { fence: Fence::new(device)?, pending: false })
    }

    /// The fence, for a submission or for waiting.
    pub(super) fn fence(&self) -> &Arc<Fence> {
        &self.fence
    }

    /// Whether the submission is done, if there is one. Does not wait.
    pub(super) fn is_through(&self) -> bool {
        // SAFETY: the fence is ours and alive.
        !self.pending || unsafe { self.fence.device.raw.get_fence_status(self.raw()) } == Ok(true)
    }

    /// Its handle.
    pub(super) fn raw(&self) -> vk::Fence {
        self.fence.raw
    }

    /// Makes the fence ready for the next submission.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(super) fn open(&mut self, device: &DeviceState) -> Result<(), LayerError> {
        if !self.pending {
            return Ok(());
        }
        // Done long ago: its image has been to the application and the host since.
        self.wait()?;
        // SAFETY: it has signaled, and only we submit with it; whoever waited for it has finished
        // with the picture.
        unsafe { device.raw.reset_fences(&[self.raw()]) }.doing("reset a fence")?;
        self.pending = false;
        Ok(())
    }

    /// Waits until the submission is done, if there is one: without end, as a driver waits. One
    /// that hangs says that the device is lost.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(super) fn wait(&self) -> Result<(), LayerError> {
        self.status().doing("wait for a picture to leave")
    }

    fn status(&self) -> Result<(), vk::Result> {
        match self.pending {
            true => waiting("a picture to leave", || self.fence.wait(Duration::MAX)),
            false => Ok(()),
        }
    }

    /// Whether nothing runs any more that signals the fence.
    pub(super) fn is_done(&self) -> bool {
        for _ in 0..TRIES {
            match self.status() {
                // A lost device has finished everything ("Lost Device").
                Ok(()) | Err(vk::Result::ERROR_DEVICE_LOST) => return true,
                Err(_) => {}
            }
        }
        false
    }

    /// Leaves the fence to the driver for good: what the device may still use is not freed.
    pub(super) fn abandon(&self) {
        std::mem::forget(Arc::clone(&self.fence));
    }
}
