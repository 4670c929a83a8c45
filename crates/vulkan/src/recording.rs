//! Commands to be.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::{Frame, SyncPoint};

use crate::error::Doing;
use crate::laps::Laps;
use crate::queue::{Signals, Slot};
use crate::timeline::{self, Count};
use crate::{Bindings, Buffer, ComputePipeline, Device, Error, Image, Queue};

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

    /// Runs `groups` workgroups of `pipeline` over a picture and buffers.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for images that shaders cannot read, or of another
    /// [`Sight`](crate::Sight) than the pipeline's.
    ///
    /// # Panics
    ///
    /// When `push` is not as long as the shader's push constants, or `image` was not opened by
    /// [`read`](Self::read), or a buffer that others have too by [`write`](Self::write).
    pub fn dispatch(
        &mut self,
        pipeline: &Arc<ComputePipeline>,
        image: &Arc<Image>,
        bindings: &Arc<Bindings>,
        push: &[u8],
        groups: [u32; 3],
    ) -> Result<(), Error> {
        assert_eq!(push.len(), pipeline.push_bytes() as usize, "bytes of push constants");
        assert!(self.slot().images.iter().any(|one| Arc::ptr_eq(one, image)), "an open image");
        self.check_open(bindings.buffers());
        let picture = image.set(pipeline.sight())?;
        let (commands, layout) = (self.commands(), pipeline.layout());
        let (device, bind) = (self.device().raw(), vk::PipelineBindPoint::COMPUTE);
        let sets = [picture, bindings.raw()];
        // SAFETY: recording; the pipeline is kept below until the submission is done.
        unsafe { device.cmd_bind_pipeline(commands, bind, pipeline.raw()) };
        // SAFETY: both sets are of the pipeline's layouts, and kept below and by `images`.
        unsafe { device.cmd_bind_descriptor_sets(commands, bind, layout, 0, &sets, &[]) };
        let stage = vk::ShaderStageFlags::COMPUTE;
        // SAFETY: the layout has a range of exactly this length.
        unsafe { device.cmd_push_constants(commands, layout, stage, 0, push) };
        let [x, y, z] = groups;
        self.mark();
        let device = self.device().raw();
        // SAFETY: everything is bound, and counts stay below 65535 in each direction, since a
        // picture has at most 65536 tiles' worth of rows or columns.
        unsafe { device.cmd_dispatch(commands, x, y, z) };
        self.mark();
        let slot = self.slot_mut();
        slot.keep.push(Arc::<ComputePipeline>::clone(pipeline));
        slot.keep.push(Arc::<Bindings>::clone(bindings));
        Ok(())
    }

    /// Copies byte ranges (start and length) from one buffer to the same places in another.
    ///
    /// # Panics
    ///
    /// When a range is empty or not in both buffers, or one that others have too was not opened by
    /// [`write`](Self::write).
    pub fn copy_ranges(&mut self, from: &Arc<Buffer>, to: &Arc<Buffer>, ranges: &[(u64, u64)]) {
        self.check_open([from, to]);
        if ranges.is_empty() {
            return;
        }
        let room = from.size().min(to.size());
        let regions: Vec<_> = ranges
            .iter()
            .map(|&(start, length)| {
                assert!(length > 0 && start + length <= room, "bytes of both buffers");
                vk::BufferCopy::default().src_offset(start).dst_offset(start).size(length)
            })
            .collect();
        let (device, commands) = (self.device().raw(), self.commands());
        // SAFETY: recording; both are kept below and the ranges are in them.
        unsafe { device.cmd_copy_buffer(commands, from.raw(), to.raw(), &regions) };
        let slot = self.slot_mut();
        slot.keep.push(Arc::<Buffer>::clone(from));
        slot.keep.push(Arc::<Buffer>::clone(to));
    }

    /// Measures `work` as if it were a dispatch.
    pub fn measured(&mut self, work: impl FnOnce(&mut Self)) {
        self.mark();
        work(self);
        self.mark();
    }

    fn mark(&mut self) {
        let commands = self.commands();
        if let Some(laps) = &mut self.slot_mut().laps {
            laps.mark(commands);
        }
    }

    /// Writes zeros everywhere.
    ///
    /// # Panics
    ///
    /// When others have the buffer too, and it was not opened by [`write`](Self::write).
    pub fn clear(&mut self, buffer: &Arc<Buffer>) {
        self.check_open([buffer]);
        let (device, commands) = (self.device().raw(), self.commands());
        // SAFETY: recording; the buffer has TRANSFER_DST and is kept below.
        unsafe { device.cmd_fill_buffer(commands, buffer.raw(), 0, vk::WHOLE_SIZE, 0) };
        self.slot_mut().keep.push(Arc::<Buffer>::clone(buffer));
    }

    /// Copies rows without padding from `buffer`, where [`Image::tight`] puts the planes, into a
    /// picture of ours.
    pub(crate) fn copy_in(&mut self, buffer: &Arc<Buffer>, image: &Arc<Image>) {
        image.discard(self.commands());
        let (from, layout) = (buffer.raw(), vk::ImageLayout::GENERAL);
        let (device, commands) = (self.device().raw(), self.commands());
        for (to, region) in image.copy_regions(&image.tight().0) {
            let regions = [region];
            // SAFETY: recording; the image is in layout GENERAL since `discard`, both are kept.
            unsafe { device.cmd_copy_buffer_to_image(commands, from, to, layout, &regions) };
        }
        let slot = self.slot_mut();
        slot.images.push(Arc::clone(image));
        slot.keep.push(Arc::<Buffer>::clone(buffer));
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

    /// Submits. Every picture read is held until the returned point, at which also all that was
    /// written is complete, for the CPU too. Where no point leaves the device that the maker of each
    /// picture takes, waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Timeout`]. Frames go home either way.
    pub fn submit(mut self) -> Result<SyncPoint, Error> {
        let (device, id) = (Arc::clone(self.device()), self.device().id());
        let in_kind = |frame: &Arc<Frame>| frame.takes_timelines_of(id);
        let frames = &self.slot().frames;
        let fence =
            if frames.is_empty() { device.has_sync_files() } else { !frames.iter().all(in_kind) };
        if fence && !device.has_sync_files() || !fence && !device.shares_timelines() {
            return self.submit_and_wait().map(|_| SyncPoint::Signaled);
        }
        let (counts, answers) = self.counts(fence)?;
        self.finish()?;
        let slot = self.slot_mut();
        if fence {
            let _ = slot.signal()?;
        }
        let values = slot.submit(Signals { fence, counts: &counts })?;
        let points = counts.into_iter().zip(values);
        let points: Vec<_> = points
            .map(|(count, value)| SyncPoint::Timeline { which: count.shared, value })
            .collect();
        let file = match fence.then(|| slot.signal()?.export()).transpose() {
            Ok(file) => file,
            Err(err) => {
                // Nobody would know when the pictures are read.
                slot.wait()?;
                return Err(err);
            }
        };
        for (frame, answer) in slot.frames.drain(..).zip(answers) {
            let point = answer.map_or(file.as_ref(), |at| points.get(at));
            point.into_iter().for_each(|point| frame.hold_until(point.clone()));
        }
        Ok(file.or_else(|| points.into_iter().next()).unwrap_or_default())
    }

    /// The timelines that a submission counts on: ours, unless a `fence` says when it is done, and those
    /// of the pictures' makers; and which of them is for each picture.
    fn counts(&self, fence: bool) -> Result<(Vec<Count>, Vec<Option<usize>>), Error> {
        let device = self.device();
        let mut counts = if fence { Vec::new() } else { vec![device.count()?] };
        let mut answers = Vec::new();
        for frame in &self.slot().frames {
            let SyncPoint::Timeline { which, .. } = frame.acquire() else {
                answers.push(None);
                continue;
            };
            if which.device() != device.id() {
                answers.push(None);
                continue;
            }
            let count = device.count_for(which)?;
            let known = counts.iter().position(|one| one.shared.id() == count.shared.id());
            answers.push(known.or(Some(counts.len())));
            if known.is_none() {
                counts.push(count);
            }
        }
        Ok((counts, answers))
    }

    /// Submits and waits for the device. Returns how long it worked, where it can tell.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn submit_and_wait(mut self) -> Result<Option<Duration>, Error> {
        self.finish()?;
        self.run()?;
        let slot = self.slot_mut();
        let time = slot.gpu_time();
        slot.laps.iter_mut().for_each(Laps::read);
        Ok(time)
    }

    /// Submits what is recorded and finished, and waits for the device.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let slot = self.slot_mut();
        slot.submit(Signals::default())?;
        slot.wait()?;
        slot.check_waits()?;
        slot.frames.clear();
        Ok(())
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
