//! Buffers as llvmpipe would export them, made by hand.

use std::fs;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_cuda::{Cuda, Device, Error, Uuid};
use zerohop_frame::{
    Color, DeviceId, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, OpaqueImage,
    PlaneLayout, SharedBuffer,
};
use zerohop_kernel::{MappingMut, Memfd};

use crate::stage::UUID;

/// Bytes before the memory.
const HEADER: usize = 4096;

/// Size of the pictures here: rows of 160 bytes, which lie 192 apart.
pub(crate) const SIZE: Extent = Extent { width: 40, height: 3 };

/// Bytes from row to row.
pub(crate) const PITCH: usize = 192;

pub(crate) fn open() -> Result<Arc<Device>, Error> {
    Device::open(&Cuda::load()?, Uuid(UUID))
}

/// Memory with `bytes` in it.
pub(crate) fn memory(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let memfd = Memfd::create("memory", (HEADER + bytes.len()) as u64)?;
    MappingMut::new(&memfd)?.as_mut_slice()[HEADER..].copy_from_slice(bytes);
    Ok(memfd.into())
}

/// Bytes of a picture with its padding, each different from its neighbours.
pub(crate) fn bytes() -> Vec<u8> {
    (0..PITCH * SIZE.height as usize).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// The same without the padding.
pub(crate) fn pixels() -> Vec<u8> {
    let row = SIZE.width as usize * 4;
    bytes().chunks(PITCH).flat_map(|line| line[..row].to_vec()).collect()
}

/// A buffer of `fourcc`, after `spoil`.
pub(crate) fn buffer(
    fourcc: Fourcc,
    spoil: impl FnOnce(&mut MemoryHandle),
) -> std::io::Result<Arc<SharedBuffer>> {
    let id = DeviceId { device_uuid: UUID, driver_uuid: [0; 16] };
    // VK_FORMAT_B8G8R8A8_UNORM.
    let image = OpaqueImage { format: 44, usage: 0x11, array_layers: 1, ..Default::default() };
    let image = OpaqueImage { dedicated: true, ..image };
    let (fd, size) = (memory(&bytes())?, bytes().len() as u64);
    let mut handle = MemoryHandle::OpaqueFd { fd, device: id, size, memory_type: 0, image };
    spoil(&mut handle);
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]);
    let modifier = Modifier::INVALID;
    let shape = FrameDescriptor { extent: SIZE, fourcc, modifier, planes, color: Color::SRGB };
    Ok(SharedBuffer::new(shape, ArrayVec::from_iter([handle])).expect("a sound descriptor"))
}

pub(crate) fn sound() -> std::io::Result<Arc<SharedBuffer>> {
    buffer(Fourcc::XRGB8888, |_| {})
}

/// How many descriptors this process has.
pub(crate) fn descriptors() -> std::io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}
