//! A fence of our own, and whether it will signal.

use ash::vk;
use zerohop_layer::{Doing, LayerError};

use crate::device::DeviceState;

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
    /// [`LayerError::Call`].
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

    /// Waits until the submission is done, if there is one: without end, as a driver waits. One
    /// that hangs says that the device is lost.
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
        // SAFETY: the fence is ours and alive.
        unsafe { device.raw.wait_for_fences(&[self.fence], true, u64::MAX) }
    }

    /// Whether nothing runs any more that signals the fence.
    pub(super) fn is_done(&self, device: &DeviceState) -> bool {
        for _ in 0..TRIES {
            match self.status(device) {
                // A lost device has finished everything ("Lost Device").
                Ok(()) | Err(vk::Result::ERROR_DEVICE_LOST) => return true,
                Err(_) => {}
            }
        }
        false
    }
}
