//! Our own submits on queues of the application's.

use ash::vk;
use zerohop_layer::{Doing, LayerError};

use crate::device::{DeviceState, QueueState};

/// One batch of ours. Empty arrays are fine.
#[derive(Clone, Copy, Default)]
pub(crate) struct Batch<'a> {
    /// What everything below waits for.
    pub(crate) waits: &'a [vk::Semaphore],
    /// What to run.
    pub(crate) buffers: &'a [vk::CommandBuffer],
    /// What to signal then.
    pub(crate) signals: &'a [vk::Semaphore],
    /// The same, a fence. May be null.
    pub(crate) fence: vk::Fence,
}

/// As many wait stages as most presents need.
const STAGES: [vk::PipelineStageFlags; 16] = [vk::PipelineStageFlags::ALL_COMMANDS; 16];

/// Submits a batch, under the queue's lock. An empty one costs nothing.
///
/// # Errors
///
/// [`LayerError::Call`]; the queue is as before, unless the device is lost.
pub(crate) fn submit(
    device: &DeviceState,
    queue: &QueueState,
    batch: Batch<'_>,
) -> Result<(), LayerError> {
    if batch.waits.len() > STAGES.len() {
        let (first, rest) = batch.waits.split_at(STAGES.len());
        submit(device, queue, Batch { waits: first, ..Batch::default() })?;
        return submit(device, queue, Batch { waits: rest, ..batch });
    }
    let info = vk::SubmitInfo::default()
        .wait_semaphores(batch.waits)
        .wait_dst_stage_mask(&STAGES[..batch.waits.len()])
        .command_buffers(batch.buffers)
        .signal_semaphores(batch.signals);
    let work = batch.waits.len() + batch.buffers.len() + batch.signals.len();
    let infos = if work == 0 { &[][..] } else { std::slice::from_ref(&info) };
    if infos.is_empty() && batch.fence == vk::Fence::null() {
        return Ok(());
    }
    let _lock = queue.lock();
    // SAFETY: the queue is locked against other threads, and the arrays are the caller's.
    unsafe { device.raw.queue_submit(queue.raw, infos, batch.fence) }.doing("submit")
}
