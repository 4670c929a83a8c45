//! Memory objects with rows in them, as buffers: what shaders read where no image can be made, and
//! what images are copied from.

use std::os::fd::AsFd;
use std::sync::Arc;

use ash::vk;
use zerohop_frame::{FrameDescriptor, MemoryHandle, PlaneLayout};

use crate::memory::Opaque;
use crate::ownership::Use;
use crate::pixels::Mapping;
use crate::{Buffer, Copies, Device, Error, HostBuffer};

/// One memory object as a buffer.
pub(crate) enum Lines {
    /// A memfd, or memory that the CPU brings to the device.
    Host(HostBuffer),
    /// A dma-buf, or opaque memory.
    Device(Arc<Buffer>),
}

/// How the device gets at a memory object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It sees the very memory.
    Shared,
    /// The CPU copies it.
    Copied,
}

impl Lines {
    /// Memory object `object` of a picture whose planes end in it, as `descriptor` says.
    pub(crate) fn import(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        (object, handle): (usize, &MemoryHandle),
        reach: Reach,
    ) -> Result<Self, Error> {
        let of_object = |plane: &usize| descriptor.planes[*plane].object == object;
        let planes = (0..descriptor.planes.len()).filter(of_object);
        let needs = planes.map(|plane| descriptor.end(plane)).max().unwrap_or(0);
        let lines = match (handle, reach) {
            (MemoryHandle::Shm(fd), _) => {
                let share = reach == Reach::Shared;
                let host = HostBuffer::adopt(device, fd.as_fd(), needs, share)?;
                if share && !host.is_shared() {
                    return Err(Error::Missing("VK_EXT_external_memory_host for this memfd"));
                }
                Self::Host(host)
            }
            (MemoryHandle::DmaBuf(fd), Reach::Shared) if !device.capabilities().dma_buf => {
                Self::Host(HostBuffer::share_dma_buf(device, fd.as_fd())?)
            }
            (MemoryHandle::DmaBuf(fd), Reach::Shared) => {
                // Shaders read whole words.
                let size = needs.next_multiple_of(4);
                let buffer = Buffer::import(device, fd.as_fd(), size)?;
                Self::Device(Arc::new(buffer))
            }
            (MemoryHandle::OpaqueFd { fd, size, memory_type, .. }, Reach::Shared) => {
                let memory = Opaque { fd: fd.as_fd(), size: *size, memory_type: *memory_type };
                let buffer = Buffer::of_opaque(device, &memory, needs.next_multiple_of(4))?;
                Self::Device(Arc::new(buffer))
            }
            (MemoryHandle::DmaBuf(fd), Reach::Copied) => {
                Self::Host(HostBuffer::of_dma_buf(device, fd.as_fd())?)
            }
            _ => return Err(Error::Unsupported("this kind of memory as a buffer")),
        };
        let (needs, most) = (lines.buffer().size(), device.longest_buffer());
        if needs > most { Err(Error::TooLarge { needs, most }) } else { Ok(lines) }
    }

    pub(crate) fn buffer(&self) -> &Arc<Buffer> {
        match self {
            Self::Host(host) => host.buffer(),
            Self::Device(buffer) => buffer,
        }
    }

    /// The CPU's part in making what its maker wrote visible, for each picture before its submission.
    pub(crate) fn send(&self) -> Result<(), Error> {
        if let Self::Host(host) = self { host.send() } else { Ok(()) }
    }

    /// Makes what its maker wrote, and [`send`](Self::send) sent, visible to the commands that follow.
    pub(crate) fn acquire(&self, commands: vk::CommandBuffer) {
        self.buffer().acquire(commands, Use::Read);
    }

    /// Gives the memory back.
    pub(crate) fn release(&self, commands: vk::CommandBuffer) {
        self.buffer().release(commands, Use::Read);
    }

    /// Whether the CPU has a part in making it visible, and so must wait for the picture.
    pub(crate) fn needs_cpu(&self) -> bool {
        matches!(self, Self::Host(host) if host.needs_cpu())
    }

    /// What it costs to make it visible.
    pub(crate) fn copies(&self) -> Copies {
        match self {
            Self::Host(host) if !host.is_shared() => {
                Copies { cpu_bytes: host.memory().size() as u64, gpu: 0 }
            }
            _ => Copies::default(),
        }
    }

    /// The rows of `plane`, each of `row` bytes, where the CPU can read them in place.
    pub(crate) fn map(&self, plane: PlaneLayout, row: usize, rows: u32) -> Option<Mapping> {
        let (start, size) = match self {
            Self::Host(host) if host.is_readable() => {
                (host.memory().pointer(), host.memory().size())
            }
            Self::Host(_) => return None,
            Self::Device(buffer) => (buffer.pointer()?, usize::try_from(buffer.size()).ok()?),
        };
        let (offset, stride) = (plane.offset as usize, plane.stride as usize);
        let length = stride * (rows as usize).checked_sub(1)? + row;
        if offset.checked_add(length)? > size {
            return None;
        }
        // SAFETY: the check.
        let pointer = unsafe { start.add(offset) };
        Some(Mapping { pointer: pointer.cast_const(), length, stride })
    }
}
