//! The host's memory as a buffer of FFmpeg's own Vulkan device.

use std::os::fd::{AsFd as _, AsRawFd as _, IntoRawFd as _};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use ash::vk;
use zerohop_frame::MemoryHandle;

use super::device::Shared;

/// A buffer over opaque memory of another `VkDevice` of the same GPU.
pub(crate) struct Target {
    device: Rc<Shared>,
    pub(super) buffer: vk::Buffer,
    memory: vk::DeviceMemory,
}

impl Target {
    /// The view of `handle`, which stays the caller's.
    ///
    /// # References
    ///
    /// VUID-VkMemoryAllocateInfo-allocationSize-01742: size and type are those of the export.
    pub(super) fn import(device: &Rc<Shared>, handle: &MemoryHandle) -> Result<Self> {
        let MemoryHandle::OpaqueFd { fd, size, memory_type, .. } = handle else {
            bail!("memory of another kind");
        };
        let kind = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(kind);
        let info = vk::BufferCreateInfo::default()
            .size(*size)
            .usage(vk::BufferUsageFlags::TRANSFER_DST)
            .push_next(&mut external);
        // SAFETY: the device is alive, and the chain lives through the call.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }.context("create a buffer")?;
        let null = vk::DeviceMemory::null();
        let mut target = Self { device: Rc::clone(device), buffer, memory: null };
        // SAFETY: the buffer was just made.
        let needs = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        if needs.size > *size || needs.memory_type_bits >> memory_type & 1 == 0 {
            let (needs, bits) = (needs.size, needs.memory_type_bits);
            bail!("{size} bytes of type {memory_type} are not {needs} of types {bits:#x}");
        }
        let fd = fd.as_fd().try_clone_to_owned().context("duplicate a descriptor")?;
        let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(kind).fd(fd.as_raw_fd());
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(*size)
            .memory_type_index(*memory_type)
            .push_next(&mut import);
        // SAFETY: as above; the descriptor is memory of the same device and driver.
        let memory = unsafe { device.raw.allocate_memory(&info, None) };
        target.memory = memory.context("import the memory")?;
        // The driver's from here on.
        let _ = fd.into_raw_fd();
        // SAFETY: both are new, and the memory is of a type and size that do.
        unsafe { device.raw.bind_buffer_memory(buffer, target.memory, 0) }
            .context("bind memory")?;
        Ok(target)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // SAFETY: every copy is waited for before its slot is let go; one that is late keeps it for ever
        // (`VulkanCopier::copy`).
        unsafe { self.device.raw.destroy_buffer(self.buffer, None) };
        // SAFETY: ours, or null; what it was bound to is gone.
        unsafe { self.device.raw.free_memory(self.memory, None) };
    }
}
