//! Images with the modifier `LINEAR`, and memory that leaves or comes in.

use std::os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::sync::Arc;

use ash::{khr, vk};
use zerohop_frame::Extent;
use zerohop_testkit::Layout;
use zerohop_testkit::pattern::Scene;
use zerohop_testkit::rig::Device;

/// The handle type of everything here.
pub(crate) const DMA_BUF: vk::ExternalMemoryHandleTypeFlags =
    vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;

/// The memory planes, by number.
pub(crate) const PLANES: [vk::ImageAspectFlags; 2] =
    [vk::ImageAspectFlags::MEMORY_PLANE_0_EXT, vk::ImageAspectFlags::MEMORY_PLANE_1_EXT];

/// What the image is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// One of these modifiers.
    List(&'a [u64]),
    /// This modifier, and planes here.
    Explicit(u64, &'a [vk::SubresourceLayout]),
}

/// An image and its memory.
pub(crate) struct Picture {
    pub(crate) device: Arc<Device>,
    pub(crate) image: vk::Image,
    pub(crate) memory: vk::DeviceMemory,
    /// Bytes of the memory.
    pub(crate) size: u64,
}

impl Picture {
    /// An image without memory.
    pub(crate) fn new(
        device: &Arc<Device>,
        format: vk::Format,
        extent: Extent,
        asked: Asked<'_>,
    ) -> Result<Self, vk::Result> {
        let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(DMA_BUF);
        let mut list = vk::ImageDrmFormatModifierListCreateInfoEXT::default();
        let mut explicit = vk::ImageDrmFormatModifierExplicitCreateInfoEXT::default();
        let mut info = info(format, extent).push_next(&mut external);
        match asked {
            Asked::List(modifiers) => {
                list = list.drm_format_modifiers(modifiers);
                info = info.push_next(&mut list);
            }
            Asked::Explicit(modifier, planes) => {
                explicit = explicit.drm_format_modifier(modifier).plane_layouts(planes);
                info = info.push_next(&mut explicit);
            }
        }
        // SAFETY: the chain is of locals.
        let image = unsafe { device.raw().create_image(&info, None) }?;
        let memory = vk::DeviceMemory::null();
        Ok(Self { device: Arc::clone(device), image, memory, size: 0 })
    }

    /// Its needs.
    pub(crate) fn needs(&self) -> vk::MemoryRequirements {
        // SAFETY: the image is alive and not disjoint.
        unsafe { self.device.raw().get_image_memory_requirements(self.image) }
    }

    /// Memory of its own, dedicated and to be exported.
    pub(crate) fn allocate(self) -> Result<Self, vk::Result> {
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(DMA_BUF);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(self.image);
        let info = vk::MemoryAllocateInfo::default().push_next(&mut export);
        let needs = self.needs();
        self.bind(info.push_next(&mut dedicated).allocation_size(needs.size), needs)
    }

    /// Memory that comes in, and may leave again. The descriptor is given up when that works, and
    /// only then.
    pub(crate) fn import(self, fd: OwnedFd) -> Result<Self, (vk::Result, OwnedFd)> {
        let needs = self.needs();
        let mut import =
            vk::ImportMemoryFdInfoKHR::default().handle_type(DMA_BUF).fd(fd.as_raw_fd());
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(DMA_BUF);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(self.image);
        let info = vk::MemoryAllocateInfo::default()
            .push_next(&mut import)
            .push_next(&mut export)
            .push_next(&mut dedicated)
            .allocation_size(needs.size);
        match self.bind(info, needs) {
            Ok(made) => {
                let _ = fd.into_raw_fd();
                Ok(made)
            }
            Err(code) => Err((code, fd)),
        }
    }

    fn bind(
        mut self,
        info: vk::MemoryAllocateInfo<'_>,
        needs: vk::MemoryRequirements,
    ) -> Result<Self, vk::Result> {
        let info = info.memory_type_index(needs.memory_type_bits.trailing_zeros());
        let raw = self.device.raw();
        // SAFETY: the chain is the caller's.
        self.memory = unsafe { raw.allocate_memory(&info, None) }?;
        self.size = info.allocation_size;
        // SAFETY: the image has no memory yet, and the memory was made for it.
        unsafe { raw.bind_image_memory(self.image, self.memory, 0) }?;
        Ok(self)
    }

    /// A descriptor of the memory.
    pub(crate) fn export(&self) -> Result<OwnedFd, vk::Result> {
        let info = vk::MemoryGetFdInfoKHR::default().memory(self.memory).handle_type(DMA_BUF);
        let calls =
            khr::external_memory_fd::Device::new(self.device.instance().raw(), self.device.raw());
        // SAFETY: the memory was allocated to be exported.
        let fd = unsafe { calls.get_memory_fd(&info) }?;
        // SAFETY: a successful call gives a new descriptor.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Where memory plane `index` lies.
    pub(crate) fn layout(&self, index: usize) -> vk::SubresourceLayout {
        let part = vk::ImageSubresource::default().aspect_mask(PLANES[index]);
        // SAFETY: the image has a modifier and so many planes.
        unsafe { self.device.raw().get_image_subresource_layout(self.image, part) }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: nothing uses it.
        unsafe { self.device.raw().destroy_image(self.image, None) };
        // SAFETY: the image is gone; null is allowed.
        unsafe { self.device.raw().free_memory(self.memory, None) };
    }
}

/// What all images here have in common.
pub(crate) fn info(format: vk::Format, extent: Extent) -> vk::ImageCreateInfo<'static> {
    let Extent { width, height } = extent;
    vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(format)
        .extent(vk::Extent3D { width, height, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
        .usage(vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST)
}

/// The pattern's picture `frame`, in rows without padding.
pub(crate) fn pattern(format: vk::Format, extent: Extent, frame: u32) -> Option<Vec<u8>> {
    let (layout, scene) = (Layout::of(format)?, Scene::default());
    let row = extent.width as usize * layout.bytes;
    let mut bytes = vec![0; row * extent.height as usize];
    for (y, line) in (0..).zip(bytes.chunks_exact_mut(row)) {
        for (place, pixel) in line.chunks_exact_mut(layout.bytes).zip(scene.row(frame, y)) {
            layout.pack(pixel, place);
        }
    }
    Some(bytes)
}

/// The whole of a plane, `offset` bytes into a buffer whose rows have no padding.
pub(crate) fn region(
    aspect: vk::ImageAspectFlags,
    extent: Extent,
    offset: u64,
) -> vk::BufferImageCopy {
    let layers =
        vk::ImageSubresourceLayers { aspect_mask: aspect, layer_count: 1, ..Default::default() };
    let Extent { width, height } = extent;
    vk::BufferImageCopy::default()
        .buffer_offset(offset)
        .image_subresource(layers)
        .image_extent(vk::Extent3D { width, height, depth: 1 })
}
