//! Drawn pictures in memfds.
#![allow(clippy::unwrap_used, reason = "used by tests only")]
#![allow(dead_code, reason = "not every test program needs all of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, Recycle, Release, SharedBuffer, Siting, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd};

/// Picture `n`: a gradient with a bright square that moves, as packed YU12.
pub(crate) fn draw(extent: Extent, n: u64) -> Vec<u8> {
    let (width, height) = (extent.width, extent.height);
    let square = |x: u32, y: u32| x.abs_diff((n as u32 * 3) % width) < 12 && y.abs_diff(20) < 12;
    let luma =
        |x, y| if square(x, y) { 220 } else { 40 + (x * 60 / width + y * 60 / height) as u8 };
    let mut picture: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| luma(x, y))).collect();
    let chroma = width.div_ceil(2) as usize * height.div_ceil(2) as usize;
    picture.extend(std::iter::repeat_n(100, chroma));
    picture.extend(std::iter::repeat_n(150, chroma));
    picture
}

/// Notes which pictures came home.
#[derive(Default)]
pub(crate) struct Home(Mutex<Vec<u64>>);

impl Home {
    /// The sequences since the last call.
    pub(crate) fn taken(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap().push(release.sequence);
    }
}

/// Buffers that are drawn into, one after the other.
pub(crate) struct Pool {
    buffers: Vec<(Arc<SharedBuffer>, Mutex<MappingMut>)>,
    pub(crate) home: Arc<Home>,
}

impl Pool {
    /// `count` tightly packed ones.
    pub(crate) fn new(extent: Extent, count: usize) -> Self {
        let buffers = (0..count).map(|_| buffer(descriptor(extent, extent.width)));
        Self { buffers: buffers.collect(), home: Arc::default() }
    }

    /// One with luma rows of `stride` bytes.
    pub(crate) fn with_stride(extent: Extent, stride: u32) -> Self {
        let buffers = vec![buffer(descriptor(extent, stride))];
        Self { buffers, home: Arc::default() }
    }

    /// One that says of itself what `change` makes of the truth.
    pub(crate) fn shaped(extent: Extent, change: impl FnOnce(&mut FrameDescriptor)) -> Self {
        let (mut shape, size) = descriptor(extent, extent.width);
        change(&mut shape);
        Self { buffers: vec![buffer((shape, size))], home: Arc::default() }
    }

    /// Picture `n`, complete.
    pub(crate) fn frame(&self, n: u64, timestamp: Duration) -> Frame {
        self.frame_after(n, timestamp, SyncPoint::Signaled)
    }

    /// A picture of nothing but noise, different for each `n`.
    pub(crate) fn noise(&self, n: u64, timestamp: Duration) -> Frame {
        let frame = self.frame(n, timestamp);
        let (_, memory) = &self.buffers[n as usize % self.buffers.len()];
        let mut state = n + 1;
        for byte in memory.lock().unwrap().as_mut_slice() {
            // Knuth's linear congruential generator (MMIX).
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        frame
    }

    /// Picture `n`, said to be complete at `acquire`.
    pub(crate) fn frame_after(&self, n: u64, timestamp: Duration, acquire: SyncPoint) -> Frame {
        let (buffer, memory) = &self.buffers[n as usize % self.buffers.len()];
        let shape = buffer.descriptor();
        let mut memory = memory.lock().unwrap();
        let picture = draw(shape.extent, n);
        let mut rest = &picture[..];
        for (plane, layout) in shape.planes.iter().enumerate() {
            let half = if plane == 0 { 1 } else { 2 };
            let width = shape.extent.width.div_ceil(half) as usize;
            for y in 0..shape.extent.height.div_ceil(half) {
                let at = (layout.offset + y * layout.stride) as usize;
                let Some(row) = memory.as_mut_slice().get_mut(at..at + width) else { break };
                row.copy_from_slice(&rest[..width]);
                rest = &rest[width..];
            }
        }
        let info =
            FrameInfo { sequence: n, timestamp, presented: timestamp, damage: Damage::Unknown };
        Frame::new(Arc::clone(buffer), info, acquire, Arc::clone(&self.home) as _)
    }
}

/// What its numbers mean.
pub(crate) const COLOR: Color = Color { siting: Some(Siting::Centre), ..Color::BT709 };

/// A YU12 picture and how many bytes it takes.
fn descriptor(extent: Extent, stride: u32) -> (FrameDescriptor, u32) {
    let (luma, half) = (stride * extent.height, stride.div_ceil(2));
    let chroma = half * extent.height.div_ceil(2);
    let plane = |offset, stride| PlaneLayout { object: 0, offset, stride };
    let planes = [plane(0, stride), plane(luma, half), plane(luma + chroma, half)];
    let shape = FrameDescriptor {
        extent,
        fourcc: Fourcc::YUV420,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter(planes),
        color: COLOR,
    };
    (shape, luma + 2 * chroma)
}

fn buffer((shape, size): (FrameDescriptor, u32)) -> (Arc<SharedBuffer>, Mutex<MappingMut>) {
    let memfd = Memfd::create("picture", size.into()).unwrap();
    let memory = Mutex::new(MappingMut::new(&memfd).unwrap());
    let handle = MemoryHandle::Shm(memfd.into());
    (SharedBuffer::new(shape, ArrayVec::from_iter([handle])).unwrap(), memory)
}
