//! The application's queues, and the lock that lets us submit on them too.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ash::vk;
use zerohop_frame::waiting;
use zerohop_layer::{Doing, LayerError};

use super::{Count, DeviceState};

/// One `VkQueue`.
///
/// A queue is externally synchronized: the application promises one call at a time. Our own
/// submits would break the promise, so every queue command of the application's takes the lock in
/// our hook, and so does whoever submits for us.
pub(crate) struct QueueState {
    /// The handle.
    pub(crate) raw: vk::Queue,
    /// Its family.
    pub(crate) family: u32,
    /// Held during every `vkQueue*` call.
    pub(crate) lock: Mutex<()>,
    /// The timeline that our submissions count on, once one did.
    pub(crate) count: OnceLock<Count>,
}

impl QueueState {
    /// Waits until no other thread is in a call with this queue.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what was submitted so far, without the lock: that may take long, and an acquire on
    /// another thread, which may submit too, has a timeout of its own.
    ///
    /// # Errors
    ///
    /// What the device reports. The work may still be running then.
    pub(crate) fn settle(&self, device: &ash::Device) -> Result<(), vk::Result> {
        // SAFETY: the device is alive.
        let fence = unsafe { device.create_fence(&vk::FenceCreateInfo::default(), None) }?;
        let submitted = {
            let _lock = self.lock();
            // SAFETY: the queue is locked, and the fence ours alone.
            unsafe { device.queue_submit(self.raw, &[], fence) }
        };
        let wait = || {
            // SAFETY: the fence is ours, and was submitted.
            waiting("the queue", || unsafe { device.wait_for_fences(&[fence], true, u64::MAX) })
        };
        let settled = submitted.and_then(|()| wait());
        let runs = |code| code != vk::Result::ERROR_DEVICE_LOST;
        if submitted.is_ok() && settled.is_err_and(runs) && wait().is_err_and(runs) {
            // Nobody knows: what the device may still use is not freed.
            return settled;
        }
        // SAFETY: it has signaled, or never will: it was not submitted, or the device is lost.
        unsafe { device.destroy_fence(fence, None) };
        settled
    }
}

impl DeviceState {
    /// Remembers a queue that the application got. `family` is the one it asked for.
    pub(crate) fn learn_queue(&self, raw: vk::Queue, family: u32) {
        if raw != vk::Queue::null() {
            // Threads may ask at once, and must get the same lock.
            self.queues.insert_first(raw, || QueueState {
                raw,
                family,
                lock: Mutex::new(()),
                count: OnceLock::new(),
            });
        }
    }

    /// A queue for what is nobody's work: one that the application has asked for, or else one that
    /// it could ask for.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_INITIALIZATION_FAILED` when all queues are protected, and what the loader reports.
    pub(crate) fn any_queue(&self) -> Result<Arc<QueueState>, LayerError> {
        let known = || self.queues.values().into_iter().min_by_key(|queue| queue.family);
        if let Some(queue) = known() {
            return Ok(queue);
        }
        if let Some(family) = self.first_family {
            // SAFETY: the device was made with a queue of this family.
            let raw = unsafe { self.raw.get_device_queue(family, 0) };
            self.adopt(raw)?;
            self.learn_queue(raw, family);
        }
        known().ok_or_else(|| {
            let code = vk::Result::ERROR_INITIALIZATION_FAILED;
            LayerError::refused(code, "the device has no queue that we can use")
        })
    }

    /// Gives an object that we got by ourselves the loader's dispatch pointer
    /// (LoaderLayerInterface.md, "Creating New Dispatchable Objects").
    ///
    /// # Errors
    ///
    /// What the loader reports.
    pub(crate) fn adopt<H: vk::Handle>(&self, object: H) -> Result<(), LayerError> {
        let Some(set) = self.set_device_loader_data else { return Ok(()) };
        let object = object.as_raw() as usize as *mut c_void;
        // SAFETY: the loader gave us this function for objects of this device.
        unsafe { set(self.raw.handle(), object) }.result().doing("adopt an object")
    }
}
