//! Images as the driver sees them, where that is otherwise than the application.

use ash::vk;
use zerohop_layer::{Doing, LayerError, chain};

use crate::device::DeviceState;

/// What the driver never sees of an image of ours.
const KEPT: [vk::StructureType; 3] = [
    vk::StructureType::EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
    vk::StructureType::IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT,
    vk::StructureType::IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT,
];

/// What goes down instead.
pub(super) struct Below<'a> {
    info: vk::ImageCreateInfo<'a>,
    external: Option<vk::ExternalMemoryImageCreateInfo<'a>>,
    _rest: chain::Rebuilt,
    allocator: *const vk::AllocationCallbacks<'a>,
}

impl<'a> Below<'a> {
    /// # Safety
    ///
    /// As `vkCreateImage`.
    pub(super) unsafe fn new(
        info: &vk::ImageCreateInfo<'a>,
        linear: bool,
        external: bool,
        allocator: *const vk::AllocationCallbacks<'a>,
    ) -> Result<Self, LayerError> {
        // SAFETY: the caller's promise.
        let rest = unsafe { chain::without(info.p_next, &KEPT) };
        if let Some(kind) = rest.stuck_at() {
            let what = format!("cannot copy the unknown structure {kind:?} of vkCreateImage");
            return Err(LayerError::refused(vk::Result::ERROR_FORMAT_NOT_SUPPORTED, what));
        }
        let mut info = vk::ImageCreateInfo { p_next: rest.head(), ..*info };
        if linear {
            info.tiling = vk::ImageTiling::LINEAR;
        }
        let external = external.then(|| vk::ExternalMemoryImageCreateInfo {
            handle_types: vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT,
            p_next: rest.head(),
            ..Default::default()
        });
        Ok(Self { info, external, _rest: rest, allocator })
    }

    /// Whether the application binds each plane by itself.
    pub(super) fn is_disjoint(&self) -> bool {
        self.info.flags.contains(vk::ImageCreateFlags::DISJOINT)
    }

    /// The same image for memory of the driver's own.
    pub(super) fn create_plain(&self, device: &DeviceState) -> Result<vk::Image, LayerError> {
        self.make(device, self.info)
    }

    /// The driver's image, with these flags.
    pub(super) fn create(
        &self,
        device: &DeviceState,
        flags: vk::ImageCreateFlags,
    ) -> Result<vk::Image, LayerError> {
        let mut info = vk::ImageCreateInfo { flags, ..self.info };
        if let Some(external) = &self.external {
            info.p_next = std::ptr::from_ref(external).cast();
        }
        self.make(device, info)
    }

    fn make(
        &self,
        device: &DeviceState,
        info: vk::ImageCreateInfo<'_>,
    ) -> Result<vk::Image, LayerError> {
        let mut raw = vk::Image::null();
        let create = device.raw.fp_v1_0().create_image;
        // SAFETY: the chain is the application's and ours, and both live.
        unsafe { create(device.raw.handle(), &info, self.allocator, &mut raw) }
            .result()
            .doing("create a linear image")?;
        Ok(raw)
    }

    /// Destroys what [`create`](Self::create) made.
    pub(super) fn destroy(&self, device: &DeviceState, raw: vk::Image) {
        let destroy = device.raw.fp_v1_0().destroy_image;
        // SAFETY: nobody else has seen the image.
        unsafe { destroy(device.raw.handle(), raw, self.allocator) };
    }
}
