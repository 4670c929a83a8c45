//! The way of one image out to the host and back: who owns it, in which layout, and when.
//!
//! The application leaves an image in `PRESENT_SRC_KHR`, owned by the family of the queue that
//! presents it, and finds it there again. In between it is in the handover state that
//! `zerohop_frame` describes. Both changes are recorded once and submitted when a picture goes
//! out and when its image comes back; without a host neither is.
//!
//! Where the image cannot leave, a copy of it does ([`Staging`]): the way out is the copy, and there
//! is nothing to change on the way back.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_layer::{Doing, LayerError};
use zerohop_wire::MAX_POINTS;

use super::copy::copy;
use super::gate::{Fence, Gate};
use super::outlet::Outlet;
use super::plan::{Export, ImagePlan};
use super::ring::Fences;
use super::staging::Staging;
use super::submit::{Batch, submit, submit_and_count};
use super::sync_fd;
use super::tier::Tier;
use crate::device::{DeviceState, QueueState};
use crate::look::{Looker, Sight};

/// One image, and the family of the queues that present it.
pub(crate) struct Crossing {
    device: Arc<DeviceState>,
    family: u32,
    pool: vk::CommandPool,
    out: vk::CommandBuffer,
    back: vk::CommandBuffer,
    /// What gives the image to the host. `None`: a copy leaves in its place.
    handover: Option<vk::ImageMemoryBarrier<'static>>,
    /// The way out with a look at the picture, once there was one.
    look: Option<(Sight, vk::CommandBuffer)>,
    tier: Tier,
    /// Signaled when the image has left. Not in the tier `timeline`, where nothing needs to be made ready
    /// for the next time, so that nobody ever waits for the last.
    left: Gate,
    /// Signaled when the image is back. Likewise.
    returned: Gate,
    /// The tier `timeline`: the last value of each queue that used the crossing.
    counted: Vec<(Arc<QueueState>, u64)>,
    /// The tier `timeline`: the value of the last way out.
    gone: Option<(Arc<QueueState>, u64)>,
    /// Signaled when the picture is complete, for export. Null where that cannot be.
    pub(crate) ready: vk::Semaphore,
    /// Room for the host's fences.
    imports: ArrayVec<vk::Semaphore, MAX_POINTS>,
}

impl Crossing {
    /// The way of `image` from queues of the family of `queue`.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(crate) fn new(
        device: &Arc<DeviceState>,
        queue: &QueueState,
        (image, tier): (vk::Image, Tier),
        plan: &ImagePlan,
        staging: Option<&Staging>,
    ) -> Result<Self, LayerError> {
        // What is made is freed by `drop`, also when a later step fails.
        let mut new = Self {
            device: Arc::clone(device),
            family: queue.family,
            pool: vk::CommandPool::null(),
            out: vk::CommandBuffer::null(),
            back: vk::CommandBuffer::null(),
            handover: None,
            look: None,
            tier,
            left: Gate::new(device)?,
            counted: Vec::new(),
            gone: None,
            returned: Gate::new(device)?,
            ready: vk::Semaphore::null(),
            imports: ArrayVec::new(),
        };
        if tier == Tier::SyncFile {
            new.ready = new.semaphore(vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD)?;
        }
        new.commands()?;
        if let Some(staging) = staging {
            new.record(new.out, |out| copy(device, out, image, staging))?;
            new.record(new.back, |_| ())?;
            return Ok(new);
        }
        let (out, back) = barriers(device, queue, image, plan);
        new.record(new.out, |buffer| barrier(device, buffer, &out))?;
        new.record(new.back, |buffer| barrier(device, buffer, &back))?;
        new.handover = Some(out);
        Ok(new)
    }

    /// Prepares looks at the image, which is number `index` for the `looker`. `false`: the device may be
    /// at the last one, for another looker, and nobody waits for it here; or it is none that leaves.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]. The crossing is as it was.
    pub(crate) fn look_with(
        &mut self,
        looker: &Arc<Looker>,
        index: usize,
    ) -> Result<bool, LayerError> {
        if let Some((sight, _)) = &self.look {
            let same = Arc::ptr_eq(sight.looker(), looker);
            if same || !self.has_gone() {
                return Ok(same);
            }
            self.forget_look();
        }
        let Some(handover) = self.handover else { return Ok(false) };
        let sight = Sight::new(looker, handover.image, index)?;
        let [buffer] = self.buffers()?;
        self.record(buffer, |buffer| look(&self.device, buffer, &sight, handover))?;
        self.look = Some((sight, buffer));
        Ok(true)
    }

    /// Whether the last way out is done, which the host and the application have had since. Does not wait.
    fn has_gone(&self) -> bool {
        let done = |(queue, value): &(Arc<QueueState>, u64)| {
            self.device.wait_for(queue, *value, Duration::ZERO).is_ok()
        };
        self.left.is_through() && self.gone.as_ref().is_none_or(done)
    }

    /// Frees what looks took. The last way out is done.
    fn forget_look(&mut self) {
        let Some((_, buffer)) = self.look.take() else { return };
        // SAFETY: the buffer is of this pool, and not pending.
        unsafe { self.device.raw.free_command_buffers(self.pool, &[buffer]) };
    }

    /// Whether the image's way begins at this queue's family, and is told of in this tier.
    pub(crate) fn is_from(&self, queue: &QueueState, tier: Tier) -> bool {
        self.family == queue.family && self.tier == tier
    }

    /// How pictures are told of.
    pub(crate) fn tier(&self) -> Tier {
        self.tier
    }

    /// Whether the last picture has left already. Does not wait.
    pub(crate) fn has_left(&self) -> bool {
        self.left.is_through()
    }

    /// Submits the way out on `queue`, which is of our family, after `waits`; with a look at the picture
    /// if it `looks`, which was [prepared](Self::look_with).
    /// [`ready`](Self::ready) is signaled then, where there is one; in the tier `timeline` the queue's
    /// timeline is at the value that comes back.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]. The crossing is of no more use.
    pub(crate) fn leave(
        &mut self,
        queue: &Arc<QueueState>,
        (waits, looks): (&[vk::Semaphore], bool),
    ) -> Result<u64, LayerError> {
        let look = self.look.as_ref().filter(|_| looks).map(|(_, buffer)| *buffer);
        let batch = Batch { waits, buffers: &[look.unwrap_or(self.out)], ..Batch::default() };
        if self.tier == Tier::Timeline {
            let value = submit_and_count(&self.device, queue, batch)?;
            self.note(queue, value);
            self.gone = Some((Arc::clone(queue), value));
            return Ok(value);
        }
        let ready = [self.ready];
        let signals = if self.ready == vk::Semaphore::null() { &[][..] } else { &ready };
        self.left.open(&self.device)?;
        submit(&self.device, queue, Batch { signals, fence: self.left.raw(), ..batch })?;
        self.left.pending = true;
        Ok(0)
    }

    /// Submits the way back on `queue`, once who had the image has reached `after`, timelines of which
    /// are reached already; `signals` are signaled then.
    ///
    /// # Errors
    ///
    /// As [`leave`](Self::leave).
    pub(crate) fn come_back(
        &mut self,
        queue: &Arc<QueueState>,
        after: (&Fences, &Outlet),
        signals: &[vk::Semaphore],
    ) -> Result<(), LayerError> {
        if self.tier == Tier::Timeline {
            let batch = Batch { buffers: &[self.back], signals, ..Batch::default() };
            let value = submit_and_count(&self.device, queue, batch)?;
            self.note(queue, value);
            return Ok(());
        }
        self.returned.open(&self.device)?;
        let waits = &self.import(after)?;
        let batch = Batch { waits, buffers: &[self.back], signals, fence: self.returned.raw() };
        submit(&self.device, queue, batch)?;
        self.returned.pending = true;
        Ok(())
    }

    /// Remembers what must be done before our commands go.
    fn note(&mut self, queue: &Arc<QueueState>, value: u64) {
        match self.counted.iter_mut().find(|(known, _)| Arc::ptr_eq(known, queue)) {
            Some((_, last)) => *last = value,
            None => self.counted.push((Arc::clone(queue), value)),
        }
    }

    /// Whether all that was submitted is done. Waits for it.
    fn is_done(&self) -> bool {
        let timelines = self.device.timelines.as_ref();
        let counted = |(queue, value): &(Arc<QueueState>, u64)| {
            let count = timelines.zip(queue.count.get());
            count.is_none_or(|(timelines, count)| timelines.is_done(count, *value))
        };
        self.left.is_done() && self.returned.is_done() && self.counted.iter().all(counted)
    }

    /// Semaphores that are signaled once the host has finished with the image. Where the device
    /// cannot take the host's fences, they were waited for.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    fn import(
        &mut self,
        (after, outlet): (&Fences, &Outlet),
    ) -> Result<ArrayVec<vk::Semaphore, MAX_POINTS>, LayerError> {
        let mut waits = ArrayVec::new();
        for point in after.iter().filter(|point| point.sync_file().is_some()) {
            if self.imports.len() == waits.len() {
                let new = self.semaphore(vk::ExternalSemaphoreHandleTypeFlags::empty())?;
                self.imports.push(new);
            }
            let semaphore = self.imports[waits.len()];
            if sync_fd::import(&self.device, semaphore, point, outlet)? {
                waits.push(semaphore);
            }
        }
        Ok(waits)
    }

    /// Waits on the CPU until the image has left.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(crate) fn wait_left(&self) -> Result<(), LayerError> {
        self.left.wait()
    }

    /// What signals when the image has left, for whoever waits elsewhere.
    pub(crate) fn left(&self) -> Arc<Fence> {
        Arc::clone(self.left.fence())
    }

    /// A semaphore that can leave as `handle_types`.
    fn semaphore(
        &self,
        handle_types: vk::ExternalSemaphoreHandleTypeFlags,
    ) -> Result<vk::Semaphore, LayerError> {
        let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(handle_types);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut export);
        // SAFETY: the device exports semaphores of this type, or `semaphore_fd` were `None`.
        unsafe { self.device.raw.create_semaphore(&info, None) }.doing("create a semaphore")
    }

    fn commands(&mut self) -> Result<(), LayerError> {
        let raw = &self.device.raw;
        let info = vk::CommandPoolCreateInfo::default().queue_family_index(self.family);
        // SAFETY: the application has a queue of this family.
        self.pool = unsafe { raw.create_command_pool(&info, None) }.doing("create a pool")?;
        [self.out, self.back] = self.buffers()?;
        Ok(())
    }

    fn buffers<const N: usize>(&self) -> Result<[vk::CommandBuffer; N], LayerError> {
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(self.pool)
            .command_buffer_count(N as u32);
        // SAFETY: the pool is ours alone.
        let buffers = unsafe { self.device.raw.allocate_command_buffers(&info) };
        let buffers = buffers.doing("allocate command buffers")?;
        buffers.iter().try_for_each(|buffer| self.device.adopt(*buffer))?;
        Ok(std::array::from_fn(|at| buffers[at]))
    }

    fn record(
        &self,
        buffer: vk::CommandBuffer,
        commands: impl FnOnce(vk::CommandBuffer),
    ) -> Result<(), LayerError> {
        let raw = &self.device.raw;
        // In the tier `timeline` the next picture may leave before the last one has.
        let flags = vk::CommandBufferUsageFlags::SIMULTANEOUS_USE;
        let info = vk::CommandBufferBeginInfo::default().flags(flags);
        // SAFETY: the buffer is ours and new.
        unsafe { raw.begin_command_buffer(buffer, &info) }.doing("record a way")?;
        commands(buffer);
        // SAFETY: the buffer is being recorded.
        unsafe { raw.end_command_buffer(buffer) }.doing("record a way")
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        if !self.is_done() {
            // Nobody knows: what the device may still use is not freed.
            let gates = [&self.left, &self.returned];
            gates.into_iter().for_each(Gate::abandon);
            std::mem::forget(self.look.take());
            return;
        }
        // All that has looked is done.
        self.look = None;
        let raw = &self.device.raw;
        // SAFETY: both submits are done; nothing is pending.
        unsafe { raw.destroy_command_pool(self.pool, None) };
        // SAFETY: the last batch that signals it is done (`left`).
        unsafe { raw.destroy_semaphore(self.ready, None) };
        for semaphore in self.imports.drain(..) {
            // SAFETY: the last batch that waits for it is done (`returned`).
            unsafe { raw.destroy_semaphore(semaphore, None) };
        }
    }
}

fn barrier(device: &DeviceState, buffer: vk::CommandBuffer, barrier: &vk::ImageMemoryBarrier<'_>) {
    let all = vk::PipelineStageFlags::ALL_COMMANDS;
    let none = vk::DependencyFlags::empty();
    // SAFETY: the buffer is being recorded, and the barrier names an image that outlives it.
    unsafe { device.raw.cmd_pipeline_barrier(buffer, all, all, none, &[], &[], &[*barrier]) };
}

/// Looks at the image of `handover`, which the application has left for presenting, and gives it to the
/// host.
fn look(
    device: &DeviceState,
    buffer: vk::CommandBuffer,
    sight: &Sight,
    handover: vk::ImageMemoryBarrier<'static>,
) {
    let general = vk::ImageLayout::GENERAL;
    let seen = handover
        .dst_access_mask(vk::AccessFlags::SHADER_READ)
        .new_layout(general)
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED);
    barrier(device, buffer, &seen);
    sight.record(buffer);
    // What was drawn is available since the first; a read needs an execution dependency only.
    let gone = handover.src_access_mask(vk::AccessFlags::empty()).old_layout(general);
    barrier(device, buffer, &gone);
}

/// The barriers that give `image` to the host and take it back.
fn barriers(
    device: &DeviceState,
    queue: &QueueState,
    image: vk::Image,
    plan: &ImagePlan,
) -> (vk::ImageMemoryBarrier<'static>, vk::ImageMemoryBarrier<'static>) {
    let abroad = match plan.export {
        Export::DmaBuf(_) => vk::QUEUE_FAMILY_FOREIGN_EXT,
        _ => vk::QUEUE_FAMILY_EXTERNAL,
    };
    // An image that many families share has no owner at home.
    let home = if plan.families.is_empty() { queue.family } else { vk::QUEUE_FAMILY_IGNORED };
    let present = device.present_layout;
    let range = vk::ImageSubresourceRange {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        level_count: 1,
        layer_count: plan.array_layers,
        ..Default::default()
    };
    let barrier = vk::ImageMemoryBarrier::default().image(image).subresource_range(range);
    let out = barrier
        .src_access_mask(vk::AccessFlags::MEMORY_WRITE)
        .old_layout(present)
        .new_layout(vk::ImageLayout::GENERAL)
        .src_queue_family_index(home)
        .dst_queue_family_index(abroad);
    let back = barrier
        .dst_access_mask(vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE)
        .old_layout(vk::ImageLayout::GENERAL)
        .new_layout(present)
        .src_queue_family_index(abroad)
        .dst_queue_family_index(home);
    (out, back)
}
