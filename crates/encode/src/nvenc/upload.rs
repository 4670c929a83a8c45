//! Converted pictures on their way to the GPU.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Weak};

use zerohop_cuda::{Locked, Part, Stream};
use zerohop_frame::{
    BufferId, Extent, Fourcc, Frame, FrameDescriptor, MemoryHandle, Modifier, SharedBuffer,
};
use zerohop_kernel::Memfd;
use zerohop_nvenc::{Encoder, Input};

use super::ring::Ring;
use crate::Error;

/// NV12 and P010 pictures in memfds, and surfaces on the GPU that they are copied to.
pub(super) struct Upload {
    stream: Arc<Stream>,
    /// Memfds, locked when they are seen for the first time.
    locked: HashMap<BufferId, (Weak<SharedBuffer>, Arc<Locked>)>,
    ring: Ring,
}

impl Upload {
    pub(super) fn new(stream: &Arc<Stream>, extent: Extent) -> Self {
        let (stream, locked, ring) = (Arc::clone(stream), HashMap::new(), Ring::new(extent));
        Self { stream, locked, ring }
    }

    pub(super) fn fits(&self, extent: Extent) -> bool {
        self.ring.extent() == extent
    }

    /// Queues the copy of `frame`'s picture to a surface that nobody reads, which is the input.
    pub(super) fn of<T: Send + 'static>(
        &mut self,
        frame: &Frame,
        encoder: &Encoder<T>,
    ) -> Result<Arc<Input>, Error> {
        let shape = frame.buffer().descriptor();
        let [luma, chroma] = planes(shape)?;
        let from = self.lock(frame.buffer(), luma.1)?;
        let (to, input) = self.ring.take(self.stream.device(), encoder)?;
        let height = self.ring.extent().height as usize;
        let (_, width) = encoder.format().rows(self.ring.extent());
        let strides = || Error::Strides {
            strides: shape.planes.iter().map(|plane| plane.stride).collect(),
            width: shape.extent.width,
        };
        for ((first, _), (at, rows)) in [(luma, (0, height)), (chroma, (height, height / 2))] {
            let from = Part::new(&from, first, rows, width).ok_or_else(strides)?;
            let to = Part::new(&to, at, rows, width).ok_or_else(strides)?;
            self.stream.copy(&from, &to)?;
        }
        Ok(input)
    }

    fn lock(&mut self, buffer: &Arc<SharedBuffer>, pitch: usize) -> Result<Arc<Locked>, Error> {
        if let Some((_, locked)) = self.locked.get(&buffer.id()) {
            return Ok(Arc::clone(locked));
        }
        self.locked.retain(|_, (buffer, _)| buffer.strong_count() > 0);
        let fd = match buffer.memory() {
            [MemoryHandle::Shm(fd)] => fd.as_fd(),
            _ => return Err(Error::Memory("device memory")),
        };
        let memfd = Memfd::try_from(fd.try_clone_to_owned().map_err(Error::Map)?);
        let memfd = memfd.map_err(Error::Memfd)?;
        let locked = Arc::new(Locked::new(self.stream.device(), &memfd, pitch)?);
        self.locked.insert(buffer.id(), (Arc::downgrade(buffer), Arc::clone(&locked)));
        Ok(locked)
    }
}

/// First row and stride of luma and of chroma.
fn planes(shape: &FrameDescriptor) -> Result<[(usize, usize); 2], Error> {
    let known = matches!(shape.fourcc, Fourcc::NV12 | Fourcc::P010);
    if !known || shape.modifier != Modifier::LINEAR {
        return Err(Error::Format(shape.fourcc));
    }
    let strides = || Error::Strides {
        strides: shape.planes.iter().map(|plane| plane.stride).collect(),
        width: shape.extent.width,
    };
    let [luma, chroma] = &shape.planes[..] else { return Err(strides()) };
    let stride = luma.stride;
    let whole =
        [luma, chroma].iter().all(|it| it.stride == stride && it.offset % stride.max(1) == 0);
    if !whole || stride < shape.extent.width {
        return Err(strides());
    }
    Ok([luma, chroma].map(|plane| ((plane.offset / stride) as usize, stride as usize)))
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{Color, PlaneLayout};

    use super::*;

    #[test]
    fn planes_begin_with_whole_rows() {
        let plane = |offset, stride| PlaneLayout { object: 0, offset, stride };
        let mut shape = FrameDescriptor {
            extent: Extent { width: 100, height: 50 },
            fourcc: Fourcc::NV12,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([plane(0, 128), plane(128 * 64, 128)]),
            color: Color::BT709,
        };
        assert_eq!(planes(&shape).unwrap(), [(0, 128), (64, 128)]);
        shape.planes[1].offset += 1;
        assert!(matches!(planes(&shape), Err(Error::Strides { .. })));
        shape.planes[1] = plane(0, 0);
        shape.planes[0] = plane(0, 0);
        assert!(planes(&shape).is_err());
    }
}
