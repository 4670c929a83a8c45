//! One picture from an image to rows.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ash::vk::{self, Handle as _};
use ffmpeg_sys_next as ffi;
use zerohop_frame::{Extent, FormatPlane, Fourcc, MemoryHandle};

use super::Target;
use super::device::{Lock, Shared};
use crate::av::Picture;
use crate::ring::Slot;

/// How long a device may take for a copy, with all that it has to decode before.
const PATIENCE: Duration = Duration::from_secs(5);

/// Copies pictures, one at a time.
pub(crate) struct VulkanCopier {
    pool: vk::CommandPool,
    commands: vk::CommandBuffer,
    fence: vk::Fence,
    device: Rc<Shared>,
    /// Whether a copy was not done in time: it may still be, on a device that other films go on with.
    is_late: bool,
}

impl VulkanCopier {
    /// For pictures on the device that `picture` is on.
    pub(crate) fn of(picture: &Picture) -> Result<Self> {
        let device = Shared::of(picture)?;
        let (pool, commands) = (vk::CommandPool::null(), vk::CommandBuffer::null());
        let fence = vk::Fence::null();
        let mut copier = Self { pool, commands, fence, device, is_late: false };
        let raw = &copier.device.raw;
        let info = vk::CommandPoolCreateInfo::default().queue_family_index(copier.device.family);
        // SAFETY: the device has the family.
        copier.pool = unsafe { raw.create_command_pool(&info, None) }.context("a command pool")?;
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(copier.pool)
            .command_buffer_count(1);
        // SAFETY: the pool was just made.
        let all = unsafe { raw.allocate_command_buffers(&info) }.context("a command buffer")?;
        copier.commands = all.into_iter().next().context("a command buffer")?;
        let info = vk::FenceCreateInfo::default();
        // SAFETY: there is nothing to be wrong.
        copier.fence = unsafe { raw.create_fence(&info, None) }.context("a fence")?;
        Ok(copier)
    }

    /// `VkPhysicalDeviceIDProperties::deviceUUID` of its device.
    pub(crate) fn uuid(&self) -> [u8; 16] {
        self.device.uuid()
    }

    /// The view of memory that it copies to.
    pub(crate) fn adopt(&self, handle: &MemoryHandle) -> Result<Target> {
        Target::import(&self.device, handle)
    }

    /// Copies the planes of `picture`, after all that FFmpeg has to do with it, and waits for that.
    pub(crate) fn copy(
        &mut self,
        picture: &Picture,
        fourcc: Fourcc,
        slot: &Arc<Slot<Target>>,
    ) -> Result<()> {
        if self.is_late {
            bail!("an earlier copy of the device was not done after {PATIENCE:?}");
        }
        let mut lock = Lock::of(picture, self.device.family)?;
        let images = lock.frame.img.iter().take_while(|image| **image != 0).count();
        let planes = fourcc.planes().context("planes that are not known")?;
        if images != 1 && images != planes.len() {
            bail!("{images} images with {} planes", planes.len());
        }
        self.begin()?;
        for index in 0..images {
            self.open(lock.frame, index);
        }
        let seen = picture.visible();
        for (index, plane) in planes.iter().enumerate() {
            let one = images == 1 && planes.len() > 1;
            let image = lock.frame.img[if images == 1 { 0 } else { index }];
            let region = region(slot, (index, plane), seen, one);
            self.copy_plane(vk::Image::from_raw(image), slot.target.buffer, &region);
        }
        self.hand_over(slot.target.buffer);
        self.submit(&mut lock, images)?;
        drop(lock);
        let waited = self.wait();
        if waited.is_err() {
            // Its memory is never let go, nor is the device that it is of. FFmpeg keeps the images itself.
            mem::forget(Arc::clone(slot));
            self.is_late = true;
        }
        waited
    }

    fn begin(&self) -> Result<()> {
        let raw = &self.device.raw;
        let nothing = vk::CommandPoolResetFlags::empty();
        // SAFETY: the last copy is done: after one that is not, `copy` begins none.
        unsafe { raw.reset_command_pool(self.pool, nothing) }.context("reset the commands")?;
        let info = vk::CommandBufferBeginInfo::default()
            .flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: it was just reset.
        unsafe { raw.begin_command_buffer(self.commands, &info) }.context("begin the commands")
    }

    /// Makes an image readable by copies, from whatever state FFmpeg left it in, and notes that.
    fn open(&self, frame: &mut ffi::AVVkFrame, index: usize) {
        let ignored = vk::QUEUE_FAMILY_IGNORED;
        #[cfg(before_ffmpeg_6)]
        let owner = ignored;
        #[cfg(not(before_ffmpeg_6))]
        let owner = frame.queue_family[index];
        let moves = owner != ignored && owner != self.device.family;
        let (from, to) = if moves { (owner, self.device.family) } else { (ignored, ignored) };
        let range = vk::ImageSubresourceRange::default()
            .aspect_mask(vk::ImageAspectFlags::COLOR)
            .level_count(1)
            .layer_count(1);
        let layout = vk::ImageLayout::TRANSFER_SRC_OPTIMAL;
        let barrier = vk::ImageMemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::MEMORY_WRITE)
            .dst_access_mask(vk::AccessFlags::TRANSFER_READ)
            .old_layout(vk::ImageLayout::from_raw(frame.layout[index]))
            .new_layout(layout)
            .src_queue_family_index(from)
            .dst_queue_family_index(to)
            .image(vk::Image::from_raw(frame.img[index]))
            .subresource_range(range);
        let (all, copies) =
            (vk::PipelineStageFlags::ALL_COMMANDS, vk::PipelineStageFlags::TRANSFER);
        let (raw, none) = (&self.device.raw, vk::DependencyFlags::empty());
        // SAFETY: the commands are being recorded; the image is FFmpeg's, in the layout that it says.
        unsafe {
            raw.cmd_pipeline_barrier(self.commands, all, copies, none, &[], &[], &[barrier]);
        }
        frame.layout[index] = layout.as_raw();
        // One bit, of as many as FFmpeg's type has.
        frame.access[index] = vk::AccessFlags::TRANSFER_READ.as_raw() as _;
        #[cfg(not(before_ffmpeg_6))]
        if moves {
            frame.queue_family[index] = to;
        }
    }

    fn copy_plane(&self, image: vk::Image, to: vk::Buffer, region: &vk::BufferImageCopy) {
        let (raw, layout) = (&self.device.raw, vk::ImageLayout::TRANSFER_SRC_OPTIMAL);
        let regions = std::slice::from_ref(region);
        // SAFETY: the commands are being recorded; `open` brought the image into this layout, and
        // the slot was made for the picture.
        unsafe { raw.cmd_copy_image_to_buffer(self.commands, image, layout, to, regions) };
    }

    /// Gives the rows to the host's device.
    fn hand_over(&self, buffer: vk::Buffer) {
        let barrier = vk::BufferMemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
            .src_queue_family_index(self.device.family)
            .dst_queue_family_index(vk::QUEUE_FAMILY_EXTERNAL)
            .buffer(buffer)
            .size(vk::WHOLE_SIZE);
        let (copies, end) =
            (vk::PipelineStageFlags::TRANSFER, vk::PipelineStageFlags::BOTTOM_OF_PIPE);
        let (raw, none) = (&self.device.raw, vk::DependencyFlags::empty());
        // SAFETY: the commands are being recorded, and the buffer is ours.
        unsafe {
            raw.cmd_pipeline_barrier(self.commands, copies, end, none, &[], &[barrier], &[]);
        }
    }

    /// Submits, between what FFmpeg did to the images and what it will do.
    fn submit(&self, lock: &mut Lock<'_>, images: usize) -> Result<()> {
        let raw = &self.device.raw;
        // SAFETY: the commands are being recorded.
        unsafe { raw.end_command_buffer(self.commands) }.context("end the commands")?;
        let frame = &mut *lock.frame;
        let semaphores: Vec<_> =
            frame.sem[..images].iter().map(|one| vk::Semaphore::from_raw(*one)).collect();
        let before = frame.sem_value[..images].to_vec();
        let after: Vec<u64> = before.iter().map(|value| value + 1).collect();
        let stages = vec![vk::PipelineStageFlags::ALL_COMMANDS; images];
        let mut values = vk::TimelineSemaphoreSubmitInfo::default()
            .wait_semaphore_values(&before)
            .signal_semaphore_values(&after);
        let commands = [self.commands];
        let info = vk::SubmitInfo::default()
            .wait_semaphores(&semaphores)
            .wait_dst_stage_mask(&stages)
            .signal_semaphores(&semaphores)
            .command_buffers(&commands)
            .push_next(&mut values);
        // SAFETY: nobody else has the queue (`Lock`); all handles live until the fence is waited for.
        unsafe { raw.queue_submit(self.device.queue, &[info], self.fence) }.context("submit")?;
        frame.sem_value[..images].copy_from_slice(&after);
        Ok(())
    }

    fn wait(&self) -> Result<()> {
        let (raw, limit) = (&self.device.raw, PATIENCE.as_nanos() as u64);
        // SAFETY: the fence is ours.
        unsafe { raw.wait_for_fences(&[self.fence], true, limit) }
            .with_context(|| format!("the device's copy is not done after {PATIENCE:?}"))?;
        // SAFETY: nothing waits for it any more.
        unsafe { raw.reset_fences(&[self.fence]) }.context("reset a fence")
    }
}

impl Drop for VulkanCopier {
    fn drop(&mut self) {
        if self.is_late {
            return;
        }
        let raw = &self.device.raw;
        // SAFETY: the last copy is done.
        unsafe { raw.destroy_fence(self.fence, None) };
        // SAFETY: as above.
        unsafe { raw.destroy_command_pool(self.pool, None) };
    }
}

/// How plane `index` is copied: out of one image of all planes, or out of its own.
fn region(
    slot: &Slot<Target>,
    (index, plane): (usize, &FormatPlane),
    (begin, extent): (Extent, Extent),
    one: bool,
) -> vk::BufferImageCopy {
    const PLANES: [vk::ImageAspectFlags; 3] = [
        vk::ImageAspectFlags::PLANE_0,
        vk::ImageAspectFlags::PLANE_1,
        vk::ImageAspectFlags::PLANE_2,
    ];
    let aspect = if one { PLANES[index.min(2)] } else { vk::ImageAspectFlags::COLOR };
    let layers = vk::ImageSubresourceLayers::default().aspect_mask(aspect).layer_count(1);
    let (at, Extent { width, height }) = (&slot.planes[index], plane.extent(extent));
    let begin = plane.extent(begin);
    // A picture has fewer pixels than an `i32` counts.
    let begin = vk::Offset3D { x: begin.width as i32, y: begin.height as i32, z: 0 };
    vk::BufferImageCopy::default()
        .buffer_offset(at.offset.into())
        .buffer_row_length(at.stride / plane.bytes)
        .image_subresource(layers)
        .image_offset(begin)
        .image_extent(vk::Extent3D { width, height, depth: 1 })
}
