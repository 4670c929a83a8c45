//! Buffers whose memory may be ours.

use ash::vk;
use zerohop_layer::{LayerError, chain};

use crate::device::DeviceState;
use crate::image;

/// Calls `down` with what the driver is to see of a buffer: host memory in the place of a dma-buf.
/// Returns what it answered, and whether the buffer's memory may be ours.
///
/// # Errors
///
/// `VK_ERROR_OUT_OF_DEVICE_MEMORY` for a chain that cannot be copied.
///
/// # Safety
///
/// `info` is one that `vkCreateBuffer` could get.
pub(crate) unsafe fn as_host_memory(
    info: &vk::BufferCreateInfo<'_>,
    down: impl FnOnce(&vk::BufferCreateInfo<'_>) -> vk::Result,
) -> Result<(vk::Result, bool), LayerError> {
    // SAFETY: VUID-VkBufferCreateInfo-pNext-pNext.
    let external = unsafe { chain::get::<vk::ExternalMemoryBufferCreateInfo<'_>>(info.p_next) };
    let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    if !external.is_some_and(|it| it.handle_types.contains(dma_buf)) {
        return Ok((down(info), false));
    }
    // SAFETY: as above.
    let rest = unsafe {
        chain::without(info.p_next, &[vk::StructureType::EXTERNAL_MEMORY_BUFFER_CREATE_INFO])
    };
    if let Some(kind) = rest.stuck_at() {
        let what = format!("cannot copy the unknown structure {kind:?} of vkCreateBuffer");
        return Err(LayerError::refused(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, what));
    }
    let host = vk::ExternalMemoryBufferCreateInfo {
        handle_types: vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT,
        p_next: rest.head(),
        ..Default::default()
    };
    let copy = vk::BufferCreateInfo { p_next: (&raw const host).cast(), ..*info };
    Ok((down(&copy), true))
}

/// Makes what the driver says that `buffer` needs what the application is to allocate.
pub(crate) fn adjust(device: &DeviceState, buffer: vk::Buffer, needs: &mut vk::MemoryRequirements) {
    if let Some(help) = device.help.as_ref().filter(|help| help.buffers.contains(&buffer)) {
        image::adjust(help, needs);
    }
}

/// As [`adjust`], and what is ours is never dedicated.
///
/// # Safety
///
/// `out` is the application's, with a chain that is to be filled in.
pub(crate) unsafe fn adjust2(
    device: &DeviceState,
    buffer: vk::Buffer,
    out: &mut vk::MemoryRequirements2<'_>,
) {
    let Some(help) = device.help.as_ref().filter(|help| help.buffers.contains(&buffer)) else {
        return;
    };
    // SAFETY: the caller's promise.
    unsafe { image::adjust2(help, out) };
}
