//! One swapchain image and its memory.

use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{FrameDescriptor, MemoryHandle, Modifier, OpaqueImage, PlaneLayout};
use zerohop_kernel::{FdKind, kind_of};
use zerohop_layer::{Doing, LayerError};
use zerohop_wire::Copies;

use super::export;
use super::line::Exported;
use super::memory::Memory;
use super::plan::{Export, ImagePlan, SwapchainPlan};
use super::staging::Staging;
use super::stream::Key;
use crate::device::DeviceState;

/// A `VkImage` of ours. Gets its memory at once or, when that is deferred, once.
pub(crate) struct Image {
    device: Arc<DeviceState>,
    key: Key,
    raw: vk::Image,
    /// Freed after the image is destroyed.
    memory: OnceLock<Memory>,
    /// Where its pictures are copied to, once one was.
    staging: OnceLock<Arc<Staging>>,
}

impl Image {
    /// An image without memory.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(crate) fn new(device: &Arc<DeviceState>, plan: &ImagePlan) -> Result<Self, LayerError> {
        let raw = create(device, plan, None, None)?;
        let (device, key, memory) = (Arc::clone(device), Key::next(), OnceLock::new());
        Ok(Self { device, key, raw, memory, staging: OnceLock::new() })
    }

    /// Its name among the things of this process.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// The handle.
    pub(crate) fn raw(&self) -> vk::Image {
        self.raw
    }

    /// Gives the image memory of its own, if it has none yet.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`] when the device is out of memory.
    pub(crate) fn allocate(&self, plan: &ImagePlan) -> Result<&Memory, LayerError> {
        if let Some(memory) = self.memory.get() {
            return Ok(memory);
        }
        let memory = Memory::new(&self.device, self.raw, &plan.export)?;
        // SAFETY: the image has no memory yet, and `memory` was made for it.
        unsafe { self.device.raw.bind_image_memory(self.raw, memory.raw(), 0) }
            .doing("bind the memory of a swapchain image")?;
        // One thread at a time uses a swapchain, so nobody was here before us.
        Ok(self.memory.get_or_init(|| memory))
    }

    /// Where its pictures are copied to. `None`: the image itself leaves.
    ///
    /// # Errors
    ///
    /// As [`Staging::new`].
    pub(crate) fn staging(
        &self,
        plan: &SwapchainPlan,
    ) -> Result<Option<&Arc<Staging>>, LayerError> {
        let Export::Copied { way, .. } = plan.image.export else { return Ok(None) };
        if let Some(staging) = self.staging.get() {
            return Ok(Some(staging));
        }
        let staging = Arc::new(Staging::new(&self.device, plan, way)?);
        // One thread at a time uses a swapchain, so nobody was here before us.
        Ok(Some(self.staging.get_or_init(|| staging)))
    }

    /// What the host must know to read the image, with its memory.
    ///
    /// # Errors
    ///
    /// [`LayerError::Refused`] when the image cannot leave the process, [`LayerError::Call`].
    pub(crate) fn export(&self, plan: &SwapchainPlan) -> Result<Exported, LayerError> {
        let refused = |why| LayerError::refused(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, why);
        let fourcc = plan.fourcc.ok_or(refused("the format has no fourcc"))?;
        let memory = self.memory.get().ok_or(refused("the image has no memory yet"))?;
        let (modifier, planes, handle) = match &plan.image.export {
            Export::Nothing(why) => return Err(refused(why)),
            Export::Copied { .. } => {
                return self.staging.get().ok_or(refused("nothing was copied"))?.export();
            }
            Export::Opaque => {
                let plane = PlaneLayout { object: 0, offset: 0, stride: 0 };
                let handle = self.opaque(plan, memory)?;
                (Modifier::INVALID, ArrayVec::from_iter([plane]), handle)
            }
            Export::DmaBuf(_) => {
                let (modifier, planes) =
                    export::layout_of(&self.device, plan.image.format, self.raw)?;
                (modifier, planes, handle_of(memory.export(&plan.image.export)?, modifier)?)
            }
        };
        let (extent, color) = (plan.image.size(), plan.color);
        let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
        Ok((descriptor, ArrayVec::from_iter([handle]), Copies::default()))
    }

    fn opaque(&self, plan: &SwapchainPlan, memory: &Memory) -> Result<MemoryHandle, LayerError> {
        let image = &plan.image;
        let fd = memory.export(&image.export)?;
        let unsigned = |raw: i32| u32::try_from(raw).unwrap_or_default();
        let base = image.base();
        let image = OpaqueImage {
            format: unsigned(image.format.as_raw()),
            flags: image.flags.as_raw(),
            usage: image.usage.as_raw(),
            tiling: unsigned(base.tiling.as_raw()),
            array_layers: image.array_layers,
            queue_families: image.families.iter().fold(0, |all, family| all | 1 << family),
            view_formats: image.view_formats.iter().map(|it| unsigned(it.as_raw())).collect(),
            dedicated: true,
        };
        let (device, size, memory_type) = (self.device.id, memory.size, memory.memory_type);
        Ok(MemoryHandle::OpaqueFd { fd, device, size, memory_type, image })
    }
}

/// The handle that `fd` is. A driver's dma-buf may be shared memory in truth: where there is no
/// `/dev/udmabuf`, the layer `VK_LAYER_ZEROHOP_dmabuf` exports the memfd itself.
fn handle_of(fd: OwnedFd, modifier: Modifier) -> Result<MemoryHandle, LayerError> {
    let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
    let kind = kind_of(&fd).map_err(|err| LayerError::outside("look at an export", code, err))?;
    match kind {
        FdKind::DmaBuf { .. } => Ok(MemoryHandle::DmaBuf(fd)),
        FdKind::Memfd { keeps_size: true, .. } if modifier == Modifier::LINEAR => {
            Ok(MemoryHandle::Shm(fd))
        }
        // Whatever is tiled is a driver's own, which the host looks at.
        FdKind::Memfd { .. } if modifier != Modifier::LINEAR => Ok(MemoryHandle::DmaBuf(fd)),
        other => Err(LayerError::refused(code, format!("{other:?} was exported as a dma-buf"))),
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the application has finished with its images before it destroys the swapchain
        // (VUID-vkDestroySwapchainKHR-swapchain-01282), and we with ours (`Crossing`).
        unsafe { self.device.raw.destroy_image(self.raw, None) };
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
