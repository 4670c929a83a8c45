//! Descriptors to fuzz with: sound ones from a seed, changed here and there, over memory that is
//! what it is.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MAX_PLANES, MemoryHandle,
    Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_vulkan::{Image, Queue, Way, read_back};

/// SplitMix64: small, and good enough to choose with.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

const FORMATS: [&[u8; 4]; 16] = [
    b"NV12", b"NV21", b"NV16", b"NV24", b"P010", b"P016", b"P210", b"YU12", b"YV12", b"YU16",
    b"YU24", b"S010", b"R8  ", b"GR32", b"XR24", b"ZZZZ",
];

struct Home;

impl Recycle for Home {
    fn recycle(&self, _: Release) {}
}

/// Memory to import, and what is in it.
pub(crate) struct Memory {
    objects: Vec<(Memfd, Vec<u8>)>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let object = |(index, size): (usize, u64)| {
            let memfd = Memfd::create("fuzz", size).expect("a fuzzer has memory");
            let mut mapping = MappingMut::new(&memfd).expect("a fuzzer has addresses");
            for (at, byte) in mapping.as_mut_slice().iter_mut().enumerate() {
                *byte = (at * 31 + at / 251 + index * 97) as u8;
            }
            let bytes = mapping.as_slice().to_vec();
            (memfd, bytes)
        };
        Self { objects: [4096, 8192, 30_000, 65_536].into_iter().enumerate().map(object).collect() }
    }
}

/// Imports one picture: `None` when it was read and is right, or else why it was refused.
pub(crate) fn run(queue: &Arc<Queue>, memory: &Memory, random: &mut Random) -> Option<String> {
    let (descriptor, objects) = descriptor(random);
    let chosen: Vec<usize> = (0..objects).map(|_| random.below(4) as usize).collect();
    let handle = |at: &usize| {
        let fd = memory.objects[*at].0.as_fd().try_clone_to_owned();
        MemoryHandle::Shm(fd.expect("a fuzzer has free descriptors"))
    };
    let handles = chosen.iter().map(handle).collect::<ArrayVec<_, MAX_PLANES>>();
    let buffer = match SharedBuffer::new(descriptor.clone(), handles) {
        Ok(buffer) => buffer,
        Err(err) => return Some(err.to_string()),
    };
    let ways: &[Way] = match random.below(4) {
        0 => &[Way::Buffers],
        1 => &[Way::CpuCopy],
        _ => &Way::ALL,
    };
    let image = match Image::import_by(queue.device(), &buffer, ways) {
        Ok(image) => Arc::new(image),
        Err(err) => {
            let cause = std::error::Error::source(&err).map(ToString::to_string);
            return Some(cause.unwrap_or_else(|| err.to_string()));
        }
    };
    let info = FrameInfo {
        sequence: 1,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    let frame = Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Home)));
    let read = read_back(queue, &frame, &image).expect("what was imported can be read");
    let contents: Vec<_> = chosen.iter().map(|at| &memory.objects[*at].1[..]).collect();
    assert!(read.bytes == expected(&descriptor, &contents), "{descriptor:?} by {ways:?}");
    None
}

/// A descriptor that fits more often than not, and how many objects there are.
fn descriptor(random: &mut Random) -> (FrameDescriptor, usize) {
    let fourcc = Fourcc(u32::from_le_bytes(*FORMATS[random.below(16) as usize]));
    let side = |random: &mut Random| 1 + random.below(80) as u32;
    let extent = Extent { width: side(random), height: side(random) };
    let objects = 1 + random.below(3) as usize;
    let known = fourcc.planes().unwrap_or_default();
    let mut end = 0_u32;
    let mut planes: ArrayVec<PlaneLayout, MAX_PLANES> = known
        .iter()
        .map(|plane| {
            let row = plane.row_bytes(extent) as u32;
            let stride = row.next_multiple_of(1 << (2 + random.below(5)));
            let offset = (end + random.below(64) as u32).next_multiple_of(4);
            end = offset + stride * plane.extent(extent).height;
            PlaneLayout { object: random.below(objects as u64) as usize, offset, stride }
        })
        .collect();
    let mut modifier = Modifier::LINEAR;
    let mut shape = extent;
    for _ in 0..random.below(3) {
        let plane = random.below(MAX_PLANES as u64) as usize;
        let wild = [0, 1, 3, 4095, 65_536, u32::MAX, u32::MAX - 3][random.below(7) as usize];
        match (random.below(8), planes.get_mut(plane)) {
            (0, Some(plane)) => plane.offset = wild,
            (1, Some(plane)) => plane.stride = wild,
            (2, Some(plane)) => plane.object = random.below(5) as usize,
            (3, Some(plane)) => plane.offset = plane.offset.wrapping_add(wild),
            (4, _) => planes.truncate(planes.len().saturating_sub(1)),
            (5, _) => shape.width = wild,
            (6, _) => shape.height = wild,
            (7, _) if random.below(4) == 0 => modifier = Modifier(random.next() >> 8),
            _ => {}
        }
    }
    let color = Color::BT709;
    (FrameDescriptor { extent: shape, fourcc, modifier, planes, color }, objects)
}

/// The planes without padding, by the definition of offset and stride.
fn expected(descriptor: &FrameDescriptor, contents: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    let planes = descriptor.fourcc.planes().expect("a known format was imported");
    for (plane, at) in planes.iter().zip(&descriptor.planes) {
        let row = plane.row_bytes(descriptor.extent) as usize;
        for y in 0..plane.extent(descriptor.extent).height as usize {
            let start = at.offset as usize + y * at.stride as usize;
            all.extend(&contents[at.object][start..start + row]);
        }
    }
    all
}
