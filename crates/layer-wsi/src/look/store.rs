//! A buffer that a shader reads and writes.

use ash::vk;
use zerohop_layer::{Doing, LayerError};

use super::looker::Ground;
use crate::swapchain::memory_type_of;

/// A `VkBuffer` with memory of its own, mapped where the CPU sees it.
pub(super) struct Store {
    raw: ash::Device,
    pub(super) buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    /// `None`: the memory is the device's alone.
    address: Option<usize>,
}

impl Store {
    /// A buffer of `bytes` in the first kind of memory of `wanted` that there is; where that is
    /// `HOST_VISIBLE` it is `HOST_COHERENT` too.
    ///
    /// # Errors
    ///
    /// [`LayerError`] when the device has no such memory, or none left.
    pub(super) fn new(
        ground: &Ground<'_>,
        bytes: u64,
        wanted: &[vk::MemoryPropertyFlags],
    ) -> Result<Self, LayerError> {
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER | vk::BufferUsageFlags::TRANSFER_SRC;
        let info = vk::BufferCreateInfo::default().size(bytes).usage(usage);
        // SAFETY: the device is alive, and the info has no chain.
        let buffer = unsafe { ground.raw.create_buffer(&info, None) }.doing("create a buffer")?;
        // What is made is freed by `drop`, also when a later step fails.
        let memory = vk::DeviceMemory::null();
        let mut new = Self { raw: ground.raw.clone(), buffer, memory, address: None };
        new.fill(ground, wanted)?;
        Ok(new)
    }

    fn fill(
        &mut self,
        ground: &Ground<'_>,
        wanted: &[vk::MemoryPropertyFlags],
    ) -> Result<(), LayerError> {
        let raw = &self.raw;
        // SAFETY: the buffer is alive.
        let needs = unsafe { raw.get_buffer_memory_requirements(self.buffer) };
        let kind = memory_type_of(ground.memory, needs.memory_type_bits, wanted)?;
        let info =
            vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(kind);
        // SAFETY: the info has no chain.
        self.memory = unsafe { raw.allocate_memory(&info, None) }.doing("allocate a buffer")?;
        // SAFETY: both are ours, of one type, and the buffer has no memory yet.
        unsafe { raw.bind_buffer_memory(self.buffer, self.memory, 0) }.doing("bind a buffer")?;
        let visible = vk::MemoryPropertyFlags::HOST_VISIBLE;
        if wanted.iter().all(|flags| flags.contains(visible)) {
            let (all, flags) = (vk::WHOLE_SIZE, vk::MemoryMapFlags::empty());
            // SAFETY: the memory is ours, of a type that can be mapped, and was not mapped before.
            let address = unsafe { raw.map_memory(self.memory, 0, all, flags) };
            self.address = Some(address.doing("map a buffer")?.expose_provenance());
        }
        Ok(())
    }

    /// Where it begins, for the CPU.
    ///
    /// # Errors
    ///
    /// When the memory is the device's alone.
    pub(super) fn address(&self) -> Result<usize, LayerError> {
        let code = vk::Result::ERROR_MEMORY_MAP_FAILED;
        self.address.ok_or_else(|| LayerError::refused(code, "the buffer is the device's alone"))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: whoever owns us has waited for what uses it (`Looker`).
        unsafe { self.raw.destroy_buffer(self.buffer, None) };
        // SAFETY: nothing is in it any more; null is allowed, and freeing unmaps.
        unsafe { self.raw.free_memory(self.memory, None) };
    }
}
