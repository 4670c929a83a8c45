//! Pictures in each kind of memory, and what CUDA makes of them.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_bridge::{Bridge, Way};
use zerohop_cuda::Pinned;
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fallback, Fourcc, Frame, FrameDescriptor, FrameInfo,
    MemoryHandle, Modifier, OpaqueImage, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
    pattern,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_vulkan::{Copies, Image, PixelFormat, Queue, wait_on_cpu, write_picture};

/// A picture, and what it looks like.
pub(crate) struct Picture {
    pub(crate) frame: Arc<Frame>,
    pub(crate) image: Arc<Image>,
    pub(crate) bytes: Vec<u8>,
}

/// What CUDA has of a picture, and how it came.
pub(crate) struct Seen {
    pub(crate) way: Way,
    pub(crate) copies: Copies,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_array: bool,
}

/// Brings a picture into CUDA, and reads it there.
pub(crate) fn see(bridge: &mut Bridge, picture: &Picture) -> Result<Seen, BoxError> {
    let plane = &picture.image.planes()[0];
    let (row, rows) = (plane.row_bytes(), plane.extent().height as usize);
    let stream = Arc::clone(bridge.stream());
    let target = Arc::new(Pinned::new(stream.device(), row, rows)?);
    let crossed = bridge.cross(&picture.frame, &picture.image)?;
    wait_on_cpu(&crossed.ready)?;
    crossed.copy(&stream, &target)?;
    stream.submit()?.wait("a copy", Duration::from_secs(20))?;
    let is_array = crossed.array().is_some();
    let (way, copies, fallback) = (crossed.way, crossed.copies, crossed.fallback.clone());
    Ok(Seen { way, copies, fallback, bytes: target.bytes().to_vec(), is_array })
}

/// One in an image of an application's.
pub(crate) fn opaque(
    queue: &Arc<Queue>,
    fourcc: Fourcc,
    extent: Extent,
    like: &OpaqueImage,
) -> Result<Picture, BoxError> {
    let made = Image::create(queue.device(), extent, PixelFormat::of(fourcc)?, like)?;
    let made = Arc::new(made);
    let bytes = noise(made.bytes());
    write_picture(queue, &made, &bytes)?;
    let plane = PlaneLayout { object: 0, offset: 0, stride: 0 };
    let shape = (fourcc, extent, Modifier::INVALID, plane);
    imported(queue, shape, made.export()?, bytes)
}

/// One in rows of `stride` bytes in a memfd, or what `handle` makes of it.
pub(crate) fn linear(
    queue: &Arc<Queue>,
    fourcc: Fourcc,
    extent: Extent,
    stride: u32,
    handle: impl FnOnce(Memfd) -> std::io::Result<MemoryHandle>,
) -> Result<Picture, BoxError> {
    let offset = 64;
    let size = u64::from(offset + stride * extent.height).next_multiple_of(4096);
    let memfd = Memfd::create("picture", size)?;
    let row = fourcc.planes().ok_or("an unknown format")?[0].row_bytes(extent) as usize;
    let bytes = noise(row as u64 * u64::from(extent.height));
    let mut mapping = MappingMut::new(&memfd)?;
    for (y, line) in bytes.chunks_exact(row).enumerate() {
        let start = offset as usize + y * stride as usize;
        mapping.as_mut_slice()[start..][..row].copy_from_slice(line);
    }
    drop(mapping);
    let plane = PlaneLayout { object: 0, offset, stride };
    imported(queue, (fourcc, extent, Modifier::LINEAR, plane), handle(memfd)?, bytes)
}

/// What is no pattern that a proof knows.
fn noise(bytes: u64) -> Vec<u8> {
    pattern(bytes as usize + 5)[5..].to_vec()
}

fn imported(
    queue: &Arc<Queue>,
    (fourcc, extent, modifier, plane): (Fourcc, Extent, Modifier, PlaneLayout),
    memory: MemoryHandle,
    bytes: Vec<u8>,
) -> Result<Picture, BoxError> {
    let planes = ArrayVec::from_iter([plane]);
    let shape = FrameDescriptor { extent, fourcc, modifier, planes, color: Color::SRGB };
    let frame = frame(SharedBuffer::new(shape, ArrayVec::from_iter([memory]))?);
    let image = Arc::new(Image::import(queue.device(), frame.buffer())?);
    Ok(Picture { frame, image, bytes })
}

pub(crate) fn frame(buffer: Arc<SharedBuffer>) -> Arc<Frame> {
    /// Nobody waits for the picture.
    struct Nobody;
    impl Recycle for Nobody {
        fn recycle(&self, _: Release) {}
    }
    let (timestamp, presented) = (Duration::ZERO, Duration::ZERO);
    let info = FrameInfo { sequence: 0, timestamp, presented, damage: Damage::Unknown };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}
