//! Memory of somebody else's that comes in, and buffers.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;

use ash::{khr, vk};
use zerohop_frame::Extent;
use zerohop_kernel::{FileId, MappingMut, Memfd};
use zerohop_testkit::rig::{Copier, Device, Owner};

use super::{Case, same, same_bytes};
use crate::Outcome;
use crate::picture::{Asked, DMA_BUF, Picture, pattern, region};

pub(super) const CASES: &[Case] = &[
    Case::new("a_memfd_of_somebody_elses_is_read_where_it_lies", memfd),
    Case::new("a_buffer_leaves_and_comes_in", buffer),
];

const BGRA: vk::Format = vk::Format::B8G8R8A8_UNORM;
const EXTENT: Extent = Extent { width: 117, height: 59 };
const FOREIGN: Owner = Owner::Outside(vk::QUEUE_FAMILY_FOREIGN_EXT);

/// The picture begins two pages in.
fn memfd(device: &Arc<Device>) -> Outcome {
    let sample = Picture::new(device, BGRA, EXTENT, Asked::List(&[0]))?;
    let stride = sample.layout(0).row_pitch;
    let layout = [vk::SubresourceLayout { offset: 8192, row_pitch: stride, ..Default::default() }];
    let image = Picture::new(device, BGRA, EXTENT, Asked::Explicit(0, &layout))?;
    same("the picture's place", image.layout(0).offset, 8192)?;
    let memfd = Memfd::create("somebody's", image.needs().size)?;
    let id = FileId::of(&memfd)?;
    let mut mapping = MappingMut::new(&memfd)?;
    let wanted = pattern(BGRA, EXTENT, 9).ok_or("no pattern")?;
    let row = EXTENT.width as usize * 4;
    for (y, line) in wanted.chunks_exact(row).enumerate() {
        let at = 8192 + y * usize::try_from(stride)?;
        mapping.as_mut_slice()[at..at + row].copy_from_slice(line);
    }
    let fd = OwnedFd::from(memfd);
    let raw = fd.as_raw_fd();
    let calls = khr::external_memory_fd::Device::new(device.instance().raw(), device.raw());
    let mut found = vk::MemoryFdPropertiesKHR::default();
    // SAFETY: the descriptor is open.
    unsafe { calls.get_memory_fd_properties(DMA_BUF, raw, &mut found) }?;
    same("memory types", found.memory_type_bits & image.needs().memory_type_bits != 0, true)?;
    let image = image.import(fd).map_err(|(code, _)| code)?;
    same("a re-export", FileId::of(image.export()?)?, id)?;
    let mut copier = Copier::new(device, wanted.len())?;
    let all = [region(vk::ImageAspectFlags::COLOR, EXTENT, 0)];
    let seen = copier.read(image.image, (FOREIGN, FOREIGN), &all)?;
    same_bytes("somebody else's picture", seen, &wanted)
}

/// One buffer's memory becomes another's, in the same process.
fn buffer(device: &Arc<Device>) -> Outcome {
    let raw = device.raw();
    let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(DMA_BUF);
    let info = vk::BufferCreateInfo::default()
        .size(5000)
        .usage(vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST)
        .push_next(&mut external);
    // SAFETY: the chain is of locals.
    let create = || unsafe { raw.create_buffer(&info, None) };
    let buffers = [create()?, create()?];
    // SAFETY: the buffer is alive.
    let needs = unsafe { raw.get_buffer_memory_requirements(buffers[0]) };
    let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(DMA_BUF);
    let info = vk::MemoryAllocateInfo::default()
        .allocation_size(needs.size)
        .memory_type_index(needs.memory_type_bits.trailing_zeros());
    // SAFETY: the chain is of locals.
    let one = unsafe { raw.allocate_memory(&info.push_next(&mut export), None) }?;
    let get = vk::MemoryGetFdInfoKHR::default().memory(one).handle_type(DMA_BUF);
    let calls = khr::external_memory_fd::Device::new(device.instance().raw(), raw);
    // SAFETY: the memory was allocated to be exported.
    let fd = unsafe { calls.get_memory_fd(&get) }?;
    let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(DMA_BUF).fd(fd);
    // SAFETY: the descriptor is given up.
    let other = unsafe { raw.allocate_memory(&info.push_next(&mut import), None) }?;
    for (buffer, memory) in buffers.into_iter().zip([one, other]) {
        // SAFETY: the buffer has no memory yet.
        unsafe { raw.bind_buffer_memory(buffer, memory, 0) }?;
    }
    let map = |memory| {
        // SAFETY: the memory is host visible and not mapped.
        unsafe { raw.map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()) }
    };
    let (left, right) = (map(one)?.cast::<u8>(), map(other)?.cast::<u8>());
    // SAFETY: the buffer has 5000 bytes, and nobody else writes there.
    unsafe { left.wrapping_add(4999).write(77) };
    // SAFETY: as above.
    let seen = unsafe { right.wrapping_add(4999).read() };
    for (buffer, memory) in buffers.into_iter().zip([one, other]) {
        // SAFETY: nothing uses it.
        unsafe { raw.destroy_buffer(buffer, None) };
        // SAFETY: the buffer is gone.
        unsafe { raw.free_memory(memory, None) };
    }
    same("a byte written through the other", seen, 77)
}
