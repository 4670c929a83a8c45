//! One swapchain image and its memory.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{
    FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, OpaqueImage, PlaneLayout,
};
use zerohop_layer::{Doing, LayerError};

use super::export;
use super::plan::{Export, ImagePlan, SwapchainPlan};
use super::stream::Key;
use crate::device::DeviceState;

/// A `VkImage` of ours. Gets its memory at once or, when that is deferred, once.
pub(crate) struct Image {
    device: Arc<DeviceState>,
    key: Key,
    raw: vk::Image,
    memory: OnceLock<Memory>,
}

#[derive(Clone, Copy)]
struct Memory {
    raw: vk::DeviceMemory,
    size: u64,
    memory_type: u32,
}

impl Image {
    /// An image without memory.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(crate) fn new(device: &Arc<DeviceState>, plan: &ImagePlan) -> Result<Self, LayerError> {
        let raw = create(device, plan, None, None)?;
        Ok(Self { device: Arc::clone(device), key: Key::next(), raw, memory: OnceLock::new() })
    }

    /// Its name among the things of this process.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// The handle.
    pub(crate) fn raw(&self) -> vk::Image {
        self.raw
    }

    /// The memory, for an image of the application's over it. `None` before it has any.
    pub(crate) fn memory(&self) -> Option<vk::DeviceMemory> {
        self.memory.get().map(|memory| memory.raw)
    }

    /// Gives the image memory of its own, if it has none yet.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`] when the device is out of memory.
    pub(crate) fn allocate(&self, plan: &ImagePlan) -> Result<(), LayerError> {
        if self.memory.get().is_some() {
            return Ok(());
        }
        let memory = self.dedicated(plan)?;
        // SAFETY: the image has no memory yet, and `memory` was made for it.
        let bound = unsafe { self.device.raw.bind_image_memory(self.raw, memory.raw, 0) };
        if let Err(err) = bound {
            // SAFETY: nothing is bound to it.
            unsafe { self.device.raw.free_memory(memory.raw, None) };
            return Err(err).doing("bind the memory of a swapchain image");
        }
        // One thread at a time acquires from a swapchain, so nobody was here before us.
        let _ = self.memory.set(memory);
        Ok(())
    }

    fn dedicated(&self, plan: &ImagePlan) -> Result<Memory, LayerError> {
        // SAFETY: the image is alive.
        let needs = unsafe { self.device.raw.get_image_memory_requirements(self.raw) };
        let memory_type = self.memory_type(needs.memory_type_bits)?;
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(self.raw);
        let mut export = vk::ExportMemoryAllocateInfo::default();
        let mut info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(memory_type)
            .push_next(&mut dedicated);
        if let Some(handle_type) = plan.export.handle_type() {
            export = export.handle_types(handle_type);
            info = info.push_next(&mut export);
        }
        // SAFETY: the chain points to locals.
        let raw = unsafe { self.device.raw.allocate_memory(&info, None) }
            .doing("allocate the memory of a swapchain image")?;
        Ok(Memory { raw, size: needs.size, memory_type })
    }

    /// The first memory type in `bits` on the device, or else the first at all.
    fn memory_type(&self, bits: u32) -> Result<u32, LayerError> {
        let properties = &self.device.memory_properties;
        let has = |index: u32, flags| {
            bits & (1 << index) != 0
                && properties.memory_types[index as usize].property_flags.contains(flags)
        };
        let first = |flags| (0..properties.memory_type_count).find(|&index| has(index, flags));
        first(vk::MemoryPropertyFlags::DEVICE_LOCAL)
            .or_else(|| first(vk::MemoryPropertyFlags::empty()))
            .ok_or_else(|| {
                let code = vk::Result::ERROR_OUT_OF_DEVICE_MEMORY;
                LayerError::refused(code, format!("no memory type in {bits:#b} for an image"))
            })
    }

    /// What the host must know to read the image, with its memory.
    ///
    /// # Errors
    ///
    /// [`LayerError::Refused`] when the image cannot leave the process, [`LayerError::Call`].
    pub(crate) fn export(
        &self,
        plan: &SwapchainPlan,
    ) -> Result<(FrameDescriptor, ArrayVec<MemoryHandle, MAX_PLANES>), LayerError> {
        let refused = |why| LayerError::refused(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, why);
        let fourcc = plan.fourcc.ok_or(refused("the format has no fourcc"))?;
        let memory = *self.memory.get().ok_or(refused("the image has no memory yet"))?;
        let (modifier, planes, handle) = match &plan.image.export {
            Export::Nothing(why) => return Err(refused(why)),
            Export::Opaque => {
                let plane = PlaneLayout { object: 0, offset: 0, stride: 0 };
                let handle = self.opaque(plan, memory)?;
                (Modifier::INVALID, ArrayVec::from_iter([plane]), handle)
            }
            Export::DmaBuf(_) => {
                let (modifier, planes) =
                    export::layout_of(&self.device, plan.image.format, self.raw)?;
                (modifier, planes, MemoryHandle::DmaBuf(self.export_fd(&plan.image, memory)?))
            }
        };
        let (extent, color) = (plan.image.size(), plan.color);
        let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
        Ok((descriptor, ArrayVec::from_iter([handle])))
    }

    fn opaque(&self, plan: &SwapchainPlan, memory: Memory) -> Result<MemoryHandle, LayerError> {
        let image = &plan.image;
        let fd = self.export_fd(image, memory)?;
        let unsigned = |raw: i32| u32::try_from(raw).unwrap_or_default();
        let base = image.base();
        let image = OpaqueImage {
            format: unsigned(image.format.as_raw()),
            flags: image.flags.as_raw(),
            usage: image.usage.as_raw(),
            tiling: unsigned(base.tiling.as_raw()),
            array_layers: image.array_layers,
            view_formats: image.view_formats.iter().map(|it| unsigned(it.as_raw())).collect(),
            dedicated: true,
        };
        let (device, size, memory_type) = (self.device.id, memory.size, memory.memory_type);
        Ok(MemoryHandle::OpaqueFd { fd, device, size, memory_type, image })
    }

    fn export_fd(&self, plan: &ImagePlan, memory: Memory) -> Result<OwnedFd, LayerError> {
        let why = "the device lacks VK_KHR_external_memory_fd";
        let lacks = || LayerError::refused(vk::Result::ERROR_EXTENSION_NOT_PRESENT, why);
        let memory_fd = self.device.memory_fd.as_ref().ok_or_else(lacks)?;
        let handle_type = plan.export.handle_type().ok_or_else(lacks)?;
        let info = vk::MemoryGetFdInfoKHR::default().memory(memory.raw).handle_type(handle_type);
        // SAFETY: the memory was allocated for export as this type.
        let fd = unsafe { memory_fd.get_memory_fd(&info) }.doing("export an image")?;
        // SAFETY: a successful call gives us a new descriptor (vkGetMemoryFdKHR).
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the application has finished with its images before it destroys the swapchain
        // (VUID-vkDestroySwapchainKHR-swapchain-01282), and we with ours (`Crossing`).
        unsafe { self.device.raw.destroy_image(self.raw, None) };
        if let Some(memory) = self.memory.get() {
            // SAFETY: its one image is gone.
            unsafe { self.device.raw.free_memory(memory.raw, None) };
        }
    }
}

/// An image as planned. `modifier` is that of the image whose memory it will share.
///
/// # Errors
///
/// [`LayerError::Call`].
pub(crate) fn create(
    device: &DeviceState,
    plan: &ImagePlan,
    modifier: Option<Modifier>,
    allocator: Option<&vk::AllocationCallbacks<'_>>,
) -> Result<vk::Image, LayerError> {
    let mut external = vk::ExternalMemoryImageCreateInfo::default();
    let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&plan.view_formats);
    let modifiers = plan.export.modifiers(modifier);
    let mut modifiers =
        vk::ImageDrmFormatModifierListCreateInfoEXT::default().drm_format_modifiers(&modifiers);
    let mut info = plan.base();
    if let Some(handle_type) = plan.export.handle_type() {
        external = external.handle_types(handle_type);
        info = info.push_next(&mut external);
    }
    if !plan.view_formats.is_empty() {
        info = info.push_next(&mut list);
    }
    if modifiers.drm_format_modifier_count > 0 {
        info = info.push_next(&mut modifiers);
    }
    // SAFETY: the chain points to locals and to `plan`.
    unsafe { device.raw.create_image(&info, allocator) }.doing("create a swapchain image")
}
