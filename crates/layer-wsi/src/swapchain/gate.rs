//! A fence of our own, and whether it will signal.

use std::time::Duration;

use ash::vk;
use zerohop_layer::{Doing, LayerError};

use crate::device::DeviceState;

/// How long we wait for work of our own that should long be done.
const OVERDUE: Duration = Duration::from_secs(5);

/// How often a wait is tried that is refused for want of memory.
const TRIES: usize = 4;

/// A fence, and whether a submission will signal it. When none will, it is unsignaled.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) fence: vk::Fence,
    pub(super) pending: bool,
}

impl Gate {
    /// Makes the fence ready for the next submission.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]; `VK_TIMEOUT` when the last one is not done.
    pub(super) fn open(&mut self, device: &DeviceState) -> Result<(), LayerError> {
        if !self.pending {
            return Ok(());
        }
        // Done long ago: its image has been to the application and the host since.
        self.wait(device)?;
        // SAFETY: it has signaled, and only we submit with it.
        unsafe { device.raw.reset_fences(&[self.fence]) }.doing("reset a fence")?;
        self.pending = false;
        Ok(())
    }

    /// Waits until the submission is done, if there is one.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(super) fn wait(&self, device: &DeviceState) -> Result<(), LayerError> {
        self.status(device).doing("wait for a picture to leave")
    }

    fn status(&self, device: &DeviceState) -> Result<(), vk::Result> {
        if !self.pending {
            return Ok(());
        }
        let timeout = u64::try_from(OVERDUE.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the fence is ours and alive.
        unsafe { device.raw.wait_for_fences(&[self.fence], true, timeout) }
    }

    /// Whether nothing runs any more that signals the fence.
    pub(super) fn is_done(&self, device: &DeviceState) -> bool {
        for _ in 0..TRIES {
            match self.status(device) {
                // A lost device has finished everything ("Lost Device").
                Ok(()) | Err(vk::Result::ERROR_DEVICE_LOST) => return true,
                Err(vk::Result::TIMEOUT) => return false,
                Err(_) => {}
            }
        }
        false
    }
}
