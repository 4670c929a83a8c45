//! Draws the pattern into swapchain images, bit by bit, in every format.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::Extent;

use super::staging::Staging;
use super::{Device, Doing, Error, Fence};
use crate::Layout;
use crate::pattern::Scene;

/// How long a picture may be drawn, longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

const PICTURE: vk::ImageSubresourceRange = vk::ImageSubresourceRange {
    aspect_mask: vk::ImageAspectFlags::COLOR,
    base_mip_level: 0,
    level_count: 1,
    base_array_layer: 0,
    layer_count: 1,
};

/// One picture in flight.
struct Slot {
    staging: Staging,
    commands: vk::CommandBuffer,
    /// Signaled when the slot may be used again.
    fence: Fence,
}

/// Draws by copying from memory that the CPU wrote: exact in every format.
pub struct Painter {
    device: Arc<Device>,
    pool: vk::CommandPool,
    slots: Vec<Slot>,
    next: usize,
    layout: Layout,
    extent: Extent,
    scene: Scene,
}

impl Painter {
    /// A painter of pictures in `format` with `slots` of them in flight.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when the pattern cannot be drawn in `format`.
    pub fn new(
        device: &Arc<Device>,
        format: vk::Format,
        extent: Extent,
        slots: usize,
        scene: Scene,
    ) -> Result<Self, Error> {
        let missing = || Error::Missing(format!("pattern in {format:?}"));
        let layout = Layout::of(format).ok_or_else(missing)?;
        let info = vk::CommandPoolCreateInfo::default()
            .flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER)
            .queue_family_index(device.family());
        // SAFETY: `info` has no chain and names a family of the device.
        let pool = unsafe { device.raw().create_command_pool(&info, None) };
        let pool = pool.doing("create a command pool")?;
        let device = Arc::clone(device);
        let mut painter = Self { device, pool, slots: Vec::new(), next: 0, layout, extent, scene };
        for _ in 0..slots.max(1) {
            painter.slots.push(painter.slot()?);
        }
        Ok(painter)
    }

    fn slot(&self) -> Result<Slot, Error> {
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(self.pool)
            .command_buffer_count(1);
        // SAFETY: the pool is ours and alive.
        let commands = unsafe { self.device.raw().allocate_command_buffers(&info) };
        let commands = commands.doing("allocate a command buffer")?[0];
        let pixels = self.extent.width as usize * self.extent.height as usize;
        let pixels = if self.scene.plain { 1 } else { pixels };
        let staging = Staging::new(&self.device, pixels * self.layout.bytes)?;
        let fence = Fence::new(&self.device, true).doing("create a fence")?;
        Ok(Slot { staging, commands, fence })
    }

    /// Draws picture `frame` into `image` once `wait` is signaled, and signals `signal` then. The
    /// image is ready to be presented afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn paint(
        &mut self,
        frame: u32,
        image: vk::Image,
        wait: &[vk::Semaphore],
        signal: &[vk::Semaphore],
    ) -> Result<(), Error> {
        let index = self.next;
        self.next = (index + 1) % self.slots.len();
        let Self { layout, extent, scene, .. } = *self;
        let slot = &mut self.slots[index];
        slot.fence.wait(PATIENCE).doing("wait for an earlier picture")?;
        slot.fence.reset().doing("reset a fence")?;
        if !scene.plain {
            write(scene, layout, extent, frame, slot.staging.bytes());
        }
        let slot = &self.slots[index];
        self.record(slot, image, frame).doing("record a picture")?;
        self.submit(slot, wait, signal).doing("submit a picture")
    }

    /// Waits until everything is drawn.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn finish(&self) -> Result<(), Error> {
        let waits = self.slots.iter().map(|slot| slot.fence.wait(PATIENCE));
        waits.collect::<Result<(), _>>().doing("wait for pictures")
    }

    fn record(&self, slot: &Slot, image: vk::Image, frame: u32) -> Result<(), vk::Result> {
        use vk::AccessFlags as A;
        use vk::ImageLayout as L;
        let (raw, commands) = (self.device.raw(), slot.commands);
        let begin = vk::CommandBufferBeginInfo::default()
            .flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the slot's fence was waited for, so the command buffer is not pending.
        unsafe { raw.begin_command_buffer(commands, &begin) }?;
        let (none, write) = (A::empty(), A::TRANSFER_WRITE);
        self.barrier(commands, image, [L::UNDEFINED, L::TRANSFER_DST_OPTIMAL], [none, write]);
        if self.scene.plain {
            self.clear(commands, image, frame);
        } else {
            self.copy(slot, image);
        }
        let layouts = [L::TRANSFER_DST_OPTIMAL, L::PRESENT_SRC_KHR];
        self.barrier(commands, image, layouts, [write, none]);
        // SAFETY: it was begun above.
        unsafe { raw.end_command_buffer(commands) }
    }

    /// Copies the whole picture to an image that the transfer stage may write.
    fn copy(&self, slot: &Slot, image: vk::Image) {
        let layers = vk::ImageSubresourceLayers {
            aspect_mask: vk::ImageAspectFlags::COLOR,
            mip_level: 0,
            base_array_layer: 0,
            layer_count: 1,
        };
        let Extent { width, height } = self.extent;
        let region = vk::BufferImageCopy::default()
            .image_subresource(layers)
            .image_extent(vk::Extent3D { width, height, depth: 1 });
        let (from, to) = (slot.staging.buffer(), vk::ImageLayout::TRANSFER_DST_OPTIMAL);
        // SAFETY: the caller's barrier gave the layout; the buffer holds the whole picture.
        unsafe {
            self.device.raw().cmd_copy_buffer_to_image(slot.commands, from, image, to, &[region]);
        }
    }

    /// Fills such an image with a colour of the picture's number.
    fn clear(&self, commands: vk::CommandBuffer, image: vk::Image, frame: u32) {
        let part = |shift: u32| ((frame << shift) % 256) as f32 / 255.0;
        let color = vk::ClearColorValue { float32: [part(0), part(3), part(5), 1.0] };
        let layout = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
        // SAFETY: the caller's barrier gave the layout; the image has a colour of numbers from 0 to 1.
        unsafe {
            self.device.raw().cmd_clear_color_image(commands, image, layout, &color, &[PICTURE]);
        }
    }

    /// A layout change between what `access` names, both in the transfer stage, where the
    /// acquire's semaphore is waited for.
    fn barrier(
        &self,
        commands: vk::CommandBuffer,
        image: vk::Image,
        [old, new]: [vk::ImageLayout; 2],
        [from, to]: [vk::AccessFlags; 2],
    ) {
        let barrier = vk::ImageMemoryBarrier::default()
            .old_layout(old)
            .new_layout(new)
            .src_access_mask(from)
            .dst_access_mask(to)
            .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
            .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
            .image(image)
            .subresource_range(PICTURE);
        let stage = vk::PipelineStageFlags::TRANSFER;
        let none = vk::DependencyFlags::empty();
        // SAFETY: `commands` is being recorded, and `image` is alive.
        unsafe {
            self.device.raw().cmd_pipeline_barrier(
                commands,
                stage,
                stage,
                none,
                &[],
                &[],
                &[barrier],
            );
        }
    }

    fn submit(
        &self,
        slot: &Slot,
        wait: &[vk::Semaphore],
        signal: &[vk::Semaphore],
    ) -> Result<(), vk::Result> {
        let stages = vec![vk::PipelineStageFlags::TRANSFER; wait.len()];
        let commands = [slot.commands];
        let submit = vk::SubmitInfo::default()
            .wait_semaphores(wait)
            .wait_dst_stage_mask(&stages)
            .command_buffers(&commands)
            .signal_semaphores(signal);
        let queue = self.device.queue();
        // SAFETY: the queue is locked; the fence is unsignaled.
        unsafe { self.device.raw().queue_submit(*queue, &[submit], slot.fence.raw()) }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: the device is idle, so no command buffer is pending.
        unsafe { self.device.raw().destroy_command_pool(self.pool, None) };
    }
}

/// Writes the whole of picture `frame` into `bytes`.
fn write(scene: Scene, layout: Layout, extent: Extent, frame: u32, bytes: &mut [u8]) {
    let lines = bytes.chunks_exact_mut(extent.width as usize * layout.bytes);
    for (y, line) in (0..).zip(lines) {
        let pixels = scene.row(frame, y);
        for (place, pixel) in line.chunks_exact_mut(layout.bytes).zip(pixels) {
            layout.pack(pixel, place);
        }
    }
}
