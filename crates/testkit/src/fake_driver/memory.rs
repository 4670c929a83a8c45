//! Memory, and how it leaves the process.

use std::os::fd::IntoRawFd;

use ash::vk::{self, Handle};
use zerohop_kernel::Memfd;

use super::State;
use super::buffer::ALIGNMENT;
use super::chain::{array, get};
use super::device::look;
use super::handles::{Kind, Object, make, state_of};

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

pub(super) unsafe extern "system" fn allocate_memory(
    device: vk::Device,
    info: *const vk::MemoryAllocateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::DeviceMemory,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkAllocateMemory-pAllocateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: as above, with its chain.
    let export = unsafe { get::<vk::ExportMemoryAllocateInfo<'_>>(info.p_next) };
    let exportable = export.is_some_and(|export| !export.handle_types.is_empty());
    let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    // SAFETY: as above.
    let import = unsafe { get::<vk::ImportMemoryFdInfoKHR<'_>>(info.p_next) };
    let asked = export.is_some_and(|it| it.handle_types.contains(dma_buf))
        || import.is_some_and(|it| it.handle_type == dma_buf);
    if asked && !state.options.modifiers {
        state.lock().complain("vkAllocateMemory: there are no dma-bufs".to_owned());
    }
    // SAFETY: as above.
    if let Some(dedicated) = unsafe { get::<vk::MemoryDedicatedAllocateInfo<'_>>(info.p_next) } {
        let mut inner = state.lock();
        inner.get("vkAllocateMemory", Kind::Image, dedicated.image.as_raw());
    }
    // SAFETY: as above.
    let host = unsafe { get::<vk::ImportMemoryHostPointerInfoEXT<'_>>(info.p_next) };
    let (bytes, imported) = (info.allocation_size, host.is_some());
    if let Some(host) = host
        && !(host.p_host_pointer.addr() as u64 | bytes).is_multiple_of(ALIGNMENT)
    {
        state.lock().complain(format!("vkAllocateMemory: {bytes} bytes of odd pages"));
    }
    let memory = Object::Memory { bytes, exportable, imported, mapped: None };
    // SAFETY: VUID-vkAllocateMemory-pMemory-parameter.
    unsafe { make(&state, "vkAllocateMemory", Kind::Memory, memory, out) }
}

pub(super) unsafe extern "system" fn free_memory(
    device: vk::Device,
    memory: vk::DeviceMemory,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    state.lock().take("vkFreeMemory", Kind::Memory, memory.as_raw());
}

pub(super) unsafe extern "system" fn bind_image_memory(
    device: vk::Device,
    image: vk::Image,
    memory: vk::DeviceMemory,
    _: vk::DeviceSize,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    bind(&state, "vkBindImageMemory", image, memory)
}

pub(super) unsafe extern "system" fn bind_image_memory2(
    device: vk::Device,
    count: u32,
    infos: *const vk::BindImageMemoryInfo<'_>,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkBindImageMemory2-pBindInfos-parameter.
    for info in unsafe { array(infos, count) } {
        // SAFETY: as above, with its chain.
        unsafe { look(&state, "vkBindImageMemory2", info.p_next) };
        let bound = bind(&state, "vkBindImageMemory2", info.image, info.memory);
        if bound != vk::Result::SUCCESS {
            return bound;
        }
    }
    vk::Result::SUCCESS
}

fn bind(
    state: &State,
    command: &'static str,
    image: vk::Image,
    memory: vk::DeviceMemory,
) -> vk::Result {
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(command) {
        return code;
    }
    inner.get(command, Kind::Memory, memory.as_raw());
    let again = match inner.get(command, Kind::Image, image.as_raw()) {
        Some(Object::Image { bound, .. }) => std::mem::replace(bound, true),
        _ => false,
    };
    if again {
        inner.complain(format!("{command}: {image:?} has memory already"));
    }
    vk::Result::SUCCESS
}

/// A memfd of the memory's size: what llvmpipe exports too.
pub(super) unsafe extern "system" fn get_memory_fd(
    device: vk::Device,
    info: *const vk::MemoryGetFdInfoKHR<'_>,
    out: *mut i32,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkGetMemoryFdKHR-pGetFdInfo-parameter.
    let info = unsafe { &*info };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt("vkGetMemoryFdKHR") {
        return code;
    }
    let found = inner.get("vkGetMemoryFdKHR", Kind::Memory, info.memory.as_raw());
    let Some(Object::Memory { bytes, exportable, .. }) = found.cloned() else {
        return vk::Result::ERROR_OUT_OF_HOST_MEMORY;
    };
    if !exportable {
        inner.complain(format!("vkGetMemoryFdKHR: {:?} was not made for export", info.memory));
    }
    match Memfd::create("fake-driver", bytes) {
        Ok(memfd) => {
            let fd = std::os::fd::OwnedFd::from(memfd).into_raw_fd();
            // SAFETY: VUID-vkGetMemoryFdKHR-pFd-parameter. The descriptor is the caller's now.
            unsafe { out.write(fd) };
            vk::Result::SUCCESS
        }
        Err(_) => vk::Result::ERROR_TOO_MANY_OBJECTS,
    }
}
