//! One image, as a look sees it.

use std::sync::Arc;

use ash::vk;
use vk::{AccessFlags as A, PipelineStageFlags as S};
use zerohop_layer::{Doing, LayerError};

use super::Looker;

/// A view of an image, and the set that binds it. The image outlives it, and whoever has submitted
/// a look at it waits for that first.
pub struct Sight {
    looker: Arc<Looker>,
    index: usize,
    view: vk::ImageView,
    pool: vk::DescriptorPool,
    set: vk::DescriptorSet,
}

impl Sight {
    /// Of `image`, which is image number `index` for the `looker`; it has `SAMPLED` usage and can be
    /// viewed as the looker asks.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub fn new(looker: &Arc<Looker>, image: vk::Image, index: usize) -> Result<Self, LayerError> {
        // What is made is freed by `drop`, also when a later step fails.
        let mut new = Self {
            looker: Arc::clone(looker),
            index,
            view: vk::ImageView::null(),
            pool: vk::DescriptorPool::null(),
            set: vk::DescriptorSet::null(),
        };
        new.view(image)?;
        new.bind()?;
        Ok(new)
    }

    /// Whose it is.
    pub fn looker(&self) -> &Arc<Looker> {
        &self.looker
    }

    /// Records a look at the image, which is in layout `GENERAL` and can be read by compute shaders.
    /// On one queue the next look sees what this one has, and after a fence so does the CPU.
    pub fn record(&self, commands: vk::CommandBuffer) {
        let (looker, raw) = (&*self.looker, &self.looker.raw);
        let point = vk::PipelineBindPoint::COMPUTE;
        remember(raw, commands, S::COMPUTE_SHADER, A::SHADER_READ | A::SHADER_WRITE);
        // SAFETY: the buffer is being recorded, and the pipeline outlives it.
        unsafe { raw.cmd_bind_pipeline(commands, point, looker.pipeline) };
        // SAFETY: as above; the set is of this layout.
        unsafe {
            raw.cmd_bind_descriptor_sets(commands, point, looker.layout, 0, &[self.set], &[]);
        }
        let [across, down] = looker.blocks();
        // SAFETY: as above. 65535 groups are allowed, and no image has as many blocks.
        unsafe { raw.cmd_dispatch(commands, across, down, 1) };
        remember(raw, commands, S::HOST, A::HOST_READ);
    }

    fn view(&mut self, image: vk::Image) -> Result<(), LayerError> {
        let range = vk::ImageSubresourceRange {
            aspect_mask: vk::ImageAspectFlags::COLOR,
            level_count: 1,
            layer_count: 1,
            ..Default::default()
        };
        // The format of the view need not do all that the image is used for.
        let mut usage = vk::ImageViewUsageCreateInfo::default().usage(vk::ImageUsageFlags::SAMPLED);
        let info = vk::ImageViewCreateInfo::default()
            .image(image)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(self.looker.view)
            .subresource_range(range)
            .push_next(&mut usage);
        // SAFETY: the caller's promise about the image.
        let view = unsafe { self.looker.raw.create_image_view(&info, None) };
        self.view = view.doing("view a swapchain image")?;
        Ok(())
    }

    fn bind(&mut self) -> Result<(), LayerError> {
        let raw = &self.looker.raw;
        let size = |ty, descriptor_count| vk::DescriptorPoolSize { ty, descriptor_count };
        let (image, buffer) =
            (vk::DescriptorType::SAMPLED_IMAGE, vk::DescriptorType::STORAGE_BUFFER);
        let sizes = [size(image, 1), size(buffer, 3)];
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
        // SAFETY: the info points to locals.
        let pool = unsafe { raw.create_descriptor_pool(&info, None) };
        self.pool = pool.doing("create a descriptor pool")?;
        let layouts = [self.looker.set_layout];
        let info = vk::DescriptorSetAllocateInfo::default()
            .descriptor_pool(self.pool)
            .set_layouts(&layouts);
        // SAFETY: the pool has room for this one set, and is ours alone.
        let sets = unsafe { raw.allocate_descriptor_sets(&info) };
        self.set = sets.doing("allocate a descriptor set")?[0];
        let images = [vk::DescriptorImageInfo::default()
            .image_view(self.view)
            .image_layout(vk::ImageLayout::GENERAL)];
        let buffers = self.looker.bindings(self.index);
        let write = vk::WriteDescriptorSet::default().dst_set(self.set);
        let writes = [
            write.descriptor_type(image).image_info(&images),
            write.dst_binding(1).descriptor_type(buffer).buffer_info(&buffers[..1]),
            write.dst_binding(2).descriptor_type(buffer).buffer_info(&buffers[1..2]),
            write.dst_binding(3).descriptor_type(buffer).buffer_info(&buffers[2..]),
        ];
        // SAFETY: the set is new, and what is written lives as long.
        unsafe { raw.update_descriptor_sets(&writes, &[]) };
        Ok(())
    }
}

/// A barrier after what shaders have written.
fn remember(raw: &ash::Device, commands: vk::CommandBuffer, to: S, access: A) {
    let barrier =
        vk::MemoryBarrier::default().src_access_mask(A::SHADER_WRITE).dst_access_mask(access);
    let (from, none) = (S::COMPUTE_SHADER, vk::DependencyFlags::empty());
    // SAFETY: the buffer is being recorded.
    unsafe { raw.cmd_pipeline_barrier(commands, from, to, none, &[barrier], &[], &[]) };
}

impl Drop for Sight {
    fn drop(&mut self) {
        let raw = &self.looker.raw;
        // SAFETY: no look at it is pending (see the type); null is allowed, and the set goes along.
        unsafe { raw.destroy_descriptor_pool(self.pool, None) };
        // SAFETY: as above.
        unsafe { raw.destroy_image_view(self.view, None) };
    }
}
