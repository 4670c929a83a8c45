//! What shaders see of a picture: the raw codes of layer 0, plane by plane.

use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;

use crate::error::Doing;
use crate::pipeline::{SEEN, Set, SetLayout, Sight};
use crate::{Buffer, Device, Error};

/// What shaders read.
pub(crate) struct Shown {
    // Destroyed in this order.
    pub(crate) set: Set,
    pub(crate) sight: Sight,
    _views: ArrayVec<View, SEEN>,
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

/// One plane of an image.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) image: vk::Image,
    /// `COLOR`, or a plane of a multi-planar image.
    pub(crate) aspect: vk::ImageAspectFlags,
}

impl Shown {
    /// The planes of bound images that take the formats, up to three, as codes or as words.
    pub(crate) fn images(
        device: &Arc<Device>,
        sight: Sight,
        planes: impl Iterator<Item = (Part, vk::Format)>,
    ) -> Result<Self, Error> {
        let views: ArrayVec<_, SEEN> = planes
            .take(SEEN)
            .map(|(part, format)| View::new(device, part, format))
            .collect::<Result<_, _>>()?;
        let set = set(device, sight)?;
        let infos = views.iter().map(|view| {
            vk::DescriptorImageInfo::default()
                .image_view(view.raw)
                .image_layout(vk::ImageLayout::GENERAL)
        });
        let infos = repeat_last(infos);
        set.write(&[vk::WriteDescriptorSet::default()
            .dst_set(set.raw())
            .descriptor_type(vk::DescriptorType::SAMPLED_IMAGE)
            .image_info(&infos)]);
        Ok(Self { set, sight, _views: views })
    }

    /// The buffers that the planes lie in, up to three. The caller keeps them.
    pub(crate) fn buffers<'a>(
        device: &Arc<Device>,
        planes: impl Iterator<Item = &'a Arc<Buffer>>,
    ) -> Result<Self, Error> {
        let set = set(device, Sight::Buffers)?;
        let infos = planes.map(|buffer| {
            vk::DescriptorBufferInfo::default().buffer(buffer.raw()).range(vk::WHOLE_SIZE)
        });
        let infos = repeat_last(infos);
        set.write(&[vk::WriteDescriptorSet::default()
            .dst_set(set.raw())
            .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
            .buffer_info(&infos)]);
        Ok(Self { set, sight: Sight::Buffers, _views: ArrayVec::new() })
    }
}

impl View {
    fn new(device: &Arc<Device>, part: Part, format: vk::Format) -> Result<Self, Error> {
        // What the image is used for elsewhere, this format may not be.
        let mut usage = vk::ImageViewUsageCreateInfo::default().usage(vk::ImageUsageFlags::SAMPLED);
        let info = vk::ImageViewCreateInfo::default()
            .image(part.image)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(format)
            .subresource_range(whole().aspect_mask(part.aspect))
            .push_next(&mut usage);
        // SAFETY: the image is bound, and its maker checked that it takes the format.
        let raw = unsafe { device.raw().create_image_view(&info, None) }.doing("view an image")?;
        Ok(Self { device: Arc::clone(device), raw })
    }
}

fn set(device: &Arc<Device>, sight: Sight) -> Result<Set, Error> {
    Set::new(device, SetLayout::Picture(sight), device.picture_layout(sight))
}

/// One entry for each binding. Consecutive bindings are written as one array (VkWriteDescriptorSet,
/// "consecutive binding updates").
fn repeat_last<T: Clone>(infos: impl Iterator<Item = T>) -> ArrayVec<T, SEEN> {
    let mut infos: ArrayVec<T, SEEN> = infos.take(SEEN).collect();
    while let (false, Some(last)) = (infos.is_full(), infos.last().cloned()) {
        infos.push(last);
    }
    infos
}

/// Layer 0 of the picture.
pub(crate) fn whole() -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange::default()
        .aspect_mask(vk::ImageAspectFlags::COLOR)
        .level_count(1)
        .layer_count(1)
}
