//! Pictures in each kind of memory, and what CUDA makes of them.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_bridge::{Bridge, Way};
use zerohop_cuda::Pinned;
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fallback, Fourcc, Frame, FrameDescriptor, FrameInfo,
    MAX_PLANES, MemoryHandle, Modifier, OpaqueImage, PlaneLayout, Recycle, Release, SharedBuffer,
    SyncPoint, pattern,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_vulkan::{Copies, Image, Queue, wait_on_cpu, write_picture};

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
    let stream = Arc::clone(bridge.stream());
    let crossed = bridge.cross(&picture.frame, &picture.image)?;
    let (row, rows) = crossed.size();
    let target = Arc::new(Pinned::new(stream.device(), row, rows)?);
    wait_on_cpu(&crossed.ready)?;
    crossed.copy(&stream, &target)?;
    stream.submit()?.wait("a copy", Duration::from_secs(20))?;
    let is_array = crossed.array().is_some();
    let (way, copies, fallback) = (crossed.way, crossed.copies, crossed.fallback.clone());
    let mut bytes = Vec::new();
    for (plane, at) in picture.image.planes().iter().zip(&crossed.shape.planes) {
        for y in 0..plane.extent().height as usize {
            let start = at.offset as usize + y * at.stride as usize;
            bytes.extend_from_slice(&target.bytes()[start..][..plane.row_bytes()]);
        }
    }
    Ok(Seen { way, copies, fallback, bytes, is_array })
}

/// One in an image of an application's.
pub(crate) fn opaque(
    queue: &Arc<Queue>,
    fourcc: Fourcc,
    extent: Extent,
    like: &OpaqueImage,
) -> Result<Picture, BoxError> {
    opaque_with(queue, fourcc, extent, like, |_| {})
}

/// The same, of what `change` makes of its bytes.
pub(crate) fn opaque_with(
    queue: &Arc<Queue>,
    fourcc: Fourcc,
    extent: Extent,
    like: &OpaqueImage,
    change: impl FnOnce(&mut [u8]),
) -> Result<Picture, BoxError> {
    let made = Image::create_for(queue.device(), extent, fourcc, like)?;
    let made = Arc::new(made);
    let mut bytes = noise(made.bytes());
    change(&mut bytes);
    write_picture(queue, &made, &bytes)?;
    let nowhere = PlaneLayout { object: 0, offset: 0, stride: 0 };
    let planes = made.planes().iter().map(|_| nowhere).collect();
    let shape = (fourcc, extent, Modifier::INVALID, planes);
    imported(queue, shape, made.export()?, bytes)
}

/// One in a memfd, or what `handle` makes of it: in rows, each plane's at multiples of 64 bytes.
pub(crate) fn linear(
    queue: &Arc<Queue>,
    fourcc: Fourcc,
    extent: Extent,
    handle: impl FnOnce(Memfd) -> std::io::Result<MemoryHandle>,
) -> Result<Picture, BoxError> {
    let known = fourcc.planes().ok_or("an unknown format")?;
    let (mut end, mut planes, mut bytes) = (64, ArrayVec::new(), Vec::new());
    for plane in &known {
        let row = u32::try_from(plane.row_bytes(extent))?;
        let layout = PlaneLayout { object: 0, offset: end, stride: row.next_multiple_of(256) };
        planes.push(layout);
        end += layout.stride * plane.extent(extent).height;
        bytes.extend(noise(u64::from(row * plane.extent(extent).height)));
    }
    let memfd = Memfd::create("picture", u64::from(end).next_multiple_of(4096))?;
    let mut mapping = MappingMut::new(&memfd)?;
    let mut left = &bytes[..];
    for (plane, layout) in known.iter().zip(&planes) {
        for y in 0..plane.extent(extent).height {
            let (row, rest) = left.split_at(usize::try_from(plane.row_bytes(extent))?);
            let start = (layout.offset + y * layout.stride) as usize;
            mapping.as_mut_slice()[start..][..row.len()].copy_from_slice(row);
            left = rest;
        }
    }
    drop(mapping);
    imported(queue, (fourcc, extent, Modifier::LINEAR, planes), handle(memfd)?, bytes)
}

type Planes = ArrayVec<PlaneLayout, MAX_PLANES>;

/// What is no pattern that a proof knows.
fn noise(bytes: u64) -> Vec<u8> {
    pattern(bytes as usize + 5)[5..].to_vec()
}

fn imported(
    queue: &Arc<Queue>,
    (fourcc, extent, modifier, planes): (Fourcc, Extent, Modifier, Planes),
    memory: MemoryHandle,
    bytes: Vec<u8>,
) -> Result<Picture, BoxError> {
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
