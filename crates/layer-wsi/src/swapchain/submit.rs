//! Our own submits on queues of the application's.

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_layer::{Doing, LayerError};

use crate::device::{Count, DeviceState, QueueState};

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

/// No values, for as many binary semaphores.
const NONE: [u64; STAGES.len()] = [0; STAGES.len()];

/// The most semaphores that one batch signals: an application's, and a timeline.
const MAX_SIGNALS: usize = 2;

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
    submit_with(device, queue, batch, None).map(drop)
}

/// As [`submit`]; the queue's timeline is at the value that comes back once the batch is done.
///
/// # Errors
///
/// As [`submit`], and as [`DeviceState::count_of`].
pub(crate) fn submit_and_count(
    device: &DeviceState,
    queue: &QueueState,
    batch: Batch<'_>,
) -> Result<u64, LayerError> {
    let count = device.count_of(queue)?;
    submit_with(device, queue, batch, Some(count))
}

fn submit_with(
    device: &DeviceState,
    queue: &QueueState,
    batch: Batch<'_>,
    count: Option<&Count>,
) -> Result<u64, LayerError> {
    if batch.waits.len() > STAGES.len() {
        let (first, rest) = batch.waits.split_at(STAGES.len());
        submit(device, queue, Batch { waits: first, ..Batch::default() })?;
        return submit_with(device, queue, Batch { waits: rest, ..batch }, count);
    }
    let info = vk::SubmitInfo::default()
        .wait_semaphores(batch.waits)
        .wait_dst_stage_mask(&STAGES[..batch.waits.len()])
        .command_buffers(batch.buffers);
    let work = batch.waits.len() + batch.buffers.len() + batch.signals.len();
    if work == 0 && batch.fence == vk::Fence::null() && count.is_none() {
        return Ok(0);
    }
    let _lock = queue.lock();
    let raw = |infos: &[vk::SubmitInfo<'_>]| {
        // SAFETY: the queue is locked against other threads, and the arrays are the caller's.
        unsafe { device.raw.queue_submit(queue.raw, infos, batch.fence) }.doing("submit")
    };
    let Some(count) = count else {
        let infos = [info.signal_semaphores(batch.signals)];
        return raw(&infos[..work.min(1)]).map(|()| 0);
    };
    let (semaphore, value) = count.next();
    let signals: ArrayVec<_, MAX_SIGNALS> =
        batch.signals.iter().copied().chain([semaphore]).collect();
    // Values of binary semaphores are ignored.
    let mut values = [0; MAX_SIGNALS];
    values[signals.len() - 1] = value;
    let mut timeline = vk::TimelineSemaphoreSubmitInfo::default()
        .wait_semaphore_values(&NONE[..batch.waits.len()])
        .signal_semaphore_values(&values[..signals.len()]);
    raw(&[info.signal_semaphores(&signals).push_next(&mut timeline)])?;
    count.note(value);
    Ok(value)
}
