//! Copies between images and memory of the CPU's, plane by plane.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use ash::vk;

use super::{Device, Doing, Error, Fence};

/// How long a copy may take, longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who owns an image outside of the device before and after a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody has written it yet.
    Nobody,
    /// Somebody outside, by this queue family (`VK_QUEUE_FAMILY_FOREIGN_EXT`, for one), in layout
    /// `GENERAL`.
    Outside(u32),
}

/// Copies and waits. The image is left in layout `GENERAL`, with whom it goes to.
pub struct Copier {
    device: Arc<Device>,
    pool: vk::CommandPool,
    fence: Fence,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    mapped: *mut u8,
    size: usize,
}

impl Copier {
    /// One for copies of at most `size` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn new(device: &Arc<Device>, size: usize) -> Result<Self, Error> {
        let fence = Fence::new(device, false).doing("create a fence")?;
        let info = vk::CommandPoolCreateInfo::default().queue_family_index(device.family());
        // SAFETY: `info` has no chain and names a family of the device.
        let pool = unsafe { device.raw().create_command_pool(&info, None) };
        let pool = pool.doing("create a command pool")?;
        let mut made = Self {
            device: Arc::clone(device),
            pool,
            fence,
            buffer: vk::Buffer::null(),
            memory: vk::DeviceMemory::null(),
            mapped: std::ptr::null_mut(),
            size,
        };
        made.fill()?;
        Ok(made)
    }

    /// Allocates, binds and maps. What it made is freed by `Drop`, also when a step fails.
    fn fill(&mut self) -> Result<(), Error> {
        let raw = self.device.raw();
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        let info = vk::BufferCreateInfo::default().size(self.size as u64).usage(usage);
        // SAFETY: `info` has no chain.
        self.buffer = unsafe { raw.create_buffer(&info, None) }.doing("create a buffer")?;
        // SAFETY: the buffer is ours.
        let needs = unsafe { raw.get_buffer_memory_requirements(self.buffer) };
        let flags = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(self.device.memory_type(needs.memory_type_bits, flags)?);
        // SAFETY: `info` has no chain.
        self.memory = unsafe { raw.allocate_memory(&info, None) }.doing("allocate memory")?;
        // SAFETY: the buffer has no memory yet.
        unsafe { raw.bind_buffer_memory(self.buffer, self.memory, 0) }.doing("bind memory")?;
        let (whole, none) = (vk::WHOLE_SIZE, vk::MemoryMapFlags::empty());
        // SAFETY: the memory is host visible and not mapped yet.
        let mapped = unsafe { raw.map_memory(self.memory, 0, whole, none) };
        self.mapped = mapped.doing("map memory")?.cast();
        Ok(())
    }

    /// Writes `bytes` into `image` as `regions` say, and hands it to `to`.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    ///
    /// # Panics
    ///
    /// When there are more bytes than room.
    pub fn write(
        &mut self,
        image: vk::Image,
        (from, to): (Owner, Owner),
        regions: &[vk::BufferImageCopy],
        bytes: &[u8],
    ) -> Result<(), Error> {
        self.bytes()[..bytes.len()].copy_from_slice(bytes);
        let (raw, buffer) = (Arc::clone(&self.device), self.buffer);
        let layout = vk::ImageLayout::GENERAL;
        self.run(image, (from, to), vk::AccessFlags::TRANSFER_WRITE, |commands| {
            // SAFETY: the barrier gave the layout; callers' regions are inside of both.
            unsafe {
                raw.raw().cmd_copy_buffer_to_image(commands, buffer, image, layout, regions);
            };
        })
    }

    /// Reads `image` as `regions` say, and hands it on.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn read(
        &mut self,
        image: vk::Image,
        (from, to): (Owner, Owner),
        regions: &[vk::BufferImageCopy],
    ) -> Result<&[u8], Error> {
        let (raw, buffer) = (Arc::clone(&self.device), self.buffer);
        let layout = vk::ImageLayout::GENERAL;
        self.run(image, (from, to), vk::AccessFlags::TRANSFER_READ, |commands| {
            // SAFETY: as in `write`.
            unsafe {
                raw.raw().cmd_copy_image_to_buffer(commands, image, layout, buffer, regions);
            };
            let barrier = vk::BufferMemoryBarrier::default()
                .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
                .dst_access_mask(vk::AccessFlags::HOST_READ)
                .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .buffer(buffer)
                .size(vk::WHOLE_SIZE);
            // SAFETY: the command buffer is being recorded.
            unsafe {
                raw.raw().cmd_pipeline_barrier(
                    commands,
                    vk::PipelineStageFlags::TRANSFER,
                    vk::PipelineStageFlags::HOST,
                    vk::DependencyFlags::empty(),
                    &[],
                    &[barrier],
                    &[],
                );
            };
        })?;
        Ok(self.bytes())
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped for `size` bytes for as long as `self`, borrowed mutably, and no copy runs.
        unsafe { slice::from_raw_parts_mut(self.mapped, self.size) }
    }

    fn run(
        &self,
        image: vk::Image,
        (from, to): (Owner, Owner),
        access: vk::AccessFlags,
        copy: impl FnOnce(vk::CommandBuffer),
    ) -> Result<(), Error> {
        let raw = self.device.raw();
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(self.pool)
            .command_buffer_count(1);
        // SAFETY: the pool is ours, and one thread's.
        let all = unsafe { raw.allocate_command_buffers(&info) }.doing("allocate commands")?;
        let begin = vk::CommandBufferBeginInfo::default()
            .flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: it is new.
        unsafe { raw.begin_command_buffer(all[0], &begin) }.doing("begin a copy")?;
        self.pass(all[0], image, from, None, access);
        copy(all[0]);
        self.pass(all[0], image, from, Some(to), access);
        // SAFETY: it was begun above.
        unsafe { raw.end_command_buffer(all[0]) }.doing("end a copy")?;
        let submit = vk::SubmitInfo::default().command_buffers(&all);
        {
            let queue = self.device.queue();
            // SAFETY: the queue is locked; the fence is unsignaled.
            unsafe { raw.queue_submit(*queue, &[submit], self.fence.raw()) }
                .doing("submit a copy")?;
        }
        self.fence.wait(PATIENCE).doing("wait for a copy")?;
        self.fence.reset().doing("reset a fence")?;
        // SAFETY: they are done.
        unsafe { raw.free_command_buffers(self.pool, &all) };
        Ok(())
    }

    /// Takes the image from `from`, or with `to` hands it on after the copy.
    fn pass(
        &self,
        commands: vk::CommandBuffer,
        image: vk::Image,
        from: Owner,
        to: Option<Owner>,
        access: vk::AccessFlags,
    ) {
        use vk::PipelineStageFlags as Stage;
        let barrier = self.barrier(image, from, to);
        let (barrier, stages) = match to {
            None => (barrier.dst_access_mask(access), [Stage::TOP_OF_PIPE, Stage::TRANSFER]),
            Some(_) => (barrier.src_access_mask(access), [Stage::TRANSFER, Stage::BOTTOM_OF_PIPE]),
        };
        let ([before, after], none) = (stages, vk::DependencyFlags::empty());
        let raw = self.device.raw();
        // SAFETY: `commands` is being recorded, and `image` is alive.
        unsafe { raw.cmd_pipeline_barrier(commands, before, after, none, &[], &[], &[barrier]) };
    }

    /// The layouts and families of [`pass`](Self::pass).
    fn barrier(
        &self,
        image: vk::Image,
        from: Owner,
        to: Option<Owner>,
    ) -> vk::ImageMemoryBarrier<'static> {
        let families = match to.unwrap_or(from) {
            Owner::Outside(family) => [family, self.device.family()],
            Owner::Nobody => [vk::QUEUE_FAMILY_IGNORED; 2],
        };
        let [before, after] = if to.is_some() { [families[1], families[0]] } else { families };
        let known = to.is_some() || from != Owner::Nobody;
        let range = vk::ImageSubresourceRange::default()
            .aspect_mask(vk::ImageAspectFlags::COLOR)
            .level_count(1)
            .layer_count(1);
        vk::ImageMemoryBarrier::default()
            .old_layout(if known { vk::ImageLayout::GENERAL } else { vk::ImageLayout::UNDEFINED })
            .new_layout(vk::ImageLayout::GENERAL)
            .src_queue_family_index(before)
            .dst_queue_family_index(after)
            .image(image)
            .subresource_range(range)
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: the device is idle.
        unsafe { self.device.raw().destroy_command_pool(self.pool, None) };
        // SAFETY: as above; null is allowed.
        unsafe { self.device.raw().destroy_buffer(self.buffer, None) };
        // SAFETY: the buffer is gone; null is allowed.
        unsafe { self.device.raw().free_memory(self.memory, None) };
    }
}
