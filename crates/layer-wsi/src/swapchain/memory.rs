//! Device memory of one image, which can leave the process.

use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;

use ash::vk;
use zerohop_layer::{Doing, LayerError};

use super::plan::Export;
use crate::device::DeviceState;

/// A `VkDeviceMemory`, dedicated to one image.
pub(crate) struct Memory {
    device: Arc<DeviceState>,
    raw: vk::DeviceMemory,
    /// `VkMemoryAllocateInfo::allocationSize`, in bytes.
    pub(crate) size: u64,
    /// `VkMemoryAllocateInfo::memoryTypeIndex`.
    pub(crate) memory_type: u32,
}

impl Memory {
    /// Memory for `image`, which leaves as `export` says.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`] when the device is out of memory.
    pub(crate) fn new(
        device: &Arc<DeviceState>,
        image: vk::Image,
        export: &Export,
    ) -> Result<Self, LayerError> {
        // SAFETY: the image is alive.
        let needs = unsafe { device.raw.get_image_memory_requirements(image) };
        let local = vk::MemoryPropertyFlags::DEVICE_LOCAL;
        let wanted = [local, vk::MemoryPropertyFlags::empty()];
        let memory_type = memory_type(device, needs.memory_type_bits, &wanted)?;
        let handle_types = export.handle_type().unwrap_or_default();
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(handle_types);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
        let mut info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(memory_type)
            .push_next(&mut dedicated);
        if !handle_types.is_empty() {
            info = info.push_next(&mut export);
        }
        // SAFETY: the chain points to locals.
        let raw = unsafe { device.raw.allocate_memory(&info, None) }
            .doing("allocate the memory of a swapchain image")?;
        Ok(Self { device: Arc::clone(device), raw, size: needs.size, memory_type })
    }

    /// The same memory once more, dedicated to `image`, which was created as its own image was.
    /// Memory can be bound to no other image than the one it is dedicated to
    /// (VUID-VkBindImageMemoryInfo-memory-02628).
    ///
    /// # Errors
    ///
    /// As [`export`](Self::export), and [`LayerError::Call`].
    pub(crate) fn again(&self, image: vk::Image, export: &Export) -> Result<Self, LayerError> {
        let fd = self.export(export)?;
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
        let mut import = vk::ImportMemoryFdInfoKHR::default()
            .handle_type(export.handle_type().unwrap_or_default())
            .fd(fd.as_raw_fd());
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(self.size)
            .memory_type_index(self.memory_type)
            .push_next(&mut import)
            .push_next(&mut dedicated);
        // SAFETY: the chain points to locals, and `fd` is of this type.
        let imported = unsafe { self.device.raw.allocate_memory(&info, None) };
        // The driver owns the descriptor "after a successful import" (VkImportMemoryFdInfoKHR).
        // llvmpipe of Mesa 25.0.7 closes it after a failed one too, when nobody could tell whose
        // number it would be the second time: here it is rather lost than closed twice.
        let _ = fd.into_raw_fd();
        let raw = imported.doing("share the memory of a swapchain image")?;
        let (size, memory_type) = (self.size, self.memory_type);
        Ok(Self { device: Arc::clone(&self.device), raw, size, memory_type })
    }

    /// A handle to it, for another process.
    ///
    /// # Errors
    ///
    /// [`LayerError::Refused`] when it cannot leave, [`LayerError::Call`].
    pub(crate) fn export(&self, export: &Export) -> Result<OwnedFd, LayerError> {
        let (Some(memory_fd), Some(handle_type)) = (&self.device.memory_fd, export.handle_type())
        else {
            let code = vk::Result::ERROR_EXTENSION_NOT_PRESENT;
            return Err(LayerError::refused(code, "the memory cannot leave the device"));
        };
        let info = vk::MemoryGetFdInfoKHR::default().memory(self.raw).handle_type(handle_type);
        // SAFETY: the memory was allocated for export as this type.
        let fd = unsafe { memory_fd.get_memory_fd(&info) }.doing("export an image")?;
        // SAFETY: a successful call gives us a new descriptor (vkGetMemoryFdKHR).
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// The handle.
    pub(crate) fn raw(&self) -> vk::DeviceMemory {
        self.raw
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: whoever owns us has finished with the image (`Image`), or the application has
        // with its own (VUID-vkFreeMemory-memory-00677 is asked of it by the swapchain's end).
        unsafe { self.device.raw.free_memory(self.raw, None) };
    }
}

/// The first memory type in `bits` that has all of `wanted[0]`, or else of `wanted[1]`, and so on.
///
/// # Errors
///
/// `VK_ERROR_OUT_OF_DEVICE_MEMORY` when there is none.
pub(super) fn memory_type(
    device: &DeviceState,
    bits: u32,
    wanted: &[vk::MemoryPropertyFlags],
) -> Result<u32, LayerError> {
    memory_type_of(&device.memory_properties, bits, wanted)
}

/// The same, of a device with these `properties`.
///
/// # Errors
///
/// As [`memory_type`].
pub(crate) fn memory_type_of(
    properties: &vk::PhysicalDeviceMemoryProperties,
    bits: u32,
    wanted: &[vk::MemoryPropertyFlags],
) -> Result<u32, LayerError> {
    let has = |index: u32, flags| {
        bits & (1 << index) != 0
            && properties.memory_types[index as usize].property_flags.contains(flags)
    };
    let first = |flags| (0..properties.memory_type_count).find(|&index| has(index, flags));
    wanted.iter().find_map(|flags| first(*flags)).ok_or_else(|| {
        let code = vk::Result::ERROR_OUT_OF_DEVICE_MEMORY;
        LayerError::refused(code, format!("no memory type in {bits:#b} has any of {wanted:?}"))
    })
}
