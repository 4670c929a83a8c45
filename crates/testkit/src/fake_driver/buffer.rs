//! Buffers, memory that is mapped, and memory of the process.

use std::ffi::c_void;

use ash::vk::{self, Handle};

use super::chain::{array, get};
use super::handles::{Kind, Object, make, state_of};

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

/// What imported memory begins at a multiple of.
pub(super) const ALIGNMENT: u64 = 4096;

pub(super) unsafe extern "system" fn create_buffer(
    device: vk::Device,
    info: *const vk::BufferCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Buffer,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkCreateBuffer-pCreateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: as above, with its chain.
    let external = unsafe { get::<vk::ExternalMemoryBufferCreateInfo<'_>>(info.p_next) };
    let buffer = Object::Buffer { bytes: info.size, external: external.is_some(), bound: false };
    // SAFETY: VUID-vkCreateBuffer-pBuffer-parameter.
    unsafe { make(&state, "vkCreateBuffer", Kind::Buffer, buffer, out) }
}

pub(super) unsafe extern "system" fn destroy_buffer(
    device: vk::Device,
    buffer: vk::Buffer,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    state.lock().take("vkDestroyBuffer", Kind::Buffer, buffer.as_raw());
}

pub(super) unsafe extern "system" fn buffer_requirements(
    device: vk::Device,
    buffer: vk::Buffer,
    out: *mut vk::MemoryRequirements,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    let found = inner.get("vkGetBufferMemoryRequirements", Kind::Buffer, buffer.as_raw());
    let size = if let Some(Object::Buffer { bytes, .. }) = found { *bytes } else { 1 };
    let needs = vk::MemoryRequirements { size, alignment: 64, memory_type_bits: 1 };
    // SAFETY: VUID-vkGetBufferMemoryRequirements-pMemoryRequirements-parameter.
    unsafe { out.write(needs) };
}

/// Looks that both go together, and that the buffer has no memory yet.
pub(super) unsafe extern "system" fn bind_buffer_memory(
    device: vk::Device,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    _: vk::DeviceSize,
) -> vk::Result {
    const COMMAND: &str = "vkBindBufferMemory";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    let memory = inner.get(COMMAND, Kind::Memory, memory.as_raw()).cloned();
    let Some(Object::Memory { bytes: room, imported, .. }) = memory else {
        return vk::Result::ERROR_OUT_OF_HOST_MEMORY;
    };
    let found = inner.get(COMMAND, Kind::Buffer, buffer.as_raw());
    let Some(Object::Buffer { bytes, external, bound }) = found else {
        return vk::Result::ERROR_OUT_OF_HOST_MEMORY;
    };
    let wrong = *bytes > room || *external != imported || std::mem::replace(bound, true);
    if wrong {
        inner.complain(format!("{COMMAND}: {buffer:?} and memory of {room} bytes"));
    }
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn map_memory(
    device: vk::Device,
    memory: vk::DeviceMemory,
    _: vk::DeviceSize,
    _: vk::DeviceSize,
    _: vk::MemoryMapFlags,
    out: *mut *mut c_void,
) -> vk::Result {
    const COMMAND: &str = "vkMapMemory";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    let found = inner.get(COMMAND, Kind::Memory, memory.as_raw());
    let Some(Object::Memory { bytes, mapped, .. }) = found else {
        return vk::Result::ERROR_MEMORY_MAP_FAILED;
    };
    let pages = mapped.insert(vec![0; *bytes as usize]);
    // SAFETY: VUID-vkMapMemory-ppData-parameter. The pages stay until the memory is freed.
    unsafe { out.write(pages.as_mut_ptr().cast()) };
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn invalidate(
    device: vk::Device,
    count: u32,
    ranges: *const vk::MappedMemoryRange<'_>,
) -> vk::Result {
    const COMMAND: &str = "vkInvalidateMappedMemoryRanges";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    // SAFETY: VUID-vkInvalidateMappedMemoryRanges-pMemoryRanges-parameter.
    for range in unsafe { array(ranges, count) } {
        let found = inner.get(COMMAND, Kind::Memory, range.memory.as_raw());
        if !matches!(found, Some(Object::Memory { mapped: Some(_), .. })) {
            inner.complain(format!("{COMMAND}: {:?} is not mapped", range.memory));
        }
    }
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn host_pointer_properties(
    device: vk::Device,
    _: vk::ExternalMemoryHandleTypeFlags,
    pointer: *const c_void,
    out: *mut vk::MemoryHostPointerPropertiesEXT<'_>,
) -> vk::Result {
    const COMMAND: &str = "vkGetMemoryHostPointerPropertiesEXT";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    if !(pointer.addr() as u64).is_multiple_of(ALIGNMENT) {
        inner.complain(format!("{COMMAND}: {pointer:?} is not aligned"));
    }
    // SAFETY: VUID-vkGetMemoryHostPointerPropertiesEXT-pMemoryHostPointerProperties-parameter.
    unsafe { (*out).memory_type_bits = 1 };
    vk::Result::SUCCESS
}

/// Looks that image and buffer are there, and that the rows fit.
pub(super) unsafe extern "system" fn copy_image_to_buffer(
    commands: vk::CommandBuffer,
    image: vk::Image,
    layout: vk::ImageLayout,
    buffer: vk::Buffer,
    count: u32,
    regions: *const vk::BufferImageCopy,
) {
    const COMMAND: &str = "vkCmdCopyImageToBuffer";
    // SAFETY: the buffer is live.
    let state = unsafe { state_of(commands) };
    let mut inner = state.lock();
    inner.count(COMMAND);
    inner.get(COMMAND, Kind::Image, image.as_raw());
    let found = inner.get(COMMAND, Kind::Buffer, buffer.as_raw());
    let room = match found {
        Some(Object::Buffer { bytes, bound: true, .. }) => *bytes,
        _ => 0,
    };
    // SAFETY: VUID-vkCmdCopyImageToBuffer-pRegions-parameter.
    for region in unsafe { array(regions, count) } {
        let rows = u64::from(region.image_extent.height);
        // Every format that the driver has takes 2 bytes at least.
        let least = region.buffer_offset + u64::from(region.buffer_row_length) * rows * 2;
        let known = layout == vk::ImageLayout::TRANSFER_SRC_OPTIMAL;
        if least > room || region.buffer_row_length < region.image_extent.width || !known {
            inner.complain(format!("{COMMAND}: {region:?} from {layout:?} into {room} bytes"));
        }
    }
}
