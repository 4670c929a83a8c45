//! How images pass between us and their makers: always in layout `GENERAL`, owned by a queue family
//! outside of the device while they are not ours (`zerohop_frame`, "Handover state").

use ash::vk;

use crate::Image;
use crate::shown::whole;

impl Image {
    /// Takes the image from its maker, for shaders and copies to read.
    pub(crate) fn acquire(&self, device: &ash::Device, commands: vk::CommandBuffer) {
        if let Some(host) = &self.upload {
            host.send();
            self.discard(device, commands);
            let (offset, row) = self.upload_at;
            let region = self.copy_region(row).buffer_offset(offset);
            let (buffer, layout) = (host.buffer().raw(), vk::ImageLayout::GENERAL);
            let regions = [region];
            // SAFETY: recording; `discard` made the layout, and the image keeps both.
            unsafe {
                device.cmd_copy_buffer_to_image(commands, buffer, self.raw(), layout, &regions);
            }
        }
        let (written, old) = match self.upload {
            Some(_) => (vk::AccessFlags::TRANSFER_WRITE, None),
            None => (vk::AccessFlags::empty(), Some(self.owner)),
        };
        let barrier = self.change(written, reads(), old.map(|old| (old, self.family())));
        record(device, commands, &barrier);
    }

    /// Gives the image back to its maker.
    pub(crate) fn release(&self, device: &ash::Device, commands: vk::CommandBuffer) {
        if self.upload.is_some() {
            return;
        }
        let families = Some((self.family(), self.owner));
        let (before, after) = (vk::AccessFlags::TRANSFER_WRITE, vk::AccessFlags::empty());
        record(device, commands, &self.change(before, after, families));
    }

    /// Forgets the content, to be written by a copy.
    pub(crate) fn discard(&self, device: &ash::Device, commands: vk::CommandBuffer) {
        let none = vk::AccessFlags::empty();
        let barrier = self
            .change(none, vk::AccessFlags::TRANSFER_WRITE, None)
            .old_layout(vk::ImageLayout::UNDEFINED);
        record(device, commands, &barrier);
    }

    fn change(
        &self,
        before: vk::AccessFlags,
        after: vk::AccessFlags,
        families: Option<(u32, u32)>,
    ) -> vk::ImageMemoryBarrier<'static> {
        let ignored = (vk::QUEUE_FAMILY_IGNORED, vk::QUEUE_FAMILY_IGNORED);
        let (from, to) = families.unwrap_or(ignored);
        vk::ImageMemoryBarrier::default()
            .src_access_mask(before)
            .dst_access_mask(after)
            .old_layout(vk::ImageLayout::GENERAL)
            .new_layout(vk::ImageLayout::GENERAL)
            .src_queue_family_index(from)
            .dst_queue_family_index(to)
            .image(self.raw())
            .subresource_range(whole())
    }

    /// Who owns it here: nobody, where all that use it share it (VUID-…-image-09117).
    fn family(&self) -> u32 {
        if self.is_shared() { vk::QUEUE_FAMILY_IGNORED } else { self.device().family() }
    }
}

fn reads() -> vk::AccessFlags {
    vk::AccessFlags::SHADER_READ | vk::AccessFlags::TRANSFER_READ
}

fn record(device: &ash::Device, commands: vk::CommandBuffer, barrier: &vk::ImageMemoryBarrier<'_>) {
    let all = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
    let (none, barriers) = (vk::DependencyFlags::empty(), [*barrier]);
    // SAFETY: the command buffer is recording, and its owner keeps the image.
    unsafe { device.cmd_pipeline_barrier(commands, all, all, none, &[], &[], &barriers) };
}
