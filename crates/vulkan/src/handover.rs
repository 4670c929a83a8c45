//! How pictures pass between us and their makers: images always in layout `GENERAL`, owned by a queue
//! family outside of the device while they are not ours (`zerohop_frame`, "Handover state").

use ash::vk;

use crate::body::{Body, Copied, Upload};
use crate::lines::Lines;
use crate::shown::whole;
use crate::{Device, Error, Image, Place};

const NONE: vk::AccessFlags = vk::AccessFlags::empty();
const WRITE: vk::AccessFlags = vk::AccessFlags::TRANSFER_WRITE;
const READ: vk::AccessFlags = vk::AccessFlags::from_raw(
    vk::AccessFlags::SHADER_READ.as_raw() | vk::AccessFlags::TRANSFER_READ.as_raw(),
);

impl Image {
    /// The CPU's part in taking a picture from its maker, which is complete: for each picture anew,
    /// before the commands of [`acquire`](Self::acquire) run.
    pub(crate) fn send(&self) -> Result<(), Error> {
        match &self.body {
            Body::Images(_) | Body::Copied(..) => Ok(()),
            Body::Buffers(objects) => objects.lines.iter().try_for_each(Lines::send),
            Body::Upload(_, upload) => upload.lines.send(),
        }
    }

    /// Takes the picture from its maker, for shaders and copies to read. Only records commands: they
    /// may run for one picture after another.
    pub(crate) fn acquire(&self, commands: vk::CommandBuffer) {
        let ours = Some((self.owner(), self.family()));
        match &self.body {
            Body::Images(_) => self.change(commands, (NONE, READ), ours),
            Body::Buffers(objects) => {
                objects.lines.iter().for_each(|lines| lines.acquire(commands));
            }
            Body::Upload(_, upload) => self.upload(commands, upload),
            Body::Copied(_, copied) => {
                self.change(commands, (NONE, READ), ours);
                self.copy_to(commands, copied);
            }
        }
    }

    /// Gives the picture back to its maker.
    pub(crate) fn release(&self, commands: vk::CommandBuffer) {
        let theirs = Some((self.family(), self.owner()));
        match &self.body {
            Body::Images(_) => self.change(commands, (WRITE, NONE), theirs),
            Body::Copied(..) => self.change(commands, (NONE, NONE), theirs),
            Body::Buffers(objects) => {
                objects.lines.iter().for_each(|lines| lines.release(commands));
            }
            Body::Upload(_, upload) => upload.lines.release(commands),
        }
    }

    /// Copies the memory to the image.
    fn upload(&self, commands: vk::CommandBuffer, upload: &Upload) {
        let device = self.device();
        upload.lines.acquire(commands);
        self.discard(commands);
        let place = Place { offset: upload.layout.offset, stride: upload.layout.stride };
        let (buffer, layout) = (upload.lines.buffer().raw(), vk::ImageLayout::GENERAL);
        for (image, region) in self.copy_regions(&[place]) {
            let (raw, regions) = (device.raw(), [region]);
            // SAFETY: recording; `discard` made the layout, and the picture keeps both.
            unsafe { raw.cmd_copy_buffer_to_image(commands, buffer, image, layout, &regions) };
        }
        self.change(commands, (WRITE, READ), None);
    }

    /// Copies the images to linear memory.
    fn copy_to(&self, commands: vk::CommandBuffer, copied: &Copied) {
        let (raw, buffer) = (self.device().raw(), copied.buffer.raw());
        // What was read of the last picture is not overwritten before.
        memory_barrier(self.device(), commands, NONE, WRITE);
        for (image, region) in self.copy_regions(&copied.places) {
            let (layout, regions) = (vk::ImageLayout::GENERAL, [region]);
            // SAFETY: recording; the image was acquired, and the picture keeps both.
            unsafe { raw.cmd_copy_image_to_buffer(commands, image, layout, buffer, &regions) };
        }
        memory_barrier(self.device(), commands, WRITE, READ);
    }

    /// Forgets the content, to be written by a copy.
    pub(crate) fn discard(&self, commands: vk::CommandBuffer) {
        let undefined = vk::ImageLayout::UNDEFINED;
        self.barriers(commands, (READ, WRITE), None, undefined);
    }

    fn change(
        &self,
        commands: vk::CommandBuffer,
        access: (vk::AccessFlags, vk::AccessFlags),
        families: Option<(u32, u32)>,
    ) {
        self.barriers(commands, access, families, vk::ImageLayout::GENERAL);
    }

    fn barriers(
        &self,
        commands: vk::CommandBuffer,
        (before, after): (vk::AccessFlags, vk::AccessFlags),
        families: Option<(u32, u32)>,
        old: vk::ImageLayout,
    ) {
        let ignored = (vk::QUEUE_FAMILY_IGNORED, vk::QUEUE_FAMILY_IGNORED);
        let (from, to) = families.unwrap_or(ignored);
        let barrier = |image| {
            vk::ImageMemoryBarrier::default()
                .src_access_mask(before)
                .dst_access_mask(after)
                .old_layout(old)
                .new_layout(vk::ImageLayout::GENERAL)
                .src_queue_family_index(from)
                .dst_queue_family_index(to)
                .image(image)
                .subresource_range(whole())
        };
        let all: Vec<_> =
            self.body.images().iter().map(|bound| barrier(bound.image.raw())).collect();
        let stages = stages();
        let (raw, none) = (self.device().raw(), vk::DependencyFlags::empty());
        // SAFETY: the command buffer is recording, and its owner keeps the images.
        unsafe { raw.cmd_pipeline_barrier(commands, stages, stages, none, &[], &[], &all) };
    }

    /// Who owns it here: nobody, where all that use it share it (VUID-…-image-09117).
    fn family(&self) -> u32 {
        if self.is_shared() { vk::QUEUE_FAMILY_IGNORED } else { self.device().family() }
    }
}

fn stages() -> vk::PipelineStageFlags {
    vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER
}

fn memory_barrier(
    device: &Device,
    commands: vk::CommandBuffer,
    before: vk::AccessFlags,
    after: vk::AccessFlags,
) {
    let barrier = [vk::MemoryBarrier::default().src_access_mask(before).dst_access_mask(after)];
    let (stages, none) = (stages(), vk::DependencyFlags::empty());
    // SAFETY: the command buffer is recording.
    unsafe {
        device.raw().cmd_pipeline_barrier(commands, stages, stages, none, &barrier, &[], &[]);
    }
}
