//! The device's queue, and the command buffers that are filled for it again and again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ash::vk;
use zerohop_frame::{Frame, Timeline, waiting};
use zerohop_kernel::clock_monotonic;

use crate::error::Doing;
use crate::laps::Laps;
use crate::timeline::{Count, GLANCE, View};
use crate::{Buffer, Device, Error, Image, Semaphore};

/// How long we wait for the device before we call it hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// Anything that a submission needs until it is done.
pub(crate) trait Keep: Send + Sync {}
impl<T: Send + Sync> Keep for T {}

/// Where work is submitted. Each user has one of its own; the device's queue behind it is shared.
pub struct Queue {
    device: Arc<Device>,
    /// Command buffers that are not being recorded; some may still run.
    slots: Mutex<Vec<Slot>>,
}

impl Queue {
    /// A way to the device's queue.
    pub fn new(device: &Arc<Device>) -> Arc<Self> {
        Arc::new(Self { device: Arc::clone(device), slots: Mutex::default() })
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// A command buffer that is not in use: an old one, or a new one when all are running.
    pub(crate) fn take_slot(&self) -> Result<Slot, Error> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for index in 0..slots.len() {
            if slots[index].is_done()? {
                let mut slot = slots.swap_remove(index);
                drop(slots);
                slot.reset()?;
                return Ok(slot);
            }
        }
        drop(slots);
        Slot::new(&self.device)
    }

    /// Takes a slot back. What it kept it lets go at once when it is not running any more, and else when
    /// it is taken again.
    pub(crate) fn give_back(&self, mut slot: Slot) {
        if slot.is_done().unwrap_or(false) {
            slot.let_go();
        }
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
    }
}

/// What a submission signals when it is done.
#[derive(Clone, Copy, Default)]
pub(crate) struct Signals<'a> {
    /// The slot's semaphore, for a `sync_file`.
    pub(crate) fence: bool,
    /// Timelines of the device's, each at its next value.
    pub(crate) counts: &'a [Count],
}

/// A command buffer with all that one submission needs.
pub(crate) struct Slot {
    device: Arc<Device>,
    pool: vk::CommandPool,
    pub(crate) commands: vk::CommandBuffer,
    fence: vk::Fence,
    queries: Option<vk::QueryPool>,
    pub(crate) laps: Option<Laps>,
    running: bool,
    /// Semaphores that wait for frames; the first `used_waits` are in use.
    waits: Vec<Semaphore>,
    used_waits: usize,
    signal: Option<Semaphore>,
    /// Timelines that the submission waits for, each with its value.
    awaited: Vec<(Arc<View>, Arc<Timeline>, u64)>,
    /// Timelines that it signals.
    counted: Vec<Count>,
    /// What was read. Frames go home at submission, images stay until it is done.
    pub(crate) frames: Vec<Arc<Frame>>,
    pub(crate) images: Vec<Arc<Image>>,
    /// What others have too and is written.
    pub(crate) written: Vec<Arc<Buffer>>,
    pub(crate) keep: Vec<Arc<dyn Keep>>,
}

impl Slot {
    fn new(device: &Arc<Device>) -> Result<Self, Error> {
        let mut slot = Self {
            device: Arc::clone(device),
            pool: vk::CommandPool::null(),
            commands: vk::CommandBuffer::null(),
            fence: vk::Fence::null(),
            queries: None,
            laps: None,
            running: false,
            waits: Vec::new(),
            used_waits: 0,
            signal: None,
            awaited: Vec::new(),
            counted: Vec::new(),
            frames: Vec::new(),
            images: Vec::new(),
            written: Vec::new(),
            keep: Vec::new(),
        };
        let raw = device.raw();
        let info = vk::CommandPoolCreateInfo::default()
            .flags(vk::CommandPoolCreateFlags::TRANSIENT)
            .queue_family_index(device.family());
        // SAFETY: the family is the one that the device was opened with.
        slot.pool = unsafe { raw.create_command_pool(&info, None) }.doing("make a command pool")?;
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(slot.pool)
            .command_buffer_count(1);
        // SAFETY: the pool is ours alone.
        let made = unsafe { raw.allocate_command_buffers(&info) };
        slot.commands = made.doing("make a command buffer")?[0];
        // SAFETY: the device is alive.
        let fence = unsafe { raw.create_fence(&vk::FenceCreateInfo::default(), None) };
        slot.fence = fence.doing("make a fence")?;
        slot.queries = slot.create_queries()?;
        slot.laps = Laps::new(device)?;
        Ok(slot)
    }

    fn create_queries(&self) -> Result<Option<vk::QueryPool>, Error> {
        if self.device.capabilities().timestamps.is_none() {
            return Ok(None);
        }
        let info =
            vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::TIMESTAMP).query_count(2);
        // SAFETY: the device has timestamps on its compute queues.
        let pool = unsafe { self.device.raw().create_query_pool(&info, None) };
        pool.map(Some).doing("make a query pool")
    }

    /// Starts recording, after everything that was submitted before.
    pub(crate) fn begin(&self, usage: vk::CommandBufferUsageFlags) -> Result<(), Error> {
        let device = self.device.raw();
        let info = vk::CommandBufferBeginInfo::default().flags(usage);
        // SAFETY: the pool was reset, and the command buffer is ours alone.
        unsafe { device.begin_command_buffer(self.commands, &info) }.doing("begin recording")?;
        if let Some(queries) = self.queries {
            // SAFETY: the command buffer is recording; the results of the last use were read.
            unsafe { device.cmd_reset_query_pool(self.commands, queries, 0, 2) };
        }
        self.laps.iter().for_each(|laps| laps.begin(self.commands));
        self.timestamp(0);
        Ok(())
    }

    fn timestamp(&self, index: u32) {
        let Some(queries) = self.queries else { return };
        let stage = if index == 0 {
            vk::PipelineStageFlags::TOP_OF_PIPE
        } else {
            vk::PipelineStageFlags::BOTTOM_OF_PIPE
        };
        // SAFETY: the command buffer is recording and `begin` reset the queries.
        unsafe { self.device.raw().cmd_write_timestamp(self.commands, stage, queries, index) };
    }

    /// A semaphore that the submission will wait on.
    pub(crate) fn next_wait(&mut self) -> Result<&mut Semaphore, Error> {
        if self.used_waits == self.waits.len() {
            self.waits.push(Semaphore::new(&self.device)?);
        }
        self.used_waits += 1;
        Ok(&mut self.waits[self.used_waits - 1])
    }

    /// A semaphore that the submission will signal.
    pub(crate) fn signal(&mut self) -> Result<&mut Semaphore, Error> {
        let signal = match self.signal.take() {
            Some(signal) => signal,
            None => Semaphore::exportable(&self.device)?,
        };
        Ok(self.signal.insert(signal))
    }

    /// Makes the submission wait until `which` is at `value`.
    pub(crate) fn wait_until(&mut self, which: &Arc<Timeline>, value: u64) -> Result<(), Error> {
        let view = self.device.watch_for(which, value)?;
        self.awaited.push((view, Arc::clone(which), value));
        Ok(())
    }

    /// Ends recording.
    pub(crate) fn end(&self) -> Result<(), Error> {
        self.timestamp(1);
        // SAFETY: the command buffer is recording.
        unsafe { self.device.raw().end_command_buffer(self.commands) }.doing("end recording")
    }

    /// Hands what was recorded to the device, which signals what `signals` says. Returns the value that
    /// each timeline has then.
    pub(crate) fn submit(&mut self, signals: Signals<'_>) -> Result<Vec<u64>, Error> {
        let device = self.device.raw();
        let mut waits: Vec<_> = self.waits[..self.used_waits].iter().map(Semaphore::raw).collect();
        // Values of binary semaphores are ignored.
        let mut values = vec![0; waits.len()];
        waits.extend(self.awaited.iter().map(|(view, ..)| view.raw()));
        values.extend(self.awaited.iter().map(|(.., value)| *value));
        let stages = vec![vk::PipelineStageFlags::ALL_COMMANDS; waits.len()];
        let fence = self.signal.iter().filter(|_| signals.fence).map(Semaphore::raw);
        let mut signaled: Vec<_> = fence.collect();
        let commands = [self.commands];
        let queue = self.device.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reached = vec![0; signaled.len()];
        let next: Vec<_> = signals.counts.iter().map(Count::next).collect();
        signaled.extend(next.iter().map(|(raw, _)| *raw));
        reached.extend(next.iter().map(|(.., value)| *value));
        let mut timelines = vk::TimelineSemaphoreSubmitInfo::default()
            .wait_semaphore_values(&values)
            .signal_semaphore_values(&reached);
        let mut info = vk::SubmitInfo::default()
            .wait_semaphores(&waits)
            .wait_dst_stage_mask(&stages)
            .command_buffers(&commands)
            .signal_semaphores(&signaled);
        if self.device.shares_timelines() {
            info = info.push_next(&mut timelines);
        }
        // SAFETY: the lock makes us the queue's only user; what the commands name is kept in
        // `self` until the fence signals.
        unsafe { device.queue_submit(*queue, &[info], self.fence) }.doing("submit")?;
        let values: Vec<_> = next.into_iter().map(|(.., value)| value).collect();
        signals.counts.iter().zip(&values).for_each(|(count, value)| count.note(*value));
        self.counted.extend_from_slice(signals.counts);
        self.running = true;
        Ok(values)
    }

    fn is_done(&self) -> Result<bool, Error> {
        if !self.running {
            return Ok(true);
        }
        // SAFETY: the fence is ours.
        unsafe { self.device.raw().get_fence_status(self.fence) }.doing("ask for a fence")
    }

    /// Waits until the device is done.
    pub(crate) fn wait(&self) -> Result<(), Error> {
        if !self.running {
            return Ok(());
        }
        waiting("the device", || self.wait_for_fence())
    }

    fn wait_for_fence(&self) -> Result<(), Error> {
        let end = clock_monotonic() + PATIENCE;
        let glance = u64::try_from(GLANCE.as_nanos()).unwrap_or(u64::MAX);
        loop {
            // SAFETY: the fence is ours and was submitted.
            match unsafe { self.device.raw().wait_for_fences(&[self.fence], true, glance) } {
                Err(vk::Result::TIMEOUT) if clock_monotonic() < end => {
                    self.device.look_after_waits();
                }
                Err(vk::Result::TIMEOUT) => {
                    let seconds = PATIENCE.as_secs();
                    return Err(Error::Timeout { what: "the device", seconds });
                }
                other => return other.doing("wait for the device"),
            }
        }
    }

    /// Whether what the submission waited for was true, once it is done.
    pub(crate) fn check_waits(&self) -> Result<(), Error> {
        let forsaken = self.awaited.iter().find_map(|(_, which, _)| which.forsaken());
        forsaken.map_or(Ok(()), |why| Err(Error::Forsaken(why.to_owned())))
    }

    /// How long the device worked, after [`wait`](Self::wait).
    pub(crate) fn gpu_time(&self) -> Option<Duration> {
        let (queries, period) = (self.queries?, self.device.capabilities().timestamps?);
        let mut ticks = [0_u64; 2];
        let flags = vk::QueryResultFlags::TYPE_64;
        // SAFETY: both queries were written by the submission that we waited for.
        unsafe { self.device.raw().get_query_pool_results(queries, 0, &mut ticks, flags) }.ok()?;
        let ticks = ticks[1].checked_sub(ticks[0])?;
        Some(Duration::from_nanos(ticks.checked_mul(period.into())?))
    }

    /// Forgets the last submission, which is done, and keeps what was recorded for the next.
    pub(crate) fn rewind(&mut self) -> Result<(), Error> {
        self.frames.clear();
        self.used_waits = 0;
        self.awaited.clear();
        self.counted.clear();
        if self.running {
            // SAFETY: the fence has signaled, so nobody waits on it.
            unsafe { self.device.raw().reset_fences(&[self.fence]) }.doing("reset a fence")?;
            self.running = false;
        }
        Ok(())
    }

    /// Lets go what the commands name. They are not run again.
    fn let_go(&mut self) {
        self.images.clear();
        self.written.clear();
        self.keep.clear();
    }

    /// Forgets the last submission, which is done, and what was recorded.
    fn reset(&mut self) -> Result<(), Error> {
        self.laps.iter_mut().for_each(Laps::read);
        self.let_go();
        self.rewind()?;
        let device = self.device.raw();
        let flags = vk::CommandPoolResetFlags::empty();
        // SAFETY: its command buffer is not running any more.
        unsafe { device.reset_command_pool(self.pool, flags) }.doing("reset a command pool")
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A device that hangs or is lost has nothing running that we could wait for.
        let _ = self.wait();
        self.laps = None;
        let device = self.device.raw();
        if let Some(queries) = self.queries {
            // SAFETY: not in use, we waited.
            unsafe { device.destroy_query_pool(queries, None) };
        }
        // SAFETY: as above.
        unsafe { device.destroy_fence(self.fence, None) };
        // SAFETY: as above; frees the command buffer too.
        unsafe { device.destroy_command_pool(self.pool, None) };
    }
}
