//! A buffer that a GPU copies pictures into.

use std::sync::Arc;

use ash::vk;
use zerohop_kernel::AlignedMapping;
use zerohop_layer::{Doing, LayerError};

use super::memory::memory_type;
use crate::device::DeviceState;

const HOST: vk::ExternalMemoryHandleTypeFlags =
    vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;

/// A `VkBuffer` and its memory.
pub(super) struct Buffer {
    device: Arc<DeviceState>,
    raw: vk::Buffer,
    memory: vk::DeviceMemory,
    mapped: Option<Mapped>,
}

/// Memory of the device in our address space.
#[derive(Clone, Copy)]
struct Mapped {
    address: usize,
    /// Whether the CPU sees what the device writes without asking (`HOST_COHERENT`).
    coherent: bool,
}

impl Buffer {
    /// A buffer of `bytes` without memory. `imported`: it will lie in pages of the process.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(super) fn new(
        device: &Arc<DeviceState>,
        bytes: u64,
        imported: bool,
    ) -> Result<Self, LayerError> {
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(HOST);
        let mut info =
            vk::BufferCreateInfo::default().size(bytes).usage(vk::BufferUsageFlags::TRANSFER_DST);
        if imported {
            info = info.push_next(&mut external);
        }
        // SAFETY: the chain points to locals.
        let raw = unsafe { device.raw.create_buffer(&info, None) }.doing("create a buffer")?;
        let memory = vk::DeviceMemory::null();
        Ok(Self { device: Arc::clone(device), raw, memory, mapped: None })
    }

    /// The handle.
    pub(super) fn raw(&self) -> vk::Buffer {
        self.raw
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> u64 {
        self.needs().size
    }

    fn needs(&self) -> vk::MemoryRequirements {
        // SAFETY: the buffer is alive.
        unsafe { self.device.raw.get_buffer_memory_requirements(self.raw) }
    }

    /// Puts it into `pages`, which outlive it, lie as the device asks, and are written by nobody else
    /// in this process.
    ///
    /// # Errors
    ///
    /// [`LayerError::Refused`] when the device cannot use them, [`LayerError::Call`].
    pub(super) fn import(&mut self, pages: &AlignedMapping) -> Result<(), LayerError> {
        let Some(host) = &self.device.host_memory else {
            let code = vk::Result::ERROR_FEATURE_NOT_PRESENT;
            return Err(LayerError::refused(code, "it lacks VK_EXT_external_memory_host"));
        };
        let mut found = vk::MemoryHostPointerPropertiesEXT::default();
        let pointer = pages.as_ptr().cast();
        let (ask, raw) = (host.commands.fp(), self.device.raw.handle());
        // SAFETY: the pages are mapped, and `found` is a local.
        unsafe { (ask.get_memory_host_pointer_properties_ext)(raw, HOST, pointer, &raw mut found) }
            .result()
            .doing("ask about memory of the process")?;
        let coherent = vk::MemoryPropertyFlags::HOST_COHERENT;
        let bits = self.needs().memory_type_bits & found.memory_type_bits;
        let kind = memory_type(&self.device, bits, &[coherent])?;
        let mut import =
            vk::ImportMemoryHostPointerInfoEXT::default().handle_type(HOST).host_pointer(pointer);
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(pages.len() as u64)
            .memory_type_index(kind)
            .push_next(&mut import);
        self.bind(&info)
    }

    /// Gives it memory of the device, mapped and quick to read.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`]; [`LayerError::Refused`] when there is no memory of this kind.
    pub(super) fn allocate(&mut self) -> Result<(), LayerError> {
        use vk::MemoryPropertyFlags as P;
        let needs = self.needs();
        let visible = P::HOST_VISIBLE;
        let cached = visible | P::HOST_CACHED;
        let wanted = [cached | P::HOST_COHERENT, cached, visible | P::HOST_COHERENT];
        let kind = memory_type(&self.device, needs.memory_type_bits, &wanted)?;
        let info =
            vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(kind);
        self.bind(&info)?;
        let flags = vk::MemoryMapFlags::empty();
        let all = vk::WHOLE_SIZE;
        // SAFETY: the memory is ours, of a type that can be mapped, and was not mapped before.
        let address = unsafe { self.device.raw.map_memory(self.memory, 0, all, flags) }
            .doing("map a buffer")?
            .expose_provenance();
        let properties = self.device.memory_properties.memory_types[kind as usize].property_flags;
        self.mapped = Some(Mapped { address, coherent: properties.contains(P::HOST_COHERENT) });
        Ok(())
    }

    fn bind(&mut self, info: &vk::MemoryAllocateInfo<'_>) -> Result<(), LayerError> {
        let raw = &self.device.raw;
        // SAFETY: the chain points to what lives in the caller.
        self.memory = unsafe { raw.allocate_memory(info, None) }.doing("allocate a buffer")?;
        // SAFETY: both are ours, of one type, and the buffer has no memory yet.
        unsafe { raw.bind_buffer_memory(self.raw, self.memory, 0) }.doing("bind a buffer")
    }

    /// Copies its first `bytes` into `pages`; the device has finished with them. In pages of the
    /// process they are there already.
    ///
    /// # Errors
    ///
    /// [`LayerError::Call`].
    pub(super) fn read_into(&self, pages: &AlignedMapping, bytes: usize) -> Result<(), LayerError> {
        let Some(mapped) = self.mapped else { return Ok(()) };
        if !mapped.coherent {
            let all = vk::MappedMemoryRange::default().memory(self.memory).size(vk::WHOLE_SIZE);
            // SAFETY: the memory is mapped as a whole.
            unsafe { self.device.raw.invalidate_mapped_memory_ranges(&[all]) }
                .doing("read a buffer")?;
        }
        let from = std::ptr::with_exposed_provenance::<u8>(mapped.address);
        let bytes = bytes.min(pages.len());
        // SAFETY: `size` bytes are mapped, which are `bytes` at least, and as many pages; two
        // mappings never overlap, and one thread at a time has this buffer.
        unsafe { std::ptr::copy_nonoverlapping(from, pages.as_ptr(), bytes) };
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the last copy into it is done: its swapchain's crossings went first.
        unsafe { self.device.raw.destroy_buffer(self.raw, None) };
        // SAFETY: nothing is in it any more; null is allowed, and freeing unmaps.
        unsafe { self.device.raw.free_memory(self.memory, None) };
    }
}
