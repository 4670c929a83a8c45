//! Memory that the CPU writes and the device reads.

use std::slice;
use std::sync::Arc;

use ash::vk;

use super::{Device, Doing, Error};

/// A mapped `VkBuffer`, source of transfers.
pub(super) struct Staging {
    device: Arc<Device>,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    mapped: *mut u8,
    size: usize,
}

// SAFETY: the mapping is reached through `&mut self` only.
unsafe impl Send for Staging {}

impl Staging {
    /// Makes one of `size` bytes.
    pub(super) fn new(device: &Arc<Device>, size: usize) -> Result<Self, Error> {
        let info = vk::BufferCreateInfo::default()
            .size(size as u64)
            .usage(vk::BufferUsageFlags::TRANSFER_SRC);
        // SAFETY: `info` has no chain.
        let buffer = unsafe { device.raw().create_buffer(&info, None) }.doing("create a buffer")?;
        let (memory, mapped) = (vk::DeviceMemory::null(), std::ptr::null_mut());
        let mut made = Self { device: Arc::clone(device), buffer, memory, mapped, size };
        made.fill()?;
        Ok(made)
    }

    /// Allocates, binds and maps. What it made is freed by `Drop`, also when a step fails.
    fn fill(&mut self) -> Result<(), Error> {
        let raw = self.device.raw();
        // SAFETY: the buffer is ours.
        let needs = unsafe { raw.get_buffer_memory_requirements(self.buffer) };
        let flags = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(self.device.memory_type(needs.memory_type_bits, flags)?);
        // SAFETY: `info` has no chain.
        self.memory = unsafe { raw.allocate_memory(&info, None) }.doing("allocate memory")?;
        // SAFETY: the buffer has no memory yet.
        unsafe { raw.bind_buffer_memory(self.buffer, self.memory, 0) }.doing("bind memory")?;
        let whole = vk::WHOLE_SIZE;
        let none = vk::MemoryMapFlags::empty();
        // SAFETY: the memory is host visible and not mapped yet.
        let mapped = unsafe { raw.map_memory(self.memory, 0, whole, none) };
        self.mapped = mapped.doing("map memory")?.cast();
        Ok(())
    }

    pub(super) fn buffer(&self) -> vk::Buffer {
        self.buffer
    }

    /// The memory. The device must not be reading it.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped for `size` bytes at least, for as long as `self`, and borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.mapped, self.size) }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: the device is idle.
        unsafe { self.device.raw().destroy_buffer(self.buffer, None) };
        // SAFETY: the buffer is gone; null is allowed.
        unsafe { self.device.raw().free_memory(self.memory, None) };
    }
}
