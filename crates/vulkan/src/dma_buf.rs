//! Images over dma-bufs, by explicit DRM modifier.

use std::os::fd::AsFd;
use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier};

use crate::error::Doing;
use crate::memory::Dedicated;
use crate::unbound::{Bound, UnboundImage, create_info, supported};
use crate::{Device, Error, Memory, PixelFormat};

/// The planes of a modifier, in order.
const ASPECTS: [vk::ImageAspectFlags; MAX_PLANES] = [
    vk::ImageAspectFlags::MEMORY_PLANE_0_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_1_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_2_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_3_EXT,
];

/// An image to be made over dma-bufs.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// `VkFormat` of the image.
    pub(crate) format: vk::Format,
    /// The formats of the views of its planes, where they have other ones than the image.
    pub(crate) views: ArrayVec<vk::Format, MAX_PLANES>,
    /// What it is for.
    pub(crate) usage: vk::ImageUsageFlags,
    /// Whether each memory plane is bound by itself.
    pub(crate) disjoint: bool,
}

impl Wanted {
    /// What `vkCreateImage` is told of the format's views: the image's own one, too.
    fn list(&self) -> ArrayVec<vk::Format, { MAX_PLANES + 1 }> {
        let mut list = ArrayVec::from_iter([self.format]);
        for view in &self.views {
            if !list.contains(view) {
                list.push(*view);
            }
        }
        list
    }

    fn flags(&self) -> vk::ImageCreateFlags {
        let mut flags = vk::ImageCreateFlags::empty();
        if self.disjoint {
            flags |= vk::ImageCreateFlags::DISJOINT;
        }
        if !self.views.is_empty() {
            flags |= vk::ImageCreateFlags::MUTABLE_FORMAT;
        }
        flags
    }
}

/// The image that `descriptor` lays out in `handles`.
pub(crate) fn import(
    device: &Arc<Device>,
    descriptor: &FrameDescriptor,
    wanted: &Wanted,
    handles: &[MemoryHandle],
) -> Result<Bound, Error> {
    if !device.has_modifiers() {
        return Err(Error::Missing("VK_EXT_image_drm_format_modifier"));
    }
    if !wanted.disjoint && !in_one_object(descriptor, handles)? {
        return Err(Error::Unsupported("planes in several memory objects as one"));
    }
    check_modifier(device, descriptor, wanted)?;
    let image = create(device, descriptor, wanted)?;
    if wanted.disjoint {
        return bind_planes(image, descriptor, handles);
    }
    let needs = image.requirements();
    // Memory that is read in place is imported whole, which an image's own may not be: llvmpipe
    // does not count the bytes before the first plane.
    let alone = image.dedicated(!device.is_cpu());
    let fd = handles[descriptor.planes[0].object].as_fd();
    let memory = Memory::import_dma_buf(device, fd, needs, alone)?;
    image.bind(memory)
}

/// Whether all planes lie in the same kernel object, by whichever descriptor.
fn in_one_object(descriptor: &FrameDescriptor, handles: &[MemoryHandle]) -> Result<bool, Error> {
    let mut inodes = descriptor.planes.iter().map(|plane| {
        rustix::fs::fstat(handles[plane.object].as_fd())
            .map(|stat| (stat.st_dev, stat.st_ino))
            .doing("look at a dma-buf")
    });
    let Some(first) = inodes.next().transpose()? else { return Ok(true) };
    for inode in inodes {
        if inode? != first {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the device does with the descriptor's modifier what is wanted.
fn check_modifier(
    device: &Device,
    descriptor: &FrameDescriptor,
    wanted: &Wanted,
) -> Result<(), Error> {
    let modifier = descriptor.modifier.0;
    let found = properties(device, wanted.format, modifier)?;
    let format = wanted.format.as_raw();
    let (needed, found_planes) =
        (found.drm_format_modifier_plane_count as usize, descriptor.planes.len());
    if needed != found_planes {
        return Err(Error::MemoryPlanes { modifier, format, needed, found: found_planes });
    }
    let features = found.drm_format_modifier_tiling_features;
    let lacks = |feature| Err(Error::Feature { format, modifier, feature });
    if wanted.disjoint && device.quirks().confuses_memory_planes {
        return Err(Error::Unsupported("disjoint images with this driver, which confuses planes"));
    }
    if wanted.disjoint && !features.contains(vk::FormatFeatureFlags::DISJOINT) {
        return lacks("DISJOINT");
    }
    let sampled = vk::FormatFeatureFlags::SAMPLED_IMAGE;
    if !wanted.usage.contains(vk::ImageUsageFlags::SAMPLED) {
        return Ok(());
    }
    if !features.contains(sampled) {
        return lacks("SAMPLED_IMAGE");
    }
    for view in &wanted.views {
        let features = properties(device, *view, modifier)?.drm_format_modifier_tiling_features;
        if !features.contains(sampled) {
            let format = view.as_raw();
            return Err(Error::Feature { format, modifier, feature: "SAMPLED_IMAGE" });
        }
    }
    Ok(())
}

/// What the device says about one modifier of `format`.
fn properties(
    device: &Device,
    format: vk::Format,
    modifier: u64,
) -> Result<vk::DrmFormatModifierPropertiesEXT, Error> {
    let list = modifiers(device, format);
    let found = list.iter().find(|one| one.drm_format_modifier == modifier).copied();
    found.ok_or_else(|| {
        let known: Vec<_> =
            list.iter().map(|one| format!("{:#x}", one.drm_format_modifier)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::Modifier { modifier, format: format.as_raw(), known }
    })
}

/// Every modifier that the device knows for `format`.
fn modifiers(device: &Device, format: vk::Format) -> Vec<vk::DrmFormatModifierPropertiesEXT> {
    let (instance, physical) = (device.instance(), device.physical().raw);
    let query = |list: &mut vk::DrmFormatModifierPropertiesListEXT<'_>| {
        let mut all = vk::FormatProperties2::default().push_next(list);
        // SAFETY: `physical` is of this instance; the list is empty or as long as it says.
        unsafe { instance.get_physical_device_format_properties2(physical, format, &mut all) };
    };
    let mut list = vk::DrmFormatModifierPropertiesListEXT::default();
    query(&mut list);
    let count = list.drm_format_modifier_count as usize;
    let mut found = vec![vk::DrmFormatModifierPropertiesEXT::default(); count];
    let mut list = vk::DrmFormatModifierPropertiesListEXT::default()
        .drm_format_modifier_properties(&mut found);
    query(&mut list);
    found
}

impl Device {
    /// Whether it knows `modifier` for `format`, with one plane in memory.
    pub(crate) fn takes_modifier(&self, format: vk::Format, modifier: Modifier) -> bool {
        let known = |one: &vk::DrmFormatModifierPropertiesEXT| {
            (one.drm_format_modifier, one.drm_format_modifier_plane_count) == (modifier.0, 1)
        };
        self.capabilities().modifiers && modifiers(self, format).iter().any(known)
    }

    /// The modifiers with which a dma-buf of these pixels can be read by shaders.
    pub fn modifiers(&self, pixels: PixelFormat) -> Vec<Modifier> {
        if self.has_modifiers() { self.tilings(pixels) } else { Vec::new() }
    }

    /// The modifiers by which images of these pixels can be tiled that shaders read: also where no
    /// dma-buf comes in, and they are opaque memory.
    pub fn tilings(&self, pixels: PixelFormat) -> Vec<Modifier> {
        if !self.capabilities().modifiers {
            return Vec::new();
        }
        let sampled = vk::FormatFeatureFlags::SAMPLED_IMAGE;
        modifiers(self, pixels.raw())
            .iter()
            .filter(|one| one.drm_format_modifier_tiling_features.contains(sampled))
            .map(|one| Modifier(one.drm_format_modifier))
            .collect()
    }
}

fn create(
    device: &Arc<Device>,
    descriptor: &FrameDescriptor,
    wanted: &Wanted,
) -> Result<UnboundImage, Error> {
    let layouts: ArrayVec<_, MAX_PLANES> = descriptor
        .planes
        .iter()
        .map(|plane| {
            // `size` must be 0 (VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-size-02267).
            vk::SubresourceLayout::default()
                .offset(plane.offset.into())
                .row_pitch(plane.stride.into())
        })
        .collect();
    let mut modifier = vk::ImageDrmFormatModifierExplicitCreateInfoEXT::default()
        .drm_format_modifier(descriptor.modifier.0)
        .plane_layouts(&layouts);
    let mut external = vk::ExternalMemoryImageCreateInfo::default()
        .handle_types(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
    let views = wanted.list();
    let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&views);
    let mut info = create_info(descriptor.extent, wanted.format)
        .flags(wanted.flags())
        .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
        .usage(wanted.usage);
    check_support(device, &info, descriptor, &views)?;
    info = info.push_next(&mut external).push_next(&mut modifier).push_next(&mut list);
    let linear = descriptor.modifier == Modifier::LINEAR;
    let rows = if linear { layouts.clone() } else { ArrayVec::new() };
    Ok(UnboundImage::create(device, &info)?.with_rows(rows))
}

/// Asks the device whether it takes such an image, and its memory as a dma-buf.
fn check_support(
    device: &Device,
    info: &vk::ImageCreateInfo<'_>,
    descriptor: &FrameDescriptor,
    views: &[vk::Format],
) -> Result<(), Error> {
    let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default()
        .handle_type(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
    let mut modifier = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
        .drm_format_modifier(descriptor.modifier.0)
        .sharing_mode(vk::SharingMode::EXCLUSIVE);
    let mut list = vk::ImageFormatListCreateInfo::default().view_formats(views);
    let query = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(info.format)
        .ty(info.image_type)
        .tiling(info.tiling)
        .usage(info.usage)
        .flags(info.flags)
        .push_next(&mut external)
        .push_next(&mut modifier)
        .push_next(&mut list);
    let limits = supported(device, &query).map(|limits| limits.max_extent);
    let fits = limits.is_some_and(|max| {
        descriptor.extent.width <= max.width && descriptor.extent.height <= max.height
    });
    let refused = Error::NotImportable {
        what: "a dma-buf",
        format: info.format.as_raw(),
        tiling: info.tiling.as_raw(),
        usage: info.usage.as_raw(),
    };
    if fits { Ok(()) } else { Err(refused) }
}

/// Gives each plane of a disjoint image its memory.
fn bind_planes(
    image: UnboundImage,
    descriptor: &FrameDescriptor,
    handles: &[MemoryHandle],
) -> Result<Bound, Error> {
    let device = Arc::clone(image.device());
    let mut memory = ArrayVec::<_, MAX_PLANES>::new();
    for (plane, aspect) in descriptor.planes.iter().zip(ASPECTS) {
        let needs = plane_requirements(&device, &image, aspect);
        let fd = handles[plane.object].as_fd();
        memory.push(Memory::import_dma_buf(&device, fd, needs, Dedicated::No)?);
    }
    let mut planes: ArrayVec<_, MAX_PLANES> = ASPECTS
        .iter()
        .map(|&aspect| vk::BindImagePlaneMemoryInfo::default().plane_aspect(aspect))
        .collect();
    let infos: ArrayVec<_, MAX_PLANES> = memory
        .iter()
        .zip(&mut planes)
        .map(|(memory, plane)| {
            vk::BindImageMemoryInfo::default()
                .image(image.raw())
                .memory(memory.raw())
                .push_next(plane)
        })
        .collect();
    // SAFETY: the image is disjoint and has no memory yet; each plane gets what it asked for.
    unsafe { device.raw().bind_image_memory2(&infos) }.doing("bind memory by plane")?;
    Ok(Bound { image, memory })
}

fn plane_requirements(
    device: &Device,
    image: &UnboundImage,
    aspect: vk::ImageAspectFlags,
) -> vk::MemoryRequirements {
    let mut plane = vk::ImagePlaneMemoryRequirementsInfo::default().plane_aspect(aspect);
    let info = vk::ImageMemoryRequirementsInfo2::default().image(image.raw()).push_next(&mut plane);
    let mut needs = vk::MemoryRequirements2::default();
    // SAFETY: the image is disjoint and has this plane.
    unsafe { device.raw().get_image_memory_requirements2(&info, &mut needs) };
    needs.memory_requirements
}
