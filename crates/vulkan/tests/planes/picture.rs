//! Pictures in memory of every shape, and what should be read from them.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

use std::os::fd::AsFd as _;
use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Extent, FormatPlane, Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier,
    PlaneLayout, SharedBuffer,
};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_layer_modifiers::{mark, modifier};

/// Every format that decoders write, and the planes of each as layers of their own.
pub(crate) const FORMATS: [&[u8; 4]; 28] = [
    b"NV12", b"NV21", b"NV16", b"NV61", b"NV24", b"NV42", b"P010", b"P012", b"P016", b"P210",
    b"YU12", b"YV12", b"YU16", b"YV16", b"YU24", b"YV24", b"S010", b"S016", b"R8  ", b"R16 ",
    b"GR88", b"GR32", b"XR24", b"AR24", b"XB24", b"AB24", b"XR30", b"XB30",
];

/// How many of them have several planes.
pub(crate) const WITH_PLANES: usize = 18;

/// Those of dma-bufs, which an emulated machine must get through.
pub(crate) const FEW: [(u32, u32); 2] = [(7, 5), (64, 48)];

/// How the planes lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// One after the other, rows without padding.
    Tight,
    /// In one object, with padded rows and gaps.
    Padded,
    /// Each in an object of its own, away from its start.
    Apart,
    /// In one object that comes as two descriptors.
    Twice,
}

pub(crate) const SHAPES: [Shape; 4] = [Shape::Tight, Shape::Padded, Shape::Apart, Shape::Twice];

/// A picture in memory, and what should be read from it.
pub(crate) struct Picture {
    pub(crate) buffer: Arc<SharedBuffer>,
    pub(crate) planes: Vec<u8>,
}

pub(crate) type Make = fn(&Memfd) -> MemoryHandle;

pub(crate) fn shm(memfd: &Memfd) -> MemoryHandle {
    MemoryHandle::Shm(memfd.as_fd().try_clone_to_owned().expect("a descriptor"))
}

pub(crate) fn dma_buf(memfd: &Memfd) -> MemoryHandle {
    MemoryHandle::DmaBuf(udmabuf(memfd).expect("a dma-buf"))
}

/// Where the planes of a format lie, and behind them in the list `controls` control planes for each;
/// and how large an object must be for any of them.
fn layouts(
    fourcc: Fourcc,
    extent: Extent,
    shape: Shape,
    controls: usize,
) -> (Vec<PlaneLayout>, u32) {
    let (mut end, mut size) = (0_u32, 0);
    let planes = fourcc.planes().expect("a known format");
    let mut place = |index: usize, (row, rows, sample): (u32, u32, u32)| {
        let (object, offset, stride) = match shape {
            Shape::Tight => (0, end, row),
            Shape::Padded | Shape::Twice => {
                (0, (end + 300).next_multiple_of(64), (row + 9).next_multiple_of(64))
            }
            Shape::Apart => (index, 128 + 64 * index as u32, row.next_multiple_of(64)),
        };
        // A sample is never split.
        let offset = offset.next_multiple_of(sample);
        end = offset + stride * rows;
        size = size.max(end);
        let object = if matches!(shape, Shape::Twice) { index % 2 } else { object };
        PlaneLayout { object, offset, stride }
    };
    let rows_of = |plane: &FormatPlane| {
        (plane.row_bytes(extent) as u32, plane.extent(extent).height, plane.bytes)
    };
    let sizes = planes.iter().map(rows_of);
    let sizes = sizes.chain((0..controls * planes.len()).map(|_| (64, 2, 64)));
    let all: Vec<_> = sizes.enumerate().map(|(index, size)| place(index, size)).collect();
    (all, size)
}

pub(crate) fn noise(seed: u64, out: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for byte in out {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8;
    }
}

impl Picture {
    /// Rows, as everybody reads them.
    pub(crate) fn new(fourcc: Fourcc, extent: Extent, shape: Shape, make: Make) -> Self {
        Self::tiled(fourcc, extent, shape, (Modifier::LINEAR, 0), make)
    }

    /// With the modifier of a layer for tests, and so many control planes for each plane.
    pub(crate) fn controlled(fourcc: Fourcc, extent: Extent, shape: Shape, controls: u64) -> Self {
        let tiling = (Modifier(modifier(controls)), controls as usize);
        Self::tiled(fourcc, extent, shape, tiling, dma_buf)
    }

    fn tiled(
        fourcc: Fourcc,
        extent: Extent,
        shape: Shape,
        (modifier, controls): (Modifier, usize),
        make: Make,
    ) -> Self {
        let (layouts, size) = layouts(fourcc, extent, shape, controls);
        let objects = layouts.iter().map(|plane| plane.object + 1).max().unwrap_or(1);
        let planes = layouts.iter().copied().collect::<ArrayVec<_, MAX_PLANES>>();
        let color = Color::BT709;
        let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
        let files = if matches!(shape, Shape::Twice) { 1 } else { objects };
        let (size, count) = (u64::from(size), layouts.len() / (1 + controls));
        let (mut memory, mut contents) = (Vec::new(), Vec::new());
        for object in 0..files {
            let memfd = Memfd::create("picture", size.next_multiple_of(4096)).expect("a memfd");
            let mut mapping = MappingMut::new(&memfd).expect("a mapping");
            noise(size + object as u64, mapping.as_mut_slice());
            for (plane, layout) in layouts.iter().enumerate().skip(count) {
                if layout.object.min(files - 1) == object {
                    let of = u64::from(layouts[plane % count].offset);
                    let (start, mark) = (layout.offset as usize, mark(plane / count - 1, of));
                    mapping.as_mut_slice()[start..start + mark.len()].copy_from_slice(&mark);
                }
            }
            contents.push(mapping.as_slice().to_vec());
            memory.push(make(&memfd));
        }
        while memory.len() < objects {
            memory.push(again(&memory[0]));
        }
        let planes = expected(&descriptor, &contents);
        let memory = memory.into_iter().collect();
        let buffer = SharedBuffer::new(descriptor, memory).expect("a sound descriptor");
        Self { buffer, planes }
    }
}

pub(crate) fn again(handle: &MemoryHandle) -> MemoryHandle {
    let fd = handle.as_fd().try_clone_to_owned().expect("a descriptor");
    match handle {
        MemoryHandle::DmaBuf(_) => MemoryHandle::DmaBuf(fd),
        _ => MemoryHandle::Shm(fd),
    }
}

/// The planes without padding, by the definition of offset and stride.
fn expected(descriptor: &FrameDescriptor, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut all = Vec::new();
    let planes = descriptor.fourcc.planes().expect("a known format");
    for (plane, at) in planes.iter().zip(&descriptor.planes) {
        let row = plane.row_bytes(descriptor.extent) as usize;
        for y in 0..plane.extent(descriptor.extent).height as usize {
            let start = at.offset as usize + y * at.stride as usize;
            all.extend(&contents[at.object.min(contents.len() - 1)][start..start + row]);
        }
    }
    all
}
