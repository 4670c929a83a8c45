//! `vkAllocateMemory` and its end.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ash::vk;
use zerohop_layer::{Doing, LayerError, chain};

use super::{Block, Memory, invalid, memory_types_at};
use crate::device::{DeviceState, Help};

const DMA_BUF: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;

type HostPointer<'a> = vk::ImportMemoryHostPointerInfoEXT<'a>;

/// What the driver never sees of an allocation that is ours. A dedicated one is of the image's own
/// size, and ours is of whole pages; that it is dedicated is a wish, which no driver of ours
/// insists on (`crate::instance::query`).
const KEPT: [vk::StructureType; 3] = [
    vk::StructureType::EXPORT_MEMORY_ALLOCATE_INFO,
    vk::StructureType::IMPORT_MEMORY_FD_INFO_KHR,
    vk::StructureType::MEMORY_DEDICATED_ALLOCATE_INFO,
];

/// Memory as the application asks for it. `None`: it is the driver's alone.
///
/// # Errors
///
/// `VK_ERROR_INVALID_EXTERNAL_HANDLE` for a descriptor that does not do, which stays the
/// application's; `VK_ERROR_OUT_OF_DEVICE_MEMORY`; what the driver reports.
///
/// # Safety
///
/// As `vkAllocateMemory`.
pub(crate) unsafe fn allocate(
    device: &DeviceState,
    help: &Help,
    info: &vk::MemoryAllocateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
) -> Result<Option<vk::DeviceMemory>, LayerError> {
    // SAFETY: VUID-VkMemoryAllocateInfo-pNext-pNext.
    let import = unsafe { chain::get::<vk::ImportMemoryFdInfoKHR<'_>>(info.p_next) };
    let foreign = import.filter(|it| it.handle_type != DMA_BUF);
    let import = import.filter(|it| it.handle_type == DMA_BUF);
    // SAFETY: VUID-VkMemoryAllocateInfo-pNext-pNext.
    let export = unsafe { chain::get::<vk::ExportMemoryAllocateInfo<'_>>(info.p_next) };
    let exports = export.is_some_and(|it| it.handle_types.contains(DMA_BUF));
    let (size, alignment) = (info.allocation_size, help.emulation.alignment);
    let block = match import {
        Some(import) if import.fd < 0 => return Err(invalid(format!("descriptor {}", import.fd))),
        Some(import) => {
            // SAFETY: VUID-VkImportMemoryFdInfoKHR-handleType-00669: it is open.
            let fd = unsafe { BorrowedFd::borrow_raw(import.fd) };
            let block = Block::import(fd, size, alignment)?;
            // SAFETY: VUID-VkMemoryAllocateInfo-pNext-pNext.
            unsafe { check_end(help, info, &block) }?;
            block
        }
        None if exports => {
            // SAFETY: VUID-VkMemoryAllocateInfo-pNext-pNext.
            let host = unsafe { chain::get::<HostPointer<'_>>(info.p_next) };
            if foreign.is_some() || host.is_some() {
                let what = "memory that comes in otherwise cannot leave as DMA_BUF";
                return Err(invalid(what.to_owned()));
            }
            Block::new(size, alignment)?
        }
        None => return Ok(None),
    };
    // SAFETY: the caller's promise.
    let raw = unsafe { hand_down(device, help, info, &block, allocator) }?;
    if let Some(import) = import {
        // SAFETY: "a successful import transfers ownership" (VkImportMemoryFdInfoKHR). The block
        // has its own.
        drop(unsafe { OwnedFd::from_raw_fd(import.fd) });
    }
    let memory = Memory { block };
    help.strangers.fetch_add(memory.changes_hands().into(), Ordering::Relaxed);
    help.memory.insert(raw, Arc::new(memory));
    Ok(Some(raw))
}

/// Refuses memory that ends before the pixels of the image that it is for, where that is said. Else the
/// image is refused when it is bound.
///
/// # Safety
///
/// As [`allocate`].
unsafe fn check_end(
    help: &Help,
    info: &vk::MemoryAllocateInfo<'_>,
    block: &Block,
) -> Result<(), LayerError> {
    // SAFETY: the caller's promise.
    let alone = unsafe { chain::get::<vk::MemoryDedicatedAllocateInfo<'_>>(info.p_next) };
    let image = alone.and_then(|it| help.images.get(&it.image));
    let (end, has) = (image.map_or(0, |image| image.whole_end()), block.size());
    match end <= has {
        true => Ok(()),
        false => Err(invalid(format!("the picture ends at byte {end} of memory with {has}"))),
    }
}

/// Lets the driver import the block as host memory.
///
/// # Safety
///
/// As [`allocate`].
unsafe fn hand_down(
    device: &DeviceState,
    help: &Help,
    info: &vk::MemoryAllocateInfo<'_>,
    block: &Block,
    allocator: *const vk::AllocationCallbacks<'_>,
) -> Result<vk::DeviceMemory, LayerError> {
    let bits = memory_types_at(&device.raw, &help.host, block.mapping())?;
    let index = info.memory_type_index;
    if 1_u32.checked_shl(index).is_none_or(|bit| bits & bit == 0) {
        return Err(invalid(format!("memory type {index} takes no mapped memory, {bits:#b} do")));
    }
    // SAFETY: VUID-VkMemoryAllocateInfo-pNext-pNext.
    let rest = unsafe { chain::without(info.p_next, &KEPT) };
    if let Some(kind) = rest.stuck_at() {
        let what = format!("cannot copy the unknown structure {kind:?} of vkAllocateMemory");
        return Err(LayerError::refused(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, what));
    }
    let pointer = HostPointer {
        handle_type: vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT,
        p_host_pointer: block.mapping().as_ptr().cast(),
        p_next: rest.head(),
        ..Default::default()
    };
    let copy = vk::MemoryAllocateInfo {
        allocation_size: block.mapping().len() as u64,
        p_next: (&raw const pointer).cast(),
        ..*info
    };
    let mut raw = vk::DeviceMemory::null();
    let below = device.raw.fp_v1_0().allocate_memory;
    // SAFETY: the block lives until the driver has freed the memory.
    unsafe { below(device.raw.handle(), &copy, allocator, &mut raw) }
        .result()
        .doing("import mapped memory")?;
    Ok(raw)
}

/// Frees memory in the driver, and what is behind it.
///
/// # Safety
///
/// As `vkFreeMemory`.
pub(crate) unsafe fn free(
    device: &DeviceState,
    memory: vk::DeviceMemory,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    // Out of the table first: once it is freed, another thread may get the same handle.
    let ours = device.help.as_ref().and_then(|help| {
        let ours = help.memory.remove(&memory)?;
        help.strangers.fetch_sub(ours.changes_hands().into(), Ordering::Relaxed);
        Some(ours)
    });
    // SAFETY: the caller's promise.
    unsafe { (device.raw.fp_v1_0().free_memory)(device.raw.handle(), memory, allocator) };
    drop(ours);
}
