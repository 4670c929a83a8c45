//! Pictures of the known pattern, in memory of every kind.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MAX_PLANES,
    MemoryHandle, Modifier, OpaqueImage, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
    pattern,
};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_vulkan::{Device, Image, PixelFormat, Queue, opaque_for, write_picture};

use super::EXTENT;

/// `VK_IMAGE_TILING_LINEAR`.
const LINEAR: u32 = 1;

/// What rows of plain memory are aligned to: what AMD's cards ask for, and nobody asks for more.
const ALIGNMENT: u32 = 256;

/// Bytes that a memfd's size must be a multiple of to become a dma-buf: a page of x86-64.
const PAGE: u64 = 4096;

/// Makes a picture.
type Make = fn(&Arc<Device>, Fourcc, Modifier) -> Result<Sent, BoxError>;

/// A kind of memory.
pub(super) struct Kind {
    /// How the picture lies there; `None` where only the driver knows.
    modifier: Option<Modifier>,
    /// What is handed over.
    pub(super) handle: &'static str,
    make: Make,
}

/// Those of all devices and formats.
const KINDS: [Kind; 4] = [
    Kind { modifier: None, handle: "opaque_fd", make: optimal },
    Kind { modifier: Some(Modifier::LINEAR), handle: "opaque_fd", make: linear },
    Kind { modifier: Some(Modifier::LINEAR), handle: "memfd", make: memfd },
    Kind { modifier: Some(Modifier::LINEAR), handle: "dma_buf", make: dma_buf },
];

impl Kind {
    /// All of them: those above, and for pictures of 32 bits a pixel as swapchains have them a tiling
    /// for each other modifier of the device. What a tiling does it does to bytes, whatever they mean.
    pub(super) fn all(device: &Device, fourcc: Fourcc) -> Vec<Self> {
        let format = PixelFormat::of(fourcc).ok().filter(|_| fourcc == Fourcc::ARGB8888);
        let modifiers = format.map(|format| device.tilings(format)).unwrap_or_default();
        let tiled = modifiers.into_iter().filter(|one| *one != Modifier::LINEAR);
        let tiled =
            tiled.map(|one| Self { modifier: Some(one), handle: "opaque_fd", make: tiling });
        KINDS.into_iter().chain(tiled).collect()
    }

    /// `OPTIMAL`, `LINEAR`, or the modifier's number.
    pub(super) fn layout(&self) -> String {
        self.modifier.map_or("OPTIMAL".to_owned(), |modifier| modifier.to_string())
    }

    /// Whether it lies as a DRM modifier says, other than in rows.
    pub(super) fn is_tiled(&self) -> bool {
        self.modifier.is_some_and(|modifier| modifier != Modifier::LINEAR)
    }

    /// Makes a picture in such memory.
    pub(super) fn make(&self, device: &Arc<Device>, fourcc: Fourcc) -> Result<Sent, BoxError> {
        (self.make)(device, fourcc, self.modifier.unwrap_or(Modifier::INVALID))
    }
}

/// A picture, and what it shows.
pub(super) struct Sent {
    pub(super) frame: Arc<Frame>,
    /// All rows of all planes, without padding.
    pub(super) bytes: Vec<u8>,
}

/// Nobody waits for the picture.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

fn optimal(device: &Arc<Device>, fourcc: Fourcc, modifier: Modifier) -> Result<Sent, BoxError> {
    let shape = opaque_for(device, fourcc, EXTENT)?;
    opaque(device, Image::create_for(device, EXTENT, fourcc, &shape)?, modifier)
}

fn linear(device: &Arc<Device>, fourcc: Fourcc, _: Modifier) -> Result<Sent, BoxError> {
    let shape = OpaqueImage { tiling: LINEAR, ..opaque_for(device, fourcc, EXTENT)? };
    // Only the driver knows where the rows lie.
    opaque(device, Image::create_for(device, EXTENT, fourcc, &shape)?, Modifier::INVALID)
}

fn tiling(device: &Arc<Device>, fourcc: Fourcc, modifier: Modifier) -> Result<Sent, BoxError> {
    let format = PixelFormat::of(fourcc)?;
    opaque(device, Image::create_tiled(device, EXTENT, format, modifier)?, modifier)
}

/// An image of the device's own, written by it.
fn opaque(device: &Arc<Device>, image: Image, modifier: Modifier) -> Result<Sent, BoxError> {
    let image = Arc::new(image);
    let bytes = pattern(usize::try_from(image.bytes())?);
    write_picture(&Queue::new(device), &image, &bytes)?;
    let planes = image.planes().iter();
    let planes = planes.map(|_| PlaneLayout { object: 0, offset: 0, stride: 0 }).collect();
    let descriptor = descriptor(image.fourcc(), modifier, planes);
    let memory = ArrayVec::from_iter([image.export()?]);
    Ok(Sent { frame: frame(descriptor, memory)?, bytes })
}

fn memfd(_: &Arc<Device>, fourcc: Fourcc, _: Modifier) -> Result<Sent, BoxError> {
    let (memfd, descriptor, bytes) = rows(fourcc, EXTENT)?;
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
    Ok(Sent { frame: frame(descriptor, memory)?, bytes })
}

fn dma_buf(_: &Arc<Device>, fourcc: Fourcc, _: Modifier) -> Result<Sent, BoxError> {
    let (memfd, descriptor, bytes) = rows(fourcc, EXTENT)?;
    let dma_buf = udmabuf(&memfd).map_err(|err| format!("no dma-buf by /dev/udmabuf: {err}"))?;
    let memory = ArrayVec::from_iter([MemoryHandle::DmaBuf(dma_buf)]);
    Ok(Sent { frame: frame(descriptor, memory)?, bytes })
}

/// The picture in memory of the process, its rows aligned.
fn rows(fourcc: Fourcc, extent: Extent) -> Result<(Memfd, FrameDescriptor, Vec<u8>), BoxError> {
    let planes = fourcc.planes().ok_or("the format's planes are not known")?;
    let (mut layouts, mut size, mut tight) = (ArrayVec::new(), 0, 0);
    for plane in &planes {
        let bytes = u32::try_from(plane.row_bytes(extent))?;
        let stride = bytes.next_multiple_of(ALIGNMENT);
        layouts.push(PlaneLayout { object: 0, offset: size, stride });
        size += stride * plane.extent(extent).height;
        tight += bytes * plane.extent(extent).height;
    }
    let memfd = Memfd::create("zerohop-doctor", u64::from(size).next_multiple_of(PAGE))?;
    let mut mapping = MappingMut::new(&memfd)?;
    let bytes = pattern(tight as usize);
    let mut left = &bytes[..];
    for (plane, layout) in planes.iter().zip(&layouts) {
        let row = usize::try_from(plane.row_bytes(extent))?;
        let lines =
            mapping.as_mut_slice()[layout.offset as usize..].chunks_mut(layout.stride as usize);
        for line in lines.take(plane.extent(extent).height as usize) {
            let (one, rest) = left.split_at(row);
            line[..row].copy_from_slice(one);
            left = rest;
        }
    }
    Ok((memfd, descriptor(fourcc, Modifier::LINEAR, layouts), bytes))
}

fn descriptor(
    fourcc: Fourcc,
    modifier: Modifier,
    planes: ArrayVec<PlaneLayout, MAX_PLANES>,
) -> FrameDescriptor {
    FrameDescriptor { extent: EXTENT, fourcc, modifier, planes, color: Color::SRGB }
}

fn frame(
    descriptor: FrameDescriptor,
    memory: ArrayVec<MemoryHandle, MAX_PLANES>,
) -> Result<Arc<Frame>, BoxError> {
    let buffer = SharedBuffer::new(descriptor, memory)?;
    let info = FrameInfo {
        sequence: 0,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Ok(Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody))))
}

#[cfg(test)]
impl Kind {
    /// Opaque memory of that layout.
    pub(super) fn of(modifier: Option<Modifier>) -> Self {
        Self { modifier, handle: "opaque_fd", make: optimal }
    }
}
