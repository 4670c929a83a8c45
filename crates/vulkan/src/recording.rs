//! Commands to be.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::{Frame, SyncPoint};

use crate::error::Doing;
use crate::queue::Slot;
use crate::timeline;
use crate::{Device, Error, Image, Queue};

/// A command buffer being filled. Owns everything it names until the device is done with it.
///
/// Dropping one submits nothing, and every frame in it goes home unread.
#[must_use = "a recording does nothing until it is submitted"]
pub struct Recording {
    queue: Arc<Queue>,
    slot: Option<Slot>,
}

impl Recording {
    /// An empty recording. Its commands run after all that was submitted to this device before.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn begin(queue: &Arc<Queue>) -> Result<Self, Error> {
        Self::begin_with(queue, vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT)
    }

    /// The same, to be submitted again and again ([`Prepared`](crate::Prepared)).
    pub(crate) fn lasting(queue: &Arc<Queue>) -> Result<Self, Error> {
        Self::begin_with(queue, vk::CommandBufferUsageFlags::empty())
    }

    fn begin_with(queue: &Arc<Queue>, usage: vk::CommandBufferUsageFlags) -> Result<Self, Error> {
        let slot = queue.take_slot()?;
        slot.begin(usage)?;
        let recording = Self { queue: Arc::clone(queue), slot: Some(slot) };
        recording.barrier();
        Ok(recording)
    }

    /// Opens the picture for reading: waits for its acquire point and takes its ownership, which
    /// [`submit`](Self::submit) gives back.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] when the device cannot wait by itself and the picture is not complete
    /// within ten seconds; [`Error::Forsaken`] when its timeline is not trusted any more.
    pub fn read(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<(), Error> {
        if self.slot().frames.iter().any(|one| Arc::ptr_eq(one, frame)) {
            return Ok(());
        }
        self.hold(frame, image)?;
        self.open(image);
        Ok(())
    }

    /// Waits for the picture's acquire point, brings it to the device where that is the CPU's part, and
    /// keeps it until the device is done with it.
    pub(crate) fn hold(&mut self, frame: &Arc<Frame>, image: &Image) -> Result<(), Error> {
        if image.needs_cpu() {
            self.device().wait_on_cpu(frame.acquire())?;
            image.send()?;
        } else {
            self.wait_for(frame.acquire())?;
        }
        self.slot_mut().frames.push(Arc::clone(frame));
        Ok(())
    }

    /// Takes the image's ownership, for whichever picture is in it when this is submitted, and gives it
    /// back at the end.
    pub(crate) fn open(&mut self, image: &Arc<Image>) {
        image.acquire(self.commands());
        self.slot_mut().images.push(Arc::clone(image));
    }

    fn wait_for(&mut self, point: &SyncPoint) -> Result<(), Error> {
        match point {
            SyncPoint::Signaled => Ok(()),
            SyncPoint::SyncFile(_) if self.device().has_sync_files() => {
                self.slot_mut().next_wait()?.import(point)
            }
            SyncPoint::Timeline { which, value } if which.device() == self.device().id() => {
                self.slot_mut().wait_until(which, *value)
            }
            _ => self.device().wait_on_cpu(point),
        }
    }

    /// Measures `work` as if it were a dispatch.
    pub fn measured(&mut self, work: impl FnOnce(&mut Self)) {
        self.mark();
        work(self);
        self.mark();
    }

    pub(crate) fn mark(&mut self) {
        let commands = self.commands();
        if let Some(laps) = &mut self.slot_mut().laps {
            laps.mark(commands);
        }
    }

    /// Makes what was written so far visible to what follows.
    pub fn barrier(&self) {
        let work = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
        let written = vk::AccessFlags::SHADER_WRITE | vk::AccessFlags::TRANSFER_WRITE;
        let any = written | vk::AccessFlags::SHADER_READ | vk::AccessFlags::TRANSFER_READ;
        self.memory_barrier(work, written, work, any);
    }

    fn memory_barrier(
        &self,
        before: vk::PipelineStageFlags,
        written: vk::AccessFlags,
        after: vk::PipelineStageFlags,
        access: vk::AccessFlags,
    ) {
        let barrier =
            [vk::MemoryBarrier::default().src_access_mask(written).dst_access_mask(access)];
        let (commands, none) = (self.commands(), vk::DependencyFlags::empty());
        // SAFETY: the command buffer is recording.
        unsafe {
            self.device().raw().cmd_pipeline_barrier(
                commands,
                before,
                after,
                none,
                &barrier,
                &[],
                &[],
            );
        }
    }

    /// Gives everything back that was opened, and what was written to the CPU. Ends recording.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        for image in &self.slot().images {
            image.release(self.commands());
        }
        self.give_back();
        let work = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
        let written = vk::AccessFlags::SHADER_WRITE | vk::AccessFlags::TRANSFER_WRITE;
        let host = vk::PipelineStageFlags::HOST;
        self.memory_barrier(work, written, host, vk::AccessFlags::HOST_READ);
        self.slot().end()
    }

    pub(crate) fn device(&self) -> &Arc<Device> {
        self.queue.device()
    }

    pub(crate) fn commands(&self) -> vk::CommandBuffer {
        self.slot().commands
    }

    pub(crate) fn slot(&self) -> &Slot {
        self.slot.as_ref().expect("taken by drop only")
    }

    pub(crate) fn slot_mut(&mut self) -> &mut Slot {
        self.slot.as_mut().expect("taken by drop only")
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(mut slot) = self.slot.take() {
            slot.frames.clear();
            self.queue.give_back(slot);
        }
    }
}

/// How long we wait for the maker of a picture.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for `point` on the CPU.
///
/// # Errors
///
/// [`Error::Timeout`] after ten seconds, or [`Error::Forsaken`] of a timeline, [`Error::Os`].
pub fn wait_on_cpu(point: &SyncPoint) -> Result<(), Error> {
    if let SyncPoint::Timeline { which, value } = point {
        return timeline::wait(which, *value);
    }
    if point.wait(PATIENCE).doing("wait for a fence")? {
        return Ok(());
    }
    Err(Error::Timeout { what: "the picture's fence", seconds: PATIENCE.as_secs() })
}
