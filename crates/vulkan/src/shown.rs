//! What shaders see of an image: the raw codes of layer 0.

use std::sync::Arc;

use ash::vk;

use crate::error::Doing;
use crate::pipeline::{Set, SetLayout};
use crate::{Device, Error, PixelFormat};

/// What shaders read.
pub(crate) struct Shown {
    // Destroyed in this order.
    pub(crate) set: Set,
    _view: View,
}

/// A `VkImageView`.
struct View {
    device: Arc<Device>,
    raw: vk::ImageView,
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: a recording that uses the view keeps its image until its submission is done.
        unsafe { self.device.raw().destroy_image_view(self.raw, None) };
    }
}

impl Shown {
    pub(crate) fn new(
        device: &Arc<Device>,
        image: vk::Image,
        format: PixelFormat,
    ) -> Result<Self, Error> {
        let info = vk::ImageViewCreateInfo::default()
            .image(image)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(format.raw())
            .subresource_range(whole());
        // SAFETY: the image is bound, and `UnboundImage` checked that it takes the format.
        let raw = unsafe { device.raw().create_image_view(&info, None) }.doing("view an image")?;
        let view = View { device: Arc::clone(device), raw };
        let set = Set::new(device, SetLayout::Picture, device.picture_layout())?;
        let picture = [vk::DescriptorImageInfo::default()
            .image_view(view.raw)
            .image_layout(vk::ImageLayout::GENERAL)];
        set.write(&[vk::WriteDescriptorSet::default()
            .dst_set(set.raw())
            .descriptor_type(vk::DescriptorType::SAMPLED_IMAGE)
            .image_info(&picture)]);
        Ok(Self { set, _view: view })
    }
}

/// Layer 0 of the picture.
pub(crate) fn whole() -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange::default()
        .aspect_mask(vk::ImageAspectFlags::COLOR)
        .level_count(1)
        .layer_count(1)
}
