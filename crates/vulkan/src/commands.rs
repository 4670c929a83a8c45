//! What recordings do: dispatches and copies.

use std::sync::Arc;

use ash::vk;

use crate::shown::whole;
use crate::{Bindings, Buffer, ComputePipeline, Error, Image, Recording};

impl Recording {
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

    /// Fills a picture of ours, of one plane, with a colour: R, G, B and alpha from 0 to 1.
    pub fn fill(&mut self, image: &Arc<Image>, color: [f32; 4]) {
        image.discard(self.commands());
        let (device, commands) = (self.device().raw(), self.commands());
        let (color, layout) = (vk::ClearColorValue { float32: color }, vk::ImageLayout::GENERAL);
        for (to, _) in image.copy_regions(&image.tight().0) {
            let all = [whole()];
            // SAFETY: recording, on a queue for compute or graphics (`vkCmdClearColorImage`); the image
            // is in layout GENERAL since `discard`, and kept below.
            unsafe { device.cmd_clear_color_image(commands, to, layout, &color, &all) };
        }
        self.slot_mut().images.push(Arc::clone(image));
    }
}
