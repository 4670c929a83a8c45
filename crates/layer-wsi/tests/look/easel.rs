//! One image, and looks at it.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::{BoxError, Extent};
use zerohop_layer_wsi::look::{Ground, Hash, Looker, Sight};
use zerohop_testkit::rig::{Copier, Device, Fence, Owner};

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// An image that is written by the CPU and looked at.
pub(crate) struct Easel {
    sight: Option<Sight>,
    looker: Arc<Looker>,
    copier: Copier,
    size: Extent,
    image: vk::Image,
    memory: vk::DeviceMemory,
    pool: vk::CommandPool,
    /// Where hashes are read.
    hashes: vk::Buffer,
    seen: vk::DeviceMemory,
    device: Arc<Device>,
}

impl Easel {
    /// `None`: the device cannot sample such images.
    // Long because it makes all that an application would.
    pub(crate) fn new(
        device: &Arc<Device>,
        format: vk::Format,
        view: vk::Format,
        size: Extent,
    ) -> Result<Option<Self>, BoxError> {
        let raw = device.raw();
        let instance = device.instance().raw();
        let formats = [format, view];
        let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&formats);
        let flags = match format == view {
            true => vk::ImageCreateFlags::empty(),
            false => vk::ImageCreateFlags::MUTABLE_FORMAT,
        };
        let usage = vk::ImageUsageFlags::SAMPLED | vk::ImageUsageFlags::TRANSFER_DST;
        let (kind, tiling) = (vk::ImageType::TYPE_2D, vk::ImageTiling::OPTIMAL);
        let physical = device.physical();
        // SAFETY: the handle is the instance's.
        let made = unsafe {
            instance.get_physical_device_image_format_properties(
                physical, format, kind, tiling, usage, flags,
            )
        };
        if made.is_err() {
            return Ok(None);
        }
        let mut info = vk::ImageCreateInfo::default()
            .flags(flags)
            .image_type(kind)
            .format(format)
            .extent(vk::Extent3D { width: size.width, height: size.height, depth: 1 })
            .mip_levels(1)
            .array_layers(1)
            .samples(vk::SampleCountFlags::TYPE_1)
            .tiling(tiling)
            .usage(usage);
        if format != view {
            info = info.push_next(&mut list);
        }
        // SAFETY: the chain points to locals.
        let image = unsafe { raw.create_image(&info, None) }?;
        // SAFETY: the image is ours.
        let needs = unsafe { raw.get_image_memory_requirements(image) };
        let memory = allocate(device, needs, vk::MemoryPropertyFlags::empty())?;
        // SAFETY: both are ours and new.
        unsafe { raw.bind_image_memory(image, memory, 0) }?;
        // SAFETY: the handle is the instance's.
        let types = unsafe { instance.get_physical_device_memory_properties(physical) };
        let ground = Ground { raw, memory: &types };
        let looker = Arc::new(Looker::new(ground, view, size, 2)?);
        // The second of two, so that its word is not the first.
        let sight = Some(Sight::new(&looker, image, 1)?);
        let info = vk::CommandPoolCreateInfo::default().queue_family_index(device.family());
        // SAFETY: the family is the device's.
        let pool = unsafe { raw.create_command_pool(&info, None) }?;
        let (hashes, seen) = readable(device, bytes_of(&looker) as u64)?;
        let copier = Copier::new(device, (size.width * size.height * 8) as usize)?;
        let device = Arc::clone(device);
        Ok(Some(Self { sight, looker, copier, size, image, memory, pool, hashes, seen, device }))
    }

    pub(crate) fn size(&self) -> Extent {
        self.size
    }

    pub(crate) fn looker(&self) -> &Looker {
        &self.looker
    }

    /// Puts `picture` into the image and looks at it: whether it differs from the one before, and
    /// its hashes.
    pub(crate) fn look(&mut self, picture: &[u8]) -> Result<(bool, Vec<Hash>), BoxError> {
        let region = vk::BufferImageCopy::default()
            .image_subresource(vk::ImageSubresourceLayers {
                aspect_mask: vk::ImageAspectFlags::COLOR,
                layer_count: 1,
                ..Default::default()
            })
            .image_extent(vk::Extent3D {
                width: self.size.width,
                height: self.size.height,
                depth: 1,
            });
        // It stays with the device, and what was in it is not needed.
        self.copier.write(self.image, (Owner::Nobody, Owner::Nobody), &[region], picture)?;
        self.looker.begin(1);
        self.run()?;
        Ok((self.looker.differs(1), self.read()?))
    }

    fn run(&self) -> Result<(), BoxError> {
        use vk::{AccessFlags as A, PipelineStageFlags as S};
        let raw = self.device.raw();
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(self.pool)
            .command_buffer_count(1);
        // SAFETY: the pool is ours, and one thread's.
        let all = unsafe { raw.allocate_command_buffers(&info) }?;
        let barrier = |from: S, to: S, before: A, after: A| {
            let memory =
                [vk::MemoryBarrier::default().src_access_mask(before).dst_access_mask(after)];
            let none = vk::DependencyFlags::empty();
            // SAFETY: the buffer is being recorded.
            unsafe { raw.cmd_pipeline_barrier(all[0], from, to, none, &memory, &[], &[]) };
        };
        // SAFETY: it is new.
        unsafe { raw.begin_command_buffer(all[0], &vk::CommandBufferBeginInfo::default()) }?;
        barrier(S::TRANSFER, S::COMPUTE_SHADER, A::TRANSFER_WRITE, A::SHADER_READ);
        self.sight.as_ref().ok_or("no sight")?.record(all[0]);
        barrier(S::COMPUTE_SHADER, S::TRANSFER, A::SHADER_WRITE, A::TRANSFER_READ);
        let region = [vk::BufferCopy::default().size(bytes_of(&self.looker) as u64)];
        let hashes = self.looker.hashes();
        // SAFETY: as many bytes are in both.
        unsafe { raw.cmd_copy_buffer(all[0], hashes, self.hashes, &region) };
        barrier(S::TRANSFER, S::HOST, A::TRANSFER_WRITE, A::HOST_READ);
        // SAFETY: it was begun above.
        unsafe { raw.end_command_buffer(all[0]) }?;
        let submit = vk::SubmitInfo::default().command_buffers(&all);
        let fence = Fence::new(&self.device, false)?;
        {
            let queue = self.device.queue();
            // SAFETY: the queue is locked; the fence is unsignaled.
            unsafe { raw.queue_submit(*queue, &[submit], fence.raw()) }?;
        }
        fence.wait(PATIENCE)?;
        // SAFETY: they are done.
        unsafe { raw.free_command_buffers(self.pool, &all) };
        Ok(())
    }

    fn read(&self) -> Result<Vec<Hash>, BoxError> {
        let raw = self.device.raw();
        let flags = vk::MemoryMapFlags::empty();
        // SAFETY: host visible, and not mapped.
        let at = unsafe { raw.map_memory(self.seen, 0, vk::WHOLE_SIZE, flags) }?.cast::<Hash>();
        let count = bytes_of(&self.looker) / size_of::<Hash>();
        // SAFETY: as many are there, and the device has written them.
        let all = unsafe { std::slice::from_raw_parts(at, count) }.to_vec();
        // SAFETY: mapped above.
        unsafe { raw.unmap_memory(self.seen) };
        Ok(all)
    }
}

impl Drop for Easel {
    fn drop(&mut self) {
        self.sight = None;
        let raw = self.device.raw();
        // SAFETY: every look was waited for.
        unsafe { raw.destroy_command_pool(self.pool, None) };
        // SAFETY: as above.
        unsafe { raw.destroy_image(self.image, None) };
        // SAFETY: as above.
        unsafe { raw.destroy_buffer(self.hashes, None) };
        for memory in [self.memory, self.seen] {
            // SAFETY: nothing is in it any more.
            unsafe { raw.free_memory(memory, None) };
        }
    }
}

fn bytes_of(looker: &Looker) -> usize {
    let [across, down] = looker.blocks();
    (across * down) as usize * size_of::<Hash>()
}

/// A buffer that the CPU reads.
fn readable(device: &Arc<Device>, bytes: u64) -> Result<(vk::Buffer, vk::DeviceMemory), BoxError> {
    let raw = device.raw();
    let info =
        vk::BufferCreateInfo::default().size(bytes).usage(vk::BufferUsageFlags::TRANSFER_DST);
    // SAFETY: the info has no chain.
    let buffer = unsafe { raw.create_buffer(&info, None) }?;
    // SAFETY: the buffer is ours.
    let needs = unsafe { raw.get_buffer_memory_requirements(buffer) };
    let seen = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
    let memory = allocate(device, needs, seen)?;
    // SAFETY: both are ours and new.
    unsafe { raw.bind_buffer_memory(buffer, memory, 0) }?;
    Ok((buffer, memory))
}

fn allocate(
    device: &Device,
    needs: vk::MemoryRequirements,
    flags: vk::MemoryPropertyFlags,
) -> Result<vk::DeviceMemory, BoxError> {
    let info = vk::MemoryAllocateInfo::default()
        .allocation_size(needs.size)
        .memory_type_index(device.memory_type(needs.memory_type_bits, flags)?);
    // SAFETY: the info has no chain.
    Ok(unsafe { device.raw().allocate_memory(&info, None) }?)
}
