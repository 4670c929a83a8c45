//! Pictures in memfds and dma-bufs, in rows, read where they lie.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use zerohop_frame::{BoxError, Frame, FrameDescriptor, MemoryHandle, Modifier};
use zerohop_kernel::{Mapping, Memfd, begin_cpu_access, end_cpu_access};

use crate::Error;

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);

/// The memory of a picture, mapped.
pub(crate) struct Memory {
    mappings: Vec<Mapping>,
    /// Those that must hear when we are done.
    dma_bufs: Vec<OwnedFd>,
}

impl Memory {
    /// The bytes of each memory object.
    pub(crate) fn objects(&self) -> Vec<&[u8]> {
        self.mappings.iter().map(Mapping::as_slice).collect()
    }

    fn map(&mut self, handle: &MemoryHandle) -> Result<(), BoxError> {
        let fd = handle.as_fd().try_clone_to_owned()?;
        match handle {
            MemoryHandle::Shm(_) => self.mappings.push(Mapping::new(&Memfd::try_from(fd)?)?),
            _ => {
                self.mappings.push(Mapping::of_dma_buf(fd.as_fd())?);
                begin_cpu_access(fd.as_fd())?;
                self.dma_bufs.push(fd);
            }
        }
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // We wrote nothing, so nobody is worse off when this fails.
        self.dma_bufs.iter().for_each(|dma_buf| drop(end_cpu_access(dma_buf.as_fd())));
    }
}

/// Waits until the picture is complete and maps its memory.
pub(crate) fn open(frame: &Frame) -> Result<Memory, Error> {
    let shape = frame.buffer().descriptor();
    let plain =
        |handle: &MemoryHandle| matches!(handle, MemoryHandle::Shm(_) | MemoryHandle::DmaBuf(_));
    let handles = frame.buffer().memory();
    if shape.modifier != Modifier::LINEAR || !handles.iter().all(plain) {
        return Err(Error::Format { fourcc: shape.fourcc });
    }
    let sequence = frame.info().sequence;
    let unreadable = |source| Error::Unreadable { sequence, source };
    match frame.acquire().wait(COMPLETE_WITHIN) {
        Ok(true) => {}
        Ok(false) => {
            return Err(unreadable(format!("not complete after {COMPLETE_WITHIN:?}").into()));
        }
        Err(err) => return Err(unreadable(err.into())),
    }
    let mut memory = Memory { mappings: Vec::new(), dma_bufs: Vec::new() };
    handles.iter().try_for_each(|handle| memory.map(handle)).map_err(unreadable)?;
    Ok(memory)
}

/// The rows of a picture in `objects`, plane by plane, without their padding; `None` when they are
/// of no format that is known here, or not all there.
pub(crate) fn rows<'a>(shape: &FrameDescriptor, objects: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
    let planes = shape.fourcc.planes()?;
    if shape.modifier != Modifier::LINEAR || shape.planes.len() != planes.len() {
        return None;
    }
    let mut rows = Vec::new();
    for (layout, plane) in shape.planes.iter().zip(planes) {
        let memory = *objects.get(layout.object)?;
        let width = usize::try_from(plane.row_bytes(shape.extent)).ok()?;
        for row in 0..plane.extent(shape.extent).height as usize {
            let start = layout.offset as usize + row * layout.stride as usize;
            rows.push(memory.get(start..start + width)?);
        }
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{Color, Extent, Fourcc, PlaneLayout};

    use super::*;

    #[test]
    fn rows_are_those_of_the_picture_and_all_in_memory() {
        let plane = |offset, stride| PlaneLayout { object: 0, offset, stride };
        let mut shape = FrameDescriptor {
            extent: Extent { width: 3, height: 3 },
            fourcc: Fourcc::YUV420,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([plane(0, 4), plane(12, 2), plane(16, 2)]),
            color: Color::BT709,
        };
        let memory: Vec<u8> = (0..20).collect();
        let wanted: [&[u8]; 7] =
            [&[0, 1, 2], &[4, 5, 6], &[8, 9, 10], &[12, 13], &[14, 15], &[16, 17], &[18, 19]];
        assert_eq!(rows(&shape, &[&memory]).unwrap(), wanted);
        assert!(rows(&shape, &[&memory[..19]]).is_none());
        shape.fourcc = Fourcc::NV12;
        assert!(rows(&shape, &[&memory]).is_none(), "it has two planes");
    }
}
