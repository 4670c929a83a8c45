//! The application's queues, and the lock that lets us submit on them too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;

use super::DeviceState;

/// One `VkQueue`.
///
/// A queue is externally synchronized: the application promises one call at a time. Our own
/// submits would break the promise, so every queue command of the application's takes the lock in
/// our hook, and so does whoever submits for us.
#[derive(Debug)]
pub(crate) struct QueueState {
    /// The handle.
    pub(crate) raw: vk::Queue,
    /// Its family.
    pub(crate) family: u32,
    /// Held during every `vkQueue*` call.
    pub(crate) lock: Mutex<()>,
}

impl QueueState {
    /// Waits until no other thread is in a call with this queue.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeviceState {
    /// Remembers a queue that the application got. `family` is the one it asked for.
    pub(crate) fn learn_queue(&self, raw: vk::Queue, family: u32) {
        if raw != vk::Queue::null() && !self.queues.contains(&raw) {
            self.queues.insert(raw, Arc::new(QueueState { raw, family, lock: Mutex::new(()) }));
        }
    }
}
