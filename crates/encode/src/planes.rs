//! The planes of a picture where they lie.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};

use zerohop_frame::{
    BufferId, Fourcc, FrameDescriptor, MemoryHandle, Modifier, PlaneLayout, SharedBuffer,
};
use zerohop_kernel::{Mapping, Memfd};
use zerohop_openh264::Picture;

use crate::Error;

/// Views of buffers, made on first sight and kept while their buffer lives.
#[derive(Default)]
pub(crate) struct Mappings(HashMap<BufferId, (Weak<SharedBuffer>, Mapping)>);

impl Mappings {
    /// The memory of `buffer`.
    pub(crate) fn of(&mut self, buffer: &Arc<SharedBuffer>) -> Result<&Mapping, Error> {
        if !self.0.contains_key(&buffer.id()) {
            self.0.retain(|_, (buffer, _)| buffer.strong_count() > 0);
            let view = (Arc::downgrade(buffer), map(buffer)?);
            self.0.insert(buffer.id(), view);
        }
        Ok(&self.0[&buffer.id()].1)
    }
}

fn map(buffer: &SharedBuffer) -> Result<Mapping, Error> {
    let fd = match buffer.memory() {
        [MemoryHandle::Shm(fd)] => fd.as_fd(),
        [MemoryHandle::DmaBuf(_)] => return Err(Error::Memory("a dma-buf")),
        [MemoryHandle::OpaqueFd { .. }] => return Err(Error::Memory("opaque device memory")),
        _ => return Err(Error::Memory("several objects")),
    };
    let memfd = Memfd::try_from(fd.try_clone_to_owned().map_err(Error::Map)?);
    Mapping::new(&memfd.map_err(Error::Memfd)?).map_err(Error::Map)
}

/// Finds the planes of `descriptor` in `memory`.
pub(crate) fn planes<'a>(
    descriptor: &FrameDescriptor,
    memory: &'a [u8],
) -> Result<Picture<'a>, Error> {
    let FrameDescriptor { extent, fourcc, modifier, ref planes, .. } = *descriptor;
    if fourcc != Fourcc::YUV420 || modifier != Modifier::LINEAR {
        return Err(Error::Format(fourcc));
    }
    let strides: Vec<u32> = planes.iter().map(|plane| plane.stride).collect();
    let [luma, chroma, other] = strides[..] else {
        return Err(Error::Strides { strides, width: extent.width });
    };
    if luma < extent.width || chroma != other || chroma < extent.width.div_ceil(2) {
        return Err(Error::Strides { strides, width: extent.width });
    }
    let plane = |plane, rows| slice(memory, plane, &planes[plane], rows);
    let half = extent.height.div_ceil(2);
    let planes = [plane(0, extent.height)?, plane(1, half)?, plane(2, half)?];
    Ok(Picture { planes, strides: [luma, chroma] })
}

/// `rows` whole rows from `layout.offset` on.
fn slice<'a>(
    memory: &'a [u8],
    plane: usize,
    layout: &PlaneLayout,
    rows: u32,
) -> Result<&'a [u8], Error> {
    let start = u64::from(layout.offset);
    let end = start + u64::from(layout.stride) * u64::from(rows);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let found = range.and_then(|(start, end)| memory.get(start..end));
    found.ok_or(Error::Plane { plane, end, size: memory.len() as u64 })
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{Color, Extent};

    use super::*;

    fn buffer() -> Arc<SharedBuffer> {
        let descriptor = FrameDescriptor {
            extent: Extent { width: 2, height: 2 },
            fourcc: Fourcc::YUV420,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 2 }]),
            color: Color::BT709,
        };
        let memory = MemoryHandle::Shm(Memfd::create("test", 6).unwrap().into());
        SharedBuffer::new(descriptor, ArrayVec::from_iter([memory])).unwrap()
    }

    #[test]
    fn a_buffer_is_mapped_once_and_until_it_is_gone() {
        let (one, two) = (buffer(), buffer());
        let mut mappings = Mappings::default();
        let first = mappings.of(&one).unwrap().as_slice().as_ptr();
        mappings.of(&two).unwrap();
        assert_eq!(mappings.of(&one).unwrap().as_slice().as_ptr(), first);
        drop(two);
        mappings.of(&buffer()).unwrap();
        assert_eq!(mappings.0.len(), 2, "the view of a dead buffer goes with the next new one");
    }
}
