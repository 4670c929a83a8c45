//! From a buffer to a picture: the ways in, tried best first.

use std::os::fd::AsFd;
use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{
    FormatPlane, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, OpaqueImage, SharedBuffer,
    with_causes,
};
use zerohop_kernel::{FdKind, kind_of};

use crate::body::{Body, Copied, Objects, Upload};
use crate::dma_buf::{self, Wanted};
use crate::error::Doing;
use crate::holds::{Holds, planes_of};
use crate::image::Shape;
use crate::lines::{Lines, Reach};
use crate::memory::Opaque;
use crate::plane::Plane;
use crate::unbound::{Bound, UnboundImage};
use crate::way::Refusals;
use crate::{Device, Error, Image, Memory, PixelFormat, Way};

impl Image {
    /// The picture of `buffer`, over the same memory where that can be read, by the best [`Way`]
    /// that works. No step leaks when a later one fails.
    ///
    /// The sizes that the descriptor gives are checked against the memory before the driver sees
    /// them. A picture that had to come by a worse way says so in [`fallback`](Self::fallback).
    ///
    /// # Errors
    ///
    /// Whatever does not fit: format, device, size, memory type, modifier. See [`Error`];
    /// [`Error::NoWay`] says why each way failed where there were several.
    pub fn import(device: &Arc<Device>, buffer: &SharedBuffer) -> Result<Self, Error> {
        Self::import_by(device, buffer, &Way::ALL)
    }

    /// As [`import`](Self::import), by one of `ways`: for those who know better, and for tests.
    ///
    /// # Errors
    ///
    /// As [`import`](Self::import).
    pub fn import_by(
        device: &Arc<Device>,
        buffer: &SharedBuffer,
        ways: &[Way],
    ) -> Result<Self, Error> {
        let descriptor = buffer.descriptor();
        let unknown = || Error::Format(descriptor.fourcc);
        let planes = descriptor.fourcc.planes().ok_or_else(unknown)?;
        let import = Import { device, descriptor, planes, memory: buffer.memory() };
        import.check()?;
        let mut refusals = Refusals::default();
        let mut last = None;
        let open = if import.as_rows(ways) { ways } else { import.ways() };
        for way in open.iter().filter(|way| ways.contains(way)) {
            match import.by(*way) {
                Ok(image) => return Ok(image.came(*way, way.fallback(&refusals))),
                Err(err) => {
                    refusals.0.push((*way, with_causes(&err)));
                    last = Some(err);
                }
            }
        }
        match last {
            Some(err) if refusals.0.len() == 1 => Err(err),
            Some(_) => {
                let (fourcc, refusals) = (descriptor.fourcc, refusals.to_string());
                Err(Error::NoWay { fourcc, refusals })
            }
            None => Err(Error::Unsupported("this memory by the ways that were asked for")),
        }
    }
}

/// One import.
struct Import<'a> {
    device: &'a Arc<Device>,
    descriptor: &'a FrameDescriptor,
    planes: ArrayVec<FormatPlane, MAX_PLANES>,
    memory: &'a [MemoryHandle],
}

impl Import<'_> {
    /// Checks the memory: its kind, its size, and that linear rows are whole.
    fn check(&self) -> Result<(), Error> {
        let other = |handle: &MemoryHandle| matches!(handle, MemoryHandle::OpaqueFd { device, .. } if *device != self.device.id());
        if self.memory.iter().any(other) {
            return Err(Error::OtherDevice);
        }
        let linear = self.descriptor.modifier == Modifier::LINEAR;
        if linear {
            self.descriptor.check_rows()?;
        } else if self.memory.iter().any(|handle| matches!(handle, MemoryHandle::Shm(_))) {
            return Err(Error::Unsupported("a memfd with a modifier other than LINEAR"));
        }
        for (plane, layout) in self.planes.iter().zip(&self.descriptor.planes) {
            let whole = |bytes: u32| bytes.is_multiple_of(plane.bytes);
            if linear && !(whole(layout.offset) && whole(layout.stride)) {
                let (offset, stride) = (layout.offset, layout.stride);
                return Err(Error::Split { offset, stride, sample: plane.bytes });
            }
        }
        for (object, handle) in self.memory.iter().enumerate() {
            if let Some(size) = size_of(object, handle)? {
                self.descriptor.check_end(object, size)?;
            }
        }
        Ok(())
    }

    /// Whether the rows alone are wanted, for a copy: so every `LINEAR` picture can come in, also one
    /// that shaders read better in another way.
    fn as_rows(&self, ways: &[Way]) -> bool {
        ways == [Way::Buffers] && self.descriptor.modifier == Modifier::LINEAR
    }

    /// The ways that are open to this kind of memory and format, best first.
    fn ways(&self) -> &'static [Way] {
        let linear = self.descriptor.modifier == Modifier::LINEAR;
        match (self.memory.first(), self.planes.len() > 1) {
            (Some(MemoryHandle::OpaqueFd { .. }), false) if linear => &[Way::DeviceCopy],
            (Some(MemoryHandle::OpaqueFd { .. }), true) if linear => &[Way::Buffers],
            (Some(MemoryHandle::OpaqueFd { .. }), _) => &[Way::Opaque],
            (Some(MemoryHandle::Shm(_)), false) => &[Way::DeviceCopy, Way::CpuCopy],
            (Some(MemoryHandle::Shm(_)), true) => &[Way::Buffers, Way::CpuCopy],
            (_, false) if linear => &[Way::Image, Way::DeviceCopy, Way::CpuCopy],
            (_, true) if linear => &Way::ALL[1..],
            (_, false) => &[Way::Image],
            (_, true) => &[Way::Image, Way::Disjoint, Way::PlaneImages, Way::DeviceCopy],
        }
    }

    fn by(&self, way: Way) -> Result<Image, Error> {
        let read = vk::ImageUsageFlags::SAMPLED | vk::ImageUsageFlags::TRANSFER_SRC;
        let dma_bufs = self.memory.iter().all(|one| matches!(one, MemoryHandle::DmaBuf(_)));
        let one = self.planes.len() == 1;
        match way {
            Way::Opaque => self.opaque(),
            Way::Image => self.over(self.whole(read, false)?),
            Way::Disjoint => self.over(self.whole(read, true)?),
            Way::PlaneImages => self.over(self.each(read)?),
            Way::Buffers => self.lines(Reach::Shared),
            Way::DeviceCopy if one => self.upload(Reach::Shared),
            Way::CpuCopy if one => self.upload(Reach::Copied),
            Way::DeviceCopy if dma_bufs => self.linearized(),
            Way::DeviceCopy => Err(Error::Unsupported("this kind of memory")),
            Way::CpuCopy => self.lines(Reach::Copied),
        }
    }

    /// The planes, without memory yet.
    fn plain(&self) -> Result<ArrayVec<Plane, MAX_PLANES>, Error> {
        planes_of(self.descriptor.fourcc, self.descriptor.extent)
    }

    fn opaque(&self) -> Result<Image, Error> {
        let [MemoryHandle::OpaqueFd { fd, size, memory_type, image, .. }] = self.memory else {
            return Err(Error::Unsupported("opaque memory in several objects"));
        };
        let FrameDescriptor { fourcc, extent, modifier, .. } = *self.descriptor;
        let holds = Holds::of(self.device, fourcc, extent)?;
        let memory = Opaque { fd: fd.as_fd(), size: *size, memory_type: *memory_type };
        let unbound = UnboundImage::opaque(self.device, extent, &holds, image, modifier)?;
        let (needs, alone) = (unbound.requirements(), unbound.dedicated(image.dedicated));
        let memory = Memory::import_opaque(self.device, &memory, needs, alone)?;
        let body = Body::Images(ArrayVec::from_iter([unbound.bind(memory)?]));
        let shape = Shape::opaque(fourcc, extent, self.plain()?, image.clone());
        Image::finish(self.device, shape, body)
    }

    /// One image of all planes.
    fn whole(
        &self,
        usage: vk::ImageUsageFlags,
        disjoint: bool,
    ) -> Result<ArrayVec<Bound, MAX_PLANES>, Error> {
        let (fourcc, extent) = (self.descriptor.fourcc, self.descriptor.extent);
        let (format, views) = Holds::of(self.device, fourcc, extent)?.formats();
        let wanted = Wanted { format, views, usage, disjoint };
        let bound = dma_buf::import(self.device, self.descriptor, &wanted, self.memory)?;
        Ok(ArrayVec::from_iter([bound]))
    }

    /// An image for each plane.
    fn each(&self, usage: vk::ImageUsageFlags) -> Result<ArrayVec<Bound, MAX_PLANES>, Error> {
        let count = self.planes.len();
        let memory_planes = self.descriptor.planes.len();
        if !memory_planes.is_multiple_of(count) {
            return Err(Error::Unsupported("memory planes that belong to no plane"));
        }
        let one = |(index, plane): (usize, &FormatPlane)| {
            // The planes of the format come first, then what else belongs to each, in the same
            // order (drm_fourcc.h, I915_FORMAT_MOD_Y_TILED_GEN12_MC_CCS).
            let planes = self.descriptor.planes.iter().skip(index).step_by(count).copied();
            let descriptor = FrameDescriptor {
                extent: plane.extent(self.descriptor.extent),
                fourcc: plane.fourcc,
                planes: planes.collect(),
                ..self.descriptor.clone()
            };
            let format = PixelFormat::of(plane.fourcc)?.raw();
            let wanted = Wanted { format, views: ArrayVec::new(), usage, disjoint: false };
            dma_buf::import(self.device, &descriptor, &wanted, self.memory)
        };
        self.planes.iter().enumerate().map(one).collect()
    }

    fn over(&self, images: ArrayVec<Bound, MAX_PLANES>) -> Result<Image, Error> {
        self.image(Body::Images(images))
    }

    /// Each memory object as a buffer.
    fn lines(&self, reach: Reach) -> Result<Image, Error> {
        let objects = self.memory.iter().enumerate();
        let lines = objects
            .map(|one| Lines::import(self.device, self.descriptor, one, reach))
            .collect::<Result<_, _>>()?;
        let layouts = self.descriptor.planes.clone();
        self.image(Body::Buffers(Objects { lines, layouts }))
    }

    /// A picture of one plane in linear memory, copied to an image of ours when it is read.
    fn upload(&self, reach: Reach) -> Result<Image, Error> {
        let format = PixelFormat::of(self.descriptor.fourcc)?;
        // First, since it knows how large pictures may be.
        let image = Image::plain(self.device, self.descriptor.extent, format)?;
        let layout = self.descriptor.planes[0];
        let object = (layout.object, &self.memory[layout.object]);
        let lines = Lines::import(self.device, self.descriptor, object, reach)?;
        self.image(Body::Upload(image, Upload { lines, layout }))
    }

    /// Images that shaders need not read, copied to linear memory when the picture is read.
    fn linearized(&self) -> Result<Image, Error> {
        let usage = vk::ImageUsageFlags::TRANSFER_SRC;
        let images = self.whole(usage, false).or_else(|_| self.each(usage))?;
        let planes = self.plain()?;
        let copied = Copied::new(self.device, &planes)?;
        self.image(Body::Copied(images, copied))
    }

    fn image(&self, body: Body) -> Result<Image, Error> {
        let shape = Shape {
            fourcc: self.descriptor.fourcc,
            extent: self.descriptor.extent,
            planes: self.plain()?,
            owner: self.device.foreign_family(),
            opaque: OpaqueImage::default(),
        };
        Image::finish(self.device, shape, body)
    }
}

/// The size of a memory object, in bytes: what we can see, or what is said of opaque memory, which
/// is its driver's to judge.
fn size_of(object: usize, handle: &MemoryHandle) -> Result<Option<u64>, Error> {
    let expected = match handle {
        MemoryHandle::OpaqueFd { size, .. } => return Ok(Some(*size)),
        MemoryHandle::DmaBuf(_) => "a dma-buf",
        MemoryHandle::Shm(_) => "a memfd",
        _ => return Ok(None),
    };
    match (handle, kind_of(handle).doing("look at a memory handle")?) {
        (MemoryHandle::DmaBuf(_), FdKind::DmaBuf { size }) => Ok(Some(size)),
        (MemoryHandle::Shm(_), FdKind::Memfd { size, keeps_size: true }) => Ok(Some(size)),
        (MemoryHandle::Shm(_), FdKind::Memfd { .. }) => {
            Err(Error::Unsupported("a memfd that is not sealed against shrinking"))
        }
        (_, found) => Err(Error::ObjectKind { object, expected, found }),
    }
}
