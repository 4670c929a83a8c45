//! Commands of a queue. Where `SYNC_FD` is ours, what they wait for may have signaled already, and
//! we use queues as well. Around each, dma-bufs of strangers change hands
//! (`memory/coherence.rs`).
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{guard, guard_void};

use crate::device::DeviceState;

pub(crate) unsafe extern "system" fn submit(
    queue: vk::Queue,
    count: u32,
    batches: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueSubmit", || {
        // SAFETY: VUID-vkQueueSubmit-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        state.turn_over();
        let below = state.raw.fp_v1_0().queue_submit;
        // SAFETY: the batches are valid; the other arguments are the application's.
        let submit = |batches| unsafe { below(queue, count, batches, fence) };
        let Some(sync) = &state.sync else { return Ok(submit(batches)) };
        let _turn = sync.lock(queue);
        // SAFETY: the call is valid.
        unsafe { sync.submit(queue, (batches, count), submit) }
    })
}

pub(crate) unsafe extern "system" fn submit2(
    queue: vk::Queue,
    count: u32,
    batches: *const vk::SubmitInfo2<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueSubmit2", || {
        // SAFETY: VUID-vkQueueSubmit2-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        state.turn_over();
        let below = state.raw.fp_v1_3().queue_submit2;
        // SAFETY: the batches are valid; the other arguments are the application's.
        let submit = |batches| unsafe { below(queue, count, batches, fence) };
        let Some(sync) = &state.sync else { return Ok(submit(batches)) };
        let _turn = sync.lock(queue);
        // SAFETY: the call is valid.
        Ok(unsafe { sync.submit2(queue, (batches, count), submit) })
    })
}

pub(crate) unsafe extern "system" fn bind_sparse(
    queue: vk::Queue,
    count: u32,
    batches: *const vk::BindSparseInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    guard("vkQueueBindSparse", || {
        // SAFETY: VUID-vkQueueBindSparse-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        state.turn_over();
        let below = state.raw.fp_v1_0().queue_bind_sparse;
        // SAFETY: the batches are valid; the other arguments are the application's.
        let submit = |batches| unsafe { below(queue, count, batches, fence) };
        let Some(sync) = &state.sync else { return Ok(submit(batches)) };
        let _turn = sync.lock(queue);
        // SAFETY: the call is valid.
        unsafe { sync.bind_sparse(queue, (batches, count), submit) }
    })
}

pub(crate) unsafe extern "system" fn present(
    queue: vk::Queue,
    info: *const vk::PresentInfoKHR<'_>,
) -> vk::Result {
    guard("vkQueuePresentKHR", || {
        // SAFETY: VUID-vkQueuePresentKHR-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        // SAFETY: the type belongs to the name.
        let below: vk::PFN_vkQueuePresentKHR = unsafe { state.below(c"vkQueuePresentKHR") }?;
        let Some(sync) = &state.sync else {
            // SAFETY: the arguments are the application's.
            return Ok(unsafe { below(queue, info) });
        };
        let _turn = sync.lock(queue);
        // SAFETY: VUID-vkQueuePresentKHR-pPresentInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: `info` is valid, and the queue the application's.
        let present = |info: &_| unsafe { below(queue, info) };
        // SAFETY: the call is valid.
        Ok(unsafe { sync.present(info, present) })
    })
}

pub(crate) unsafe extern "system" fn wait_idle(queue: vk::Queue) -> vk::Result {
    guard("vkQueueWaitIdle", || {
        // SAFETY: VUID-vkQueueWaitIdle-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        let _turn = state.sync.as_ref().map(|sync| sync.lock(queue));
        // SAFETY: the argument is the application's.
        let code = unsafe { (state.raw.fp_v1_0().queue_wait_idle)(queue) };
        state.turn_over_after(code);
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn device_wait_idle(device: vk::Device) -> vk::Result {
    guard("vkDeviceWaitIdle", || {
        // SAFETY: VUID-vkDeviceWaitIdle-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let _turn = state.sync.as_ref().map(|sync| sync.lock_all());
        // SAFETY: the argument is the application's.
        let code = unsafe { (state.raw.fp_v1_0().device_wait_idle)(device) };
        state.turn_over_after(code);
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn begin_label(
    queue: vk::Queue,
    label: *const vk::DebugUtilsLabelEXT<'_>,
) {
    guard_void("vkQueueBeginDebugUtilsLabelEXT", || {
        // SAFETY: VUID-vkQueueBeginDebugUtilsLabelEXT-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        // SAFETY: the type belongs to the name.
        let below: vk::PFN_vkQueueBeginDebugUtilsLabelEXT =
            unsafe { state.below(c"vkQueueBeginDebugUtilsLabelEXT") }?;
        let _turn = state.sync.as_ref().map(|sync| sync.lock(queue));
        // SAFETY: the arguments are the application's.
        unsafe { below(queue, label) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn end_label(queue: vk::Queue) {
    guard_void("vkQueueEndDebugUtilsLabelEXT", || {
        // SAFETY: VUID-vkQueueEndDebugUtilsLabelEXT-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        // SAFETY: the type belongs to the name.
        let below: vk::PFN_vkQueueEndDebugUtilsLabelEXT =
            unsafe { state.below(c"vkQueueEndDebugUtilsLabelEXT") }?;
        let _turn = state.sync.as_ref().map(|sync| sync.lock(queue));
        // SAFETY: the arguments are the application's.
        unsafe { below(queue) };
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
        // SAFETY: the type belongs to the name.
        let below: vk::PFN_vkQueueInsertDebugUtilsLabelEXT =
            unsafe { state.below(c"vkQueueInsertDebugUtilsLabelEXT") }?;
        let _turn = state.sync.as_ref().map(|sync| sync.lock(queue));
        // SAFETY: the arguments are the application's.
        unsafe { below(queue, label) };
        Ok(())
    });
}
