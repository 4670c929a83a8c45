//! Pictures of the known pattern, made as the pictures are that are to come.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Damage, Extent, FormatPlane, Frame, FrameDescriptor, FrameInfo, MAX_PLANES, MemoryHandle,
    Modifier, OpaqueImage, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint, pattern,
};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_vulkan::{Image, Queue, read_back, write_picture};

use crate::Error;

/// Several tiles of any tiling across and down, and rows that end inside of one.
const SIZE: Extent = Extent { width: 334, height: 70 };

/// A picture, and what it looks like.
pub(crate) struct Sample {
    pub(crate) frame: Arc<Frame>,
    pub(crate) image: Arc<Image>,
    /// All planes in order, rows without padding.
    pub(crate) bytes: Vec<u8>,
}

impl Sample {
    /// One in the same kind of memory as `frame`: of our own making, where we can make such memory
    /// (opaque memory whose tiling the driver chose, a memfd, a linear dma-buf where there is
    /// `/dev/udmabuf`). Else it is the picture itself, as Vulkan reads it.
    pub(crate) fn like(
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Self, Error> {
        let shape = frame.buffer().descriptor();
        let linear = shape.modifier == Modifier::LINEAR;
        let chosen = shape.modifier == Modifier::INVALID;
        let made = match frame.buffer().memory() {
            [MemoryHandle::OpaqueFd { image, .. }] if !image.is_rows() && chosen => {
                Some(opaque(queue, shape, image)?)
            }
            [MemoryHandle::Shm(_), ..] => Some(rows(queue, shape, |memfd| Ok(shm(memfd)))?),
            [MemoryHandle::DmaBuf(_), ..] if linear => rows(queue, shape, dma_buf).ok(),
            _ => None,
        };
        match made {
            Some(made) => Ok(made),
            None => {
                let bytes = read_back(queue, frame, image)?.bytes;
                Ok(Self { frame: Arc::clone(frame), image: Arc::clone(image), bytes })
            }
        }
    }
}

fn shm(memfd: Memfd) -> MemoryHandle {
    MemoryHandle::Shm(memfd.into())
}

fn dma_buf(memfd: Memfd) -> std::io::Result<MemoryHandle> {
    udmabuf(&memfd).map(MemoryHandle::DmaBuf)
}

/// An image as the application's.
fn opaque(
    queue: &Arc<Queue>,
    shape: &FrameDescriptor,
    like: &OpaqueImage,
) -> Result<Sample, Error> {
    let image = Arc::new(Image::create_for(queue.device(), SIZE, shape.fourcc, like)?);
    let bytes = pattern(usize::try_from(image.bytes()).unwrap_or(0));
    write_picture(queue, &image, &bytes)?;
    let shape = FrameDescriptor { extent: SIZE, ..shape.clone() };
    let memory = ArrayVec::from_iter([image.export()?]);
    let frame = frame(SharedBuffer::new(shape, memory)?);
    // As it will come: imported.
    let image = Arc::new(Image::import(queue.device(), frame.buffer())?);
    Ok(Sample { frame, image, bytes })
}

/// Rows in a memfd, or what is made of one.
fn rows(
    queue: &Arc<Queue>,
    shape: &FrameDescriptor,
    handle: impl FnOnce(Memfd) -> std::io::Result<MemoryHandle>,
) -> Result<Sample, Error> {
    let known = shape.fourcc.planes().ok_or(zerohop_vulkan::Error::Format(shape.fourcc))?;
    let (layouts, size) = lay_out(&known);
    let os = |doing| move |source| Error::Os { doing, source };
    let memfd = Memfd::create("zerohop-proof", size).map_err(os("create a memfd"))?;
    let bytes = fill(&memfd, &known, &layouts).map_err(os("map a memfd"))?;
    let memory = handle(memfd).map_err(os("make a dma-buf of a memfd"))?;
    let shape = FrameDescriptor { extent: SIZE, planes: layouts, ..shape.clone() };
    let frame = frame(SharedBuffer::new(shape, ArrayVec::from_iter([memory]))?);
    let image = Arc::new(Image::import(queue.device(), frame.buffer())?);
    Ok(Sample { frame, image, bytes })
}

/// Rows that begin at multiples of 256 bytes, as most devices like them, and whole pages.
fn lay_out(planes: &[FormatPlane]) -> (ArrayVec<PlaneLayout, MAX_PLANES>, u64) {
    let mut offset = 0_u32;
    let place = |plane: &FormatPlane| {
        let row = u32::try_from(plane.row_bytes(SIZE)).unwrap_or(u32::MAX);
        let layout = PlaneLayout { object: 0, offset, stride: row.next_multiple_of(256) };
        offset += layout.stride * plane.extent(SIZE).height;
        layout
    };
    let layouts = planes.iter().map(place).collect();
    (layouts, u64::from(offset).next_multiple_of(4096))
}

fn fill(
    memfd: &Memfd,
    planes: &[FormatPlane],
    layouts: &[PlaneLayout],
) -> std::io::Result<Vec<u8>> {
    let row = |plane: &FormatPlane| usize::try_from(plane.row_bytes(SIZE)).unwrap_or(0);
    let all = planes.iter().map(|plane| row(plane) * plane.extent(SIZE).height as usize).sum();
    let bytes = pattern(all);
    let mut mapping = MappingMut::new(memfd)?;
    let mut left = &bytes[..];
    for (plane, layout) in planes.iter().zip(layouts) {
        for y in 0..plane.extent(SIZE).height as usize {
            let (line, rest) = left.split_at(row(plane));
            let start = layout.offset as usize + y * layout.stride as usize;
            mapping.as_mut_slice()[start..][..line.len()].copy_from_slice(line);
            left = rest;
        }
    }
    Ok(bytes)
}

fn frame(buffer: Arc<SharedBuffer>) -> Arc<Frame> {
    /// Nobody waits for the picture.
    struct Nobody;
    impl Recycle for Nobody {
        fn recycle(&self, _: Release) {}
    }
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence: 0, timestamp, presented, damage: Damage::Unknown };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}
