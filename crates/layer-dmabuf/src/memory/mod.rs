//! Memory that leaves or came in as `DMA_BUF`, and is host memory for the driver.

mod allocate;
mod block;
mod coherence;
mod shared;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ash::{ext, vk};
use zerohop_kernel::{AlignedMapping, FdKind, kind_of};
use zerohop_layer::{Doing, LayerError};

pub(crate) use allocate::{allocate, free};
use block::Block;

use crate::device::Help;

/// What is behind a `VkDeviceMemory` of ours. Dropped after the driver has freed it.
pub(crate) struct Memory {
    block: Block,
}

impl Memory {
    /// Whether it is a stranger's dma-buf, which must be kept coherent.
    pub(crate) fn changes_hands(&self) -> bool {
        self.block.access().is_some()
    }

    /// Makes visible to others what was written, and what others wrote.
    pub(crate) fn turn_over(&self) {
        if let Some(access) = self.block.access() {
            access.turn_over();
        }
    }

    /// Bytes that the driver can touch: what was allocated, in whole units of the driver's.
    pub(crate) fn room(&self) -> u64 {
        self.block.mapping().len() as u64
    }

    /// Bytes that it is said to have, which somebody else's memfd may end before its last page does.
    pub(crate) fn size(&self) -> u64 {
        self.block.size()
    }

    /// A descriptor for another process: a dma-buf where this machine makes them, else a memfd.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_TOO_MANY_OBJECTS` without a free descriptor.
    pub(crate) fn export(&self) -> Result<OwnedFd, LayerError> {
        let code = vk::Result::ERROR_TOO_MANY_OBJECTS;
        self.block.export().map_err(|err| LayerError::outside("export memory", code, err))
    }
}

/// The memory types that take `fd` as a `DMA_BUF` (`vkGetMemoryFdPropertiesKHR`).
///
/// # Errors
///
/// `VK_ERROR_INVALID_EXTERNAL_HANDLE` for what is neither a memfd nor a dma-buf, or is too small to
/// be mapped for a device.
pub(crate) fn memory_types_of(
    device: &ash::Device,
    help: &Help,
    fd: BorrowedFd<'_>,
) -> Result<u32, LayerError> {
    let least = help.emulation.alignment;
    let size = match kind_of(fd) {
        Ok(FdKind::Memfd { size, .. } | FdKind::DmaBuf { size }) => size,
        Ok(other) => return Err(invalid(format!("{other:?} is neither a dma-buf nor a memfd"))),
        Err(err) => return Err(outside("look at a descriptor", err)),
    };
    if size == 0 {
        return Err(invalid("a dma-buf of no bytes".to_owned()));
    }
    host_memory_types(device, &help.host, fd, least)
}

/// The memory types that take the first `length` bytes of `fd`, a multiple of the alignment that
/// the driver asks for.
///
/// # Errors
///
/// `VK_ERROR_INVALID_EXTERNAL_HANDLE` when it cannot be mapped, or what the driver reports.
pub(crate) fn host_memory_types(
    device: &ash::Device,
    host: &ext::external_memory_host::DeviceFn,
    fd: impl AsFd,
    length: u64,
) -> Result<u32, LayerError> {
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    let mapping =
        AlignedMapping::new(fd, bytes, bytes).map_err(|err| outside("map a descriptor", err))?;
    memory_types_at(device, host, &mapping)
}

/// The memory types that take what is mapped.
fn memory_types_at(
    device: &ash::Device,
    host: &ext::external_memory_host::DeviceFn,
    mapping: &AlignedMapping,
) -> Result<u32, LayerError> {
    let kind = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
    let mut out = vk::MemoryHostPointerPropertiesEXT::default();
    let query = host.get_memory_host_pointer_properties_ext;
    // SAFETY: the range is mapped during the call.
    unsafe { query(device.handle(), kind, mapping.as_ptr().cast(), &mut out) }
        .result()
        .doing("ask for the memory types of mapped memory")?;
    Ok(out.memory_type_bits)
}

fn invalid(what: String) -> LayerError {
    LayerError::refused(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, what)
}

fn outside(doing: &'static str, err: std::io::Error) -> LayerError {
    LayerError::outside(doing, vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, err)
}
