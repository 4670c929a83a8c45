//! Commands of a queue: each takes the queue's lock, so that our own submits are safe. On a queue
//! that we have not seen we never submit, and there is no lock.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Doing as _, guard, guard_void};

use crate::device::DeviceState;

pub(crate) unsafe extern "system" fn submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueSubmit", || {
        // SAFETY: VUID-vkQueueSubmit-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().queue_submit)(queue, count, submits, fence) }.doing("submit")
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
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_3().queue_submit2)(queue, count, submits, fence) }.doing("submit")
    })
}

pub(crate) unsafe extern "system" fn bind_sparse(
    queue: vk::Queue,
    count: u32,
    binds: *const vk::BindSparseInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueBindSparse", || {
        // SAFETY: VUID-vkQueueBindSparse-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        let bind = state.raw.fp_v1_0().queue_bind_sparse;
        // SAFETY: the arguments are the application's.
        unsafe { bind(queue, count, binds, fence) }.doing("bind sparse memory")
    })
}

pub(crate) unsafe extern "system" fn set_performance(
    queue: vk::Queue,
    configuration: vk::PerformanceConfigurationINTEL,
) -> vk::Result {
    guard("vkQueueSetPerformanceConfigurationINTEL", || {
        // SAFETY: VUID-vkQueueSetPerformanceConfigurationINTEL-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        let Some(set) = state.below.queue_set_performance else {
            return Ok(vk::Result::ERROR_EXTENSION_NOT_PRESENT);
        };
        // SAFETY: the arguments are the application's.
        unsafe { set(queue, configuration) }.doing("configure the queue")
    })
}

pub(crate) unsafe extern "system" fn wait_idle(queue: vk::Queue) -> vk::Result {
    guard("vkQueueWaitIdle", || {
        // SAFETY: VUID-vkQueueWaitIdle-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        // The driver says what there is to say of a failure.
        let _ = known.as_ref().map(|known| known.settle(&state.raw));
        let _lock = known.as_ref().map(|known| known.lock());
        // SAFETY: the argument is the application's.
        unsafe { (state.raw.fp_v1_0().queue_wait_idle)(queue) }.doing("wait for the queue")
    })
}

pub(crate) unsafe extern "system" fn device_wait_idle(device: vk::Device) -> vk::Result {
    guard("vkDeviceWaitIdle", || {
        // SAFETY: VUID-vkDeviceWaitIdle-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // In one order everywhere, so that two of these cannot lock each other out.
        let mut queues = state.queues.values();
        queues.sort_by_key(|queue| queue.raw);
        for queue in &queues {
            // As above.
            let _ = queue.settle(&state.raw);
        }
        let _locks: Vec<_> = queues.iter().map(|queue| queue.lock()).collect();
        // SAFETY: the argument is the application's.
        unsafe { (state.raw.fp_v1_0().device_wait_idle)(device) }.doing("wait for the device")
    })
}

pub(crate) unsafe extern "system" fn begin_label(
    queue: vk::Queue,
    label: *const vk::DebugUtilsLabelEXT<'_>,
) {
    guard_void("vkQueueBeginDebugUtilsLabelEXT", || {
        // SAFETY: VUID-vkQueueBeginDebugUtilsLabelEXT-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        if let Some(begin) = state.below.queue_begin_label {
            // SAFETY: the arguments are the application's.
            unsafe { begin(queue, label) };
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn end_label(queue: vk::Queue) {
    guard_void("vkQueueEndDebugUtilsLabelEXT", || {
        // SAFETY: VUID-vkQueueEndDebugUtilsLabelEXT-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        if let Some(end) = state.below.queue_end_label {
            // SAFETY: the argument is the application's.
            unsafe { end(queue) };
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn insert_label(
    queue: vk::Queue,
    label: *const vk::DebugUtilsLabelEXT<'_>,
) {
    guard_void("vkQueueInsertDebugUtilsLabelEXT", || {
        // SAFETY: VUID-vkQueueInsertDebugUtilsLabelEXT-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let known = state.queues.get(&queue);
        let _lock = known.as_ref().map(|known| known.lock());
        if let Some(insert) = state.below.queue_insert_label {
            // SAFETY: the arguments are the application's.
            unsafe { insert(queue, label) };
        }
        Ok(())
    });
}
