//! Memory that a picture lives in, shared by file descriptor.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arrayvec::ArrayVec;

use crate::{DescriptorError, FrameDescriptor, MAX_PLANES, Modifier};

/// Names a buffer for as long as the process lives. Never reused, unlike a descriptor number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(u64);

impl BufferId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The physical device and driver that made an opaque handle, and the only pair that can open it
/// (`VkPhysicalDeviceIDProperties`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId {
    /// `deviceUUID`.
    pub device_uuid: [u8; 16],
    /// `driverUUID`.
    pub driver_uuid: [u8; 16],
}

/// The most formats that [`OpaqueImage::view_formats`] holds.
pub const MAX_VIEW_FORMATS: usize = 8;

/// How the image in opaque memory was created. The importer must create its own in exactly the
/// same way (Vulkan specification, "External Memory": "identical parameters").
///
/// Numbers are those of `vulkan_core.h`. The type is 2D, the extent that of the descriptor, with
/// one mip level, one sample, exclusive sharing and an undefined initial layout.
///
/// The default is no image: opaque memory of `LINEAR` rows, which a buffer covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpaqueImage {
    /// `VkImageCreateInfo::format`.
    pub format: u32,
    /// `VkImageCreateInfo::flags`.
    pub flags: u32,
    /// `VkImageCreateInfo::usage`.
    pub usage: u32,
    /// `VkImageCreateInfo::tiling`: `OPTIMAL` 0 or `LINEAR` 1.
    pub tiling: u32,
    /// `VkImageCreateInfo::arrayLayers`. The picture is layer 0.
    pub array_layers: u32,
    /// The queue families that share the image (`VK_SHARING_MODE_CONCURRENT`): bit N for family N.
    /// 0 when one at a time owns it.
    pub queue_families: u32,
    /// `VkImageFormatListCreateInfo`; empty when there is none.
    pub view_formats: ArrayVec<u32, MAX_VIEW_FORMATS>,
    /// Whether the memory is a dedicated allocation (`VkMemoryDedicatedAllocateInfo`).
    pub dedicated: bool,
}

impl OpaqueImage {
    /// Whether the memory holds rows, as the descriptor says, and no image.
    pub fn is_rows(&self) -> bool {
        self.format == 0
    }
}

/// One memory object of a buffer. Owns its file descriptor.
#[derive(Debug)]
#[non_exhaustive]
pub enum MemoryHandle {
    /// A dma-buf. Any device that takes the modifier can import it.
    DmaBuf(OwnedFd),
    /// `VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT`. Only `device` can import it, and only with
    /// the same size and memory type (`VUID-VkMemoryAllocateInfo-allocationSize-01742`).
    OpaqueFd {
        /// The handle.
        fd: OwnedFd,
        /// Who exported it.
        device: DeviceId,
        /// `VkMemoryAllocateInfo::allocationSize`, in bytes.
        size: u64,
        /// `VkMemoryAllocateInfo::memoryTypeIndex`.
        memory_type: u32,
        /// The image that lies in it; the default where rows do.
        image: OpaqueImage,
    },
    /// A memfd in host memory, sealed against shrinking.
    Shm(OwnedFd),
}

impl MemoryHandle {
    /// What kind it is, in words: "dma-buf", "opaque fd" or "memfd".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DmaBuf(_) => "dma-buf",
            Self::OpaqueFd { .. } => "opaque fd",
            Self::Shm(_) => "memfd",
        }
    }
}

impl AsFd for MemoryHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::DmaBuf(fd) | Self::OpaqueFd { fd, .. } | Self::Shm(fd) => fd.as_fd(),
        }
    }
}

/// Memory and the shape of the picture in it. Made once by a source, read through many [`Frame`]s.
///
/// [`Frame`]: crate::Frame
#[derive(Debug)]
pub struct SharedBuffer {
    id: BufferId,
    descriptor: FrameDescriptor,
    memory: ArrayVec<MemoryHandle, MAX_PLANES>,
    opaque_rows: OnceLock<(u64, u64)>,
}

impl SharedBuffer {
    /// Joins memory and shape under a fresh id.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`] when they do not fit.
    pub fn new(
        descriptor: FrameDescriptor,
        memory: ArrayVec<MemoryHandle, MAX_PLANES>,
    ) -> Result<Arc<Self>, DescriptorError> {
        descriptor.check(memory.len())?;
        let opaque = matches!(memory[..], [MemoryHandle::OpaqueFd { .. }]);
        if descriptor.modifier == Modifier::INVALID && !opaque {
            return Err(DescriptorError::NoModifier(descriptor.fourcc));
        }
        let opaque_rows = OnceLock::new();
        Ok(Arc::new(Self { id: BufferId::next(), descriptor, memory, opaque_rows }))
    }

    /// The key under which importers cache their view of this buffer.
    pub fn id(&self) -> BufferId {
        self.id
    }

    /// The shape of the picture.
    pub fn descriptor(&self) -> &FrameDescriptor {
        &self.descriptor
    }

    /// Where the rows of opaque memory with tiling `LINEAR` lie: bytes to the first one, and from one
    /// to the next. Only its driver knows: `None` until an importer has asked.
    pub fn opaque_rows(&self) -> Option<(u64, u64)> {
        self.opaque_rows.get().copied()
    }

    /// Keeps for others what the driver said, see [`opaque_rows`](Self::opaque_rows).
    pub fn set_opaque_rows(&self, rows: (u64, u64)) {
        let _ = self.opaque_rows.set(rows);
    }

    /// The memory objects that [`PlaneLayout::object`](crate::PlaneLayout::object) counts.
    pub fn memory(&self) -> &[MemoryHandle] {
        &self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, Extent, Fourcc, PlaneLayout};

    #[test]
    fn an_implicit_modifier_is_refused_by_name() {
        let descriptor = FrameDescriptor {
            extent: Extent { width: 2, height: 2 },
            fourcc: Fourcc::NV12,
            modifier: Modifier::INVALID,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 2 }]),
            color: Color::BT709,
        };
        let memory = MemoryHandle::DmaBuf(std::fs::File::open("/dev/null").unwrap().into());
        let err = SharedBuffer::new(descriptor, ArrayVec::from_iter([memory])).unwrap_err();
        assert_eq!(err.to_string(), "the NV12 picture has no explicit modifier");
    }
}
