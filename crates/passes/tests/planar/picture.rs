//! Y'CbCr pictures in memory, with their codes beside them.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, SharedBuffer, SyncPoint, YCbCr,
};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_vulkan::{Error, Image, Way, opaque_for, write_picture};

use crate::common::{Home, Machine, noise};

/// The codes of one component, those that count only.
pub(crate) struct Component {
    pub(crate) width: usize,
    pub(crate) height: usize,
    codes: Vec<u16>,
}

impl Component {
    pub(crate) fn at(&self, column: usize, row: usize) -> u16 {
        self.codes[row * self.width + column]
    }
}

/// Where a picture lies, and so how shaders see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A memfd.
    Shm,
    /// A dma-buf, imported by `Way`.
    DmaBuf(Way),
    /// One image of all planes, tiled as the driver likes; the memfd beside it is not looked at.
    Tiled,
}

/// A picture of noise, and the memory it is in.
pub(crate) struct Picture {
    pub(crate) format: YCbCr,
    /// Y', Cb and Cr.
    pub(crate) components: [Component; 3],
    pub(crate) image: Arc<Image>,
    buffer: Arc<SharedBuffer>,
    home: Arc<Home>,
    mapping: MappingMut,
    next: u64,
}

impl Picture {
    /// A picture in a memfd.
    pub(crate) fn new(machine: &Machine, shape: (Fourcc, Extent), color: Color, seed: u32) -> Self {
        Self::of(machine, shape, color, Kind::Shm, seed).expect("a memfd always comes in")
    }

    pub(crate) fn of(
        machine: &Machine,
        (fourcc, extent): (Fourcc, Extent),
        color: Color,
        kind: Kind,
        seed: u32,
    ) -> Result<Self, Error> {
        let descriptor = layout(fourcc, extent, color);
        let last = descriptor.planes.len() - 1;
        let size = descriptor.end(last).next_multiple_of(4096);
        let memfd = Memfd::create("picture", size).expect("a memfd");
        let mut mapping = MappingMut::new(&memfd).expect("a mapping");
        mapping.as_mut_slice().copy_from_slice(&noise(seed, size as usize));
        let handle = match kind {
            Kind::Shm | Kind::Tiled => {
                MemoryHandle::Shm(memfd.as_fd().try_clone_to_owned().expect("one more"))
            }
            Kind::DmaBuf(_) => MemoryHandle::DmaBuf(udmabuf(&memfd).expect("a dma-buf")),
        };
        let buffer = SharedBuffer::new(descriptor, ArrayVec::from_iter([handle]));
        let buffer = buffer.expect("a sound descriptor");
        let ways: &[Way] = match &kind {
            Kind::Shm | Kind::Tiled => &Way::ALL,
            Kind::DmaBuf(way) => std::slice::from_ref(way),
        };
        let image = match kind {
            Kind::Tiled => tiled(machine, &buffer, mapping.as_slice())?,
            _ => Arc::new(Image::import_by(&machine.device, &buffer, ways)?),
        };
        let format = fourcc.ycbcr().expect("a format of several planes");
        let components = components(&buffer, format, mapping.as_slice());
        let home = Arc::default();
        Ok(Self { format, components, image, buffer, home, mapping, next: 1 })
    }

    pub(crate) fn descriptor(&self) -> &FrameDescriptor {
        self.buffer.descriptor()
    }

    pub(crate) fn color(&self) -> Color {
        self.descriptor().color
    }

    /// Changes one byte of plane `plane`, at `x` and `y` in bytes and rows.
    pub(crate) fn poke(&mut self, plane: usize, x: usize, y: usize) {
        let at = self.descriptor().planes[plane];
        let byte = at.offset as usize + y * at.stride as usize + x;
        // The highest bit, which counts in every format.
        self.mapping.as_mut_slice()[byte] ^= 0x80;
        self.components = components(&self.buffer, self.format, self.mapping.as_slice());
    }

    pub(crate) fn frame(&mut self) -> Arc<Frame> {
        let now = Duration::from_millis(16) * u32::try_from(self.next).expect("few frames");
        let damage = Damage::Unknown;
        let info = FrameInfo { sequence: self.next, timestamp: now, presented: now, damage };
        self.next += 1;
        let (buffer, home) = (Arc::clone(&self.buffer), Arc::clone(&self.home));
        Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, home))
    }
}

/// An image of all planes with the codes that lie in `bytes`.
fn tiled(machine: &Machine, buffer: &SharedBuffer, bytes: &[u8]) -> Result<Arc<Image>, Error> {
    let FrameDescriptor { extent, fourcc, ref planes, .. } = *buffer.descriptor();
    let opaque = opaque_for(&machine.device, fourcc, extent)?;
    let image = Arc::new(Image::create_for(&machine.device, extent, fourcc, &opaque)?);
    let mut tight = Vec::new();
    for (plane, at) in fourcc.planes().expect("a known format").iter().zip(planes) {
        let row = plane.row_bytes(extent) as usize;
        for y in 0..plane.extent(extent).height as usize {
            let from = at.offset as usize + y * at.stride as usize;
            tight.extend_from_slice(&bytes[from..from + row]);
        }
    }
    write_picture(&machine.queue, &image, &tight)?;
    Ok(image)
}

/// Padded rows, and a gap before each plane.
fn layout(fourcc: Fourcc, extent: Extent, color: Color) -> FrameDescriptor {
    let mut end = 0_u32;
    let planes = fourcc.planes().expect("a known format");
    let place = |plane: &zerohop_frame::FormatPlane| {
        let offset = (end + 200).next_multiple_of(64);
        let stride = (plane.row_bytes(extent) as u32 + 12).next_multiple_of(64);
        end = offset + stride * plane.extent(extent).height;
        PlaneLayout { object: 0, offset, stride }
    };
    let planes = planes.iter().map(place).collect();
    FrameDescriptor { extent, fourcc, modifier: Modifier::LINEAR, planes, color }
}

fn components(buffer: &SharedBuffer, format: YCbCr, bytes: &[u8]) -> [Component; 3] {
    let descriptor = buffer.descriptor();
    let planes = descriptor.fourcc.planes().expect("a known format");
    let each = if format.bits > 8 { 2 } else { 1 };
    let read = |plane: usize, skip: usize, step: usize| {
        let Extent { width, height } = planes[plane].extent(descriptor.extent);
        let at = descriptor.planes[plane];
        let code = |x: usize, y: usize| {
            let start = at.offset as usize + y * at.stride as usize + (x * step + skip) * each;
            let low = u16::from(bytes[start]);
            let high = if each == 2 { u16::from(bytes[start + 1]) } else { 0 };
            ((high << 8 | low) >> format.shift) & (u32::MAX >> (32 - format.bits)) as u16
        };
        let (width, height) = (width as usize, height as usize);
        let codes = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let codes = codes.map(|(x, y)| code(x, y)).collect();
        Component { width, height, codes }
    };
    let [one, two] = if format.interleaved {
        [read(1, 0, 2), read(1, 1, 2)]
    } else {
        [read(1, 0, 1), read(2, 0, 1)]
    };
    if format.swapped { [read(0, 0, 1), two, one] } else { [read(0, 0, 1), one, two] }
}

/// The bytes of a written picture with one plane, row by row without padding.
pub(crate) fn bytes_of(frame: &Frame, pixel: usize) -> Vec<u8> {
    zerohop_vulkan::wait_on_cpu(frame.acquire()).expect("a fence that signals");
    let descriptor = frame.buffer().descriptor();
    let [MemoryHandle::Shm(fd)] = frame.buffer().memory() else { panic!("one memfd") };
    let row = descriptor.extent.width as usize * pixel;
    let plane = descriptor.planes[0];
    let mut all = vec![0; row * descriptor.extent.height as usize];
    for (y, out) in all.chunks_exact_mut(row).enumerate() {
        let at = u64::from(plane.offset) + u64::from(plane.stride) * y as u64;
        assert_eq!(rustix::io::pread(fd.as_fd(), out, at).expect("bytes of the picture"), row);
    }
    all
}
