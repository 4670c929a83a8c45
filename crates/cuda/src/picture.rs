//! The application's pictures.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use zerohop_frame::{FrameDescriptor, MemoryHandle, OpaqueImage, SharedBuffer};
use zerohop_kernel::Memfd;

use crate::abi::{ArrayDesc, COLOR_ATTACHMENT, SURFACE_LDST};
use crate::format::array_of;
use crate::{Array, Buffer, Device, Error, Locked, Memory, Place, Surface, Uuid};

/// `VK_IMAGE_TILING_LINEAR`.
const LINEAR: u32 = 1;
/// `VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT`.
const USAGE_COLOR_ATTACHMENT: u32 = 0x10;

/// A picture of the application's in the memory where it was drawn.
pub struct Picture {
    body: Body,
    row_bytes: usize,
    rows: usize,
}

/// Where the rows of a picture with tiling `LINEAR` lie (`vkGetImageSubresourceLayout`), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// To the first one.
    pub offset: u64,
    /// From one to the next.
    pub pitch: u64,
}

enum Body {
    Array(Array),
    Rows { buffer: Buffer, pitch: usize },
    Locked { locked: Locked, offset: usize, pitch: usize },
}

impl Picture {
    /// The picture of `buffer`, which came as `OPAQUE_FD` of this very GPU and was imported by Vulkan
    /// before (see [`Memory::import`]), or in a memfd, which is locked and which the device reads across
    /// the bus. `rows` are for an image of tiling `LINEAR` only; where memory holds rows and no image,
    /// the descriptor says where. Rows of several planes are one long row, from the first byte of the
    /// first plane to the last of all.
    ///
    /// # Errors
    ///
    /// [`Error::NotImportable`], [`Error::Format`], [`Error::TooSmall`], [`Error::Call`].
    pub fn import(
        device: &Arc<Device>,
        buffer: &SharedBuffer,
        rows: Option<Rows>,
    ) -> Result<Self, Error> {
        if let [MemoryHandle::Shm(fd)] = buffer.memory() {
            return Self::locked(device, fd.as_fd(), buffer.descriptor());
        }
        let [MemoryHandle::OpaqueFd { fd, device: owner, size, image, .. }] = buffer.memory()
        else {
            let kinds = buffer.memory().iter().map(kind).collect::<Vec<_>>().join(", ");
            return Err(Error::NotImportable(format!("memory other than OPAQUE_FD: {kinds}")));
        };
        let owner = Uuid(owner.device_uuid);
        if owner != device.gpu().uuid {
            return Err(Error::NotImportable(format!("memory of another device, {owner}")));
        }
        let shape = buffer.descriptor();
        let import = || Memory::import(device, fd.as_fd(), *size, image.dedicated);
        if image.is_rows() {
            let (rows, row_bytes, count) = described(shape)?;
            check(*size, row_bytes, count, Some(rows))?;
            let body = Body::rows(&import()?, rows, row_bytes, count)?;
            return Ok(Self { body, row_bytes, rows: count });
        }
        let (desc, pixel) = array_of(shape.fourcc, shape.extent, flags(image)?)?;
        let (row_bytes, count) = (desc.width * pixel, desc.height);
        // What does not fit is refused before the driver sees it.
        check(*size, row_bytes, count, rows)?;
        let memory = import()?;
        let body = if image.tiling == LINEAR {
            let rows =
                rows.ok_or_else(|| Error::NotImportable("LINEAR rows nobody knows".into()))?;
            Body::rows(&memory, rows, row_bytes, count)?
        } else {
            Body::Array(Array::map(&memory, desc)?)
        };
        Ok(Self { body, row_bytes, rows: count })
    }

    /// A picture in a memfd. No more of that is locked than the picture needs.
    fn locked(
        device: &Arc<Device>,
        fd: BorrowedFd<'_>,
        shape: &FrameDescriptor,
    ) -> Result<Self, Error> {
        let os = |doing| move |source| Error::Os { doing, source };
        let memfd = fd.try_clone_to_owned().map_err(os("duplicate a descriptor"))?;
        let memfd = Memfd::try_from(memfd).map_err(|err| Error::NotImportable(err.to_string()))?;
        let (rows, row_bytes, count) = described(shape)?;
        check(memfd.size(), row_bytes, count, Some(rows))?;
        let locked = Locked::first(device, &memfd, span(rows, row_bytes, count), row_bytes)?;
        // Both are within the memfd, which is mapped as a whole.
        let [offset, pitch] =
            [rows.offset, rows.pitch].map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(Self { body: Body::Locked { locked, offset, pitch }, row_bytes, rows: count })
    }

    /// The array, of a picture with tiling `OPTIMAL`: what an encoder takes as it is.
    pub fn array(&self) -> Option<&Array> {
        match &self.body {
            Body::Array(array) => Some(array),
            Body::Rows { .. } | Body::Locked { .. } => None,
        }
    }

    /// How it came in, for the report.
    pub fn handle(&self) -> &'static str {
        match self.body {
            Body::Array(_) => "opaque_fd as an array",
            Body::Rows { .. } => "opaque_fd as a pointer",
            Body::Locked { .. } => "a memfd in the memory of the process",
        }
    }

    /// What the array would be, for an encoder that wants to know before.
    pub fn desc(&self) -> Option<&ArrayDesc> {
        self.array().map(Array::desc)
    }
}

impl Body {
    fn rows(memory: &Arc<Memory>, rows: Rows, bytes: usize, count: usize) -> Result<Self, Error> {
        let size = span(rows, bytes, count) - rows.offset;
        let buffer = Buffer::map(memory, rows.offset, size)?;
        Ok(Self::Rows { buffer, pitch: usize::try_from(rows.pitch).unwrap_or(usize::MAX) })
    }
}

// SAFETY: the array or the rows lie in memory that `body` holds, and were checked against its size.
unsafe impl Surface for Picture {
    fn place(&self) -> Place {
        match &self.body {
            Body::Array(array) => Place::Array(array.raw()),
            Body::Rows { buffer, pitch } => {
                Place::Device { pointer: buffer.pointer(), pitch: *pitch }
            }
            Body::Locked { locked, offset, pitch } => {
                Place::Host { pointer: locked.pointer().wrapping_add(*offset), pitch: *pitch }
            }
        }
    }

    fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

fn kind(handle: &MemoryHandle) -> &'static str {
    match handle {
        MemoryHandle::DmaBuf(_) => "a dma-buf",
        MemoryHandle::OpaqueFd { .. } => "one of several OPAQUE_FD",
        _ => "one of several memfds",
    }
}

/// The array's flags. Encoders want `CUDA_ARRAY3D_SURFACE_LDST` of theirs (`nvEncodeAPI.h`,
/// `NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY`), and an array is mapped once. "If the mipmapped array is bound as a color target in the graphics API, then
/// the flag CUDA_ARRAY3D_COLOR_ATTACHMENT must be specified"
/// (`cuExternalMemoryGetMappedMipmappedArray`).
fn flags(image: &OpaqueImage) -> Result<u32, Error> {
    if image.array_layers != 1 {
        let layers = image.array_layers;
        return Err(Error::NotImportable(format!("an image of {layers} layers")));
    }
    let drawn = image.usage & USAGE_COLOR_ATTACHMENT != 0;
    Ok(if drawn { SURFACE_LDST | COLOR_ATTACHMENT } else { SURFACE_LDST })
}

/// Where the rows of a picture lie that is no image, the bytes of each, and how many there are.
fn described(shape: &FrameDescriptor) -> Result<(Rows, usize, usize), Error> {
    let first = shape.planes[0];
    let offset = first.offset.into();
    if let [plane] = shape.planes[..] {
        let (desc, pixel) = array_of(shape.fourcc, shape.extent, 0)?;
        let rows = Rows { offset, pitch: plane.stride.into() };
        return Ok((rows, desc.width * pixel, desc.height));
    }
    if shape.planes.iter().any(|plane| plane.offset < first.offset) {
        return Err(Error::NotImportable("planes before the first one".into()));
    }
    let end = (0..shape.planes.len()).map(|plane| shape.end(plane)).max().unwrap_or(0);
    let pitch = end - offset;
    let all = usize::try_from(pitch).map_err(|_| Error::TooSmall { needs: end, has: 0 })?;
    Ok((Rows { offset, pitch }, all, 1))
}

/// One past the last byte of the rows.
fn span(rows: Rows, bytes: usize, count: usize) -> u64 {
    let before = rows.pitch.saturating_mul(count.saturating_sub(1) as u64);
    rows.offset.saturating_add(before).saturating_add(bytes as u64)
}

/// Refuses memory that cannot hold the picture: of an array it must have the pixels at least.
fn check(size: u64, bytes: usize, count: usize, rows: Option<Rows>) -> Result<(), Error> {
    let least = Rows { offset: 0, pitch: bytes as u64 };
    let rows = rows.unwrap_or(least);
    if rows.pitch < least.pitch {
        let why = format!("rows of {bytes} bytes, {} apart", rows.pitch);
        return Err(Error::NotImportable(why));
    }
    let needs = span(rows, bytes, count);
    if needs > size { Err(Error::TooSmall { needs, has: size }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_cannot_hold_the_rows_is_refused_with_the_numbers() {
        let rows = Rows { offset: 16, pitch: 64 };
        assert!(check(16 + 64 * 2 + 40, 40, 3, Some(rows)).is_ok());
        let err = check(16 + 64 * 2 + 39, 40, 3, Some(rows)).unwrap_err();
        assert_eq!(err.to_string(), "the picture needs 184 bytes, the memory has 183");
        assert!(check(u64::MAX, 65, 3, Some(rows)).is_err(), "rows that overlap");
        let far = Rows { offset: u64::MAX, pitch: u64::MAX };
        assert!(check(1 << 40, 1, 3, Some(far)).is_err(), "no overflow");
        assert!(check(119, 40, 3, None).is_err());
    }
}
