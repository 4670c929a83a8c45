//! Pictures of two planes, one below the other.

use std::os::fd::AsFd as _;
use std::sync::Arc;

use zerohop_frame::{FrameDescriptor, MemoryHandle, SharedBuffer};

use crate::{Buffer, Device, Error, Memory, Place, Surface, Uuid};

/// Rows of luma and below them, equally far apart, those of a 4:2:0 picture's chroma (`NV12`, `P010`), in
/// opaque memory of rows: what an encoder takes as one surface.
pub struct Stacked {
    buffer: Buffer,
    pitch: usize,
    luma_rows: u32,
}

impl Stacked {
    /// The picture of `buffer`, which came as `OPAQUE_FD` of this very GPU and is rows, not an image.
    ///
    /// # Errors
    ///
    /// [`Error::NotImportable`], [`Error::TooSmall`], [`Error::Call`].
    pub fn import(device: &Arc<Device>, buffer: &SharedBuffer) -> Result<Arc<Self>, Error> {
        let refuse = |why: String| Err(Error::NotImportable(why));
        let [MemoryHandle::OpaqueFd { fd, device: owner, size, image, .. }] = buffer.memory()
        else {
            return refuse("planes in other memory than one OPAQUE_FD".into());
        };
        let owner = Uuid(owner.device_uuid);
        if owner != device.gpu().uuid {
            return refuse(format!("memory of another device, {owner}"));
        }
        let shape = buffer.descriptor();
        let Some((offset, pitch, luma_rows)) = layout(shape).filter(|_| image.is_rows()) else {
            return refuse(format!("planes of {} that are not one below the other", shape.fourcc));
        };
        let needs = pitch * u64::from(luma_rows + luma_rows / 2);
        let memory = Memory::import(device, fd.as_fd(), *size, image.dedicated)?;
        let buffer = Buffer::map(&memory, offset, needs)?;
        let pitch = usize::try_from(pitch).unwrap_or(usize::MAX);
        Ok(Arc::new(Self { buffer, pitch, luma_rows }))
    }

    /// The rows of luma, those below the picture too that are before the chroma. Even.
    pub fn luma_rows(&self) -> u32 {
        self.luma_rows
    }
}

/// First byte, bytes from row to row, and rows of luma.
fn layout(shape: &FrameDescriptor) -> Option<(u64, u64, u32)> {
    let [luma, chroma] = shape.planes[..] else { return None };
    let between = chroma.offset.checked_sub(luma.offset)?;
    let even = luma.stride == chroma.stride && luma.stride > 0;
    let rows = between.checked_div(luma.stride).filter(|_| even)?;
    let whole = between.is_multiple_of(luma.stride) && rows.is_multiple_of(2);
    let fits = whole && rows >= shape.extent.height;
    fits.then_some((luma.offset.into(), luma.stride.into(), rows))
}

// SAFETY: the rows lie in the buffer, which was mapped with room for all of them.
unsafe impl Surface for Stacked {
    fn place(&self) -> Place {
        Place::Device { pointer: self.buffer.pointer(), pitch: self.pitch }
    }

    fn row_bytes(&self) -> usize {
        self.pitch
    }

    fn rows(&self) -> usize {
        (self.luma_rows + self.luma_rows / 2) as usize
    }
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{Color, Extent, Fourcc, Modifier, PlaneLayout};

    use super::*;

    #[test]
    fn planes_are_one_surface_where_chroma_follows_whole_rows() {
        let plane = |offset, stride| PlaneLayout { object: 0, offset, stride };
        let of = |planes: [PlaneLayout; 2]| {
            let shape = FrameDescriptor {
                extent: Extent { width: 100, height: 50 },
                fourcc: Fourcc::NV12,
                modifier: Modifier::LINEAR,
                planes: ArrayVec::from_iter(planes),
                color: Color::BT709,
            };
            layout(&shape)
        };
        assert_eq!(of([plane(0, 128), plane(128 * 64, 128)]), Some((0, 128, 64)));
        assert_eq!(of([plane(256, 128), plane(256 + 128 * 50, 128)]), Some((256, 128, 50)));
        for odd in [
            [plane(0, 128), plane(128 * 64 + 1, 128)],
            [plane(0, 128), plane(128 * 48, 128)],
            [plane(0, 128), plane(128 * 51, 128)],
            [plane(0, 128), plane(128 * 64, 64)],
            [plane(128 * 64, 128), plane(0, 128)],
            [plane(0, 0), plane(0, 0)],
        ] {
            assert_eq!(of(odd), None, "{odd:?}");
        }
    }
}
