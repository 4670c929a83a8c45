//! A surface: NV12 in one or two objects of shared memory.

use std::io;
use std::os::fd::{AsFd as _, IntoRawFd as _, OwnedFd};

use zerohop_kernel::{MappingMut, Memfd, udmabuf};

use crate::abi::{NV12, PrimeLayer, PrimeObject, PrimeSurface};
use crate::error::Error;
use crate::shape::{Lie, Memory, Shape};

/// `DRM_FORMAT_R8`.
const R8: u32 = u32::from_le_bytes(*b"R8  ");
/// `DRM_FORMAT_GR88`: two bytes, the first of which is called R.
const GR88: u32 = u32::from_le_bytes(*b"GR88");
/// A modifier of a vendor that does not exist.
const NOBODYS: u64 = 0x7f00_0000_0000_0001;
/// What a page holds, in bytes.
const PAGE: u32 = 4096;

/// Where a plane lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) object: usize,
    /// In bytes.
    pub(crate) offset: u32,
    /// In bytes.
    pub(crate) pitch: u32,
    /// Bytes of a row that hold samples.
    pub(crate) row: u32,
    /// How many.
    pub(crate) rows: u32,
}

/// Memory of a surface.
struct Object {
    mapping: MappingMut,
    /// A dma-buf, or the memfd itself.
    fd: OwnedFd,
    size: u32,
}

/// A picture's memory.
pub(crate) struct Surface {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) planes: [Plane; 2],
    objects: Vec<Object>,
    shape: Shape,
    /// What became of the last picture.
    pub(crate) outcome: Result<(), Error>,
}

impl Surface {
    /// Black, of that many luma samples.
    pub(crate) fn new(width: u32, height: u32, shape: &Shape) -> Result<Self, Error> {
        if !(1..=8192).contains(&width) || !(1..=8192).contains(&height) {
            return Err(Error::Resolution);
        }
        let (planes, sizes) = layout(width, height, shape);
        let objects: io::Result<Vec<_>> =
            sizes.iter().map(|size| Object::new(*size, shape)).collect();
        let objects = objects.map_err(|err| {
            eprintln!("zerohop-va: no memory for a surface of {width}x{height}: {err}");
            Error::AllocationFailed
        })?;
        let shape = shape.clone();
        let mut surface = Self { width, height, planes, objects, shape, outcome: Ok(()) };
        surface.fill(1, 128);
        Ok(surface)
    }

    fn fill(&mut self, plane: usize, value: u8) {
        let Plane { object, offset, pitch, rows, .. } = self.planes[plane];
        let bytes = self.objects[object].mapping.as_mut_slice();
        let end = bytes.len().min((offset + pitch * rows) as usize);
        bytes[(offset as usize).min(end)..end].fill(value);
    }

    /// A row of a plane; what of it the memory has.
    pub(crate) fn row(&mut self, plane: usize, row: u32) -> &mut [u8] {
        let Plane { object, offset, pitch, row: length, .. } = self.planes[plane];
        let bytes = self.objects[object].mapping.as_mut_slice();
        let start = (offset + pitch * row) as usize;
        let end = (start + length as usize).min(bytes.len());
        &mut bytes[start.min(end)..end]
    }

    /// Puts a planar 4:2:0 picture in, as much of it as there is and as has room.
    pub(crate) fn put(&mut self, planes: [&[u8]; 3], strides: [usize; 3]) {
        let [y, u, v] = planes;
        for (row, from) in (0..self.planes[0].rows).zip(y.chunks(strides[0].max(1))) {
            let to = self.row(0, row);
            let length = to.len().min(from.len());
            to[..length].copy_from_slice(&from[..length]);
        }
        let chroma = u.chunks(strides[1].max(1)).zip(v.chunks(strides[2].max(1)));
        for (row, (u, v)) in (0..self.planes[1].rows).zip(chroma) {
            for (to, (u, v)) in self.row(1, row).chunks_exact_mut(2).zip(u.iter().zip(v)) {
                to.copy_from_slice(&[*u, *v]);
            }
        }
    }

    /// The first byte and how many there are, where all planes are in one object.
    pub(crate) fn whole(&self) -> Option<(*mut u8, u32)> {
        let [object] = &self.objects[..] else { return None };
        Some((object.mapping.as_ptr(), object.size))
    }

    /// Its description for another device, with descriptors that are the reader's from then on.
    pub(crate) fn export(&self, asked_composed: bool) -> Result<PrimeSurface, Error> {
        let mut prime = PrimeSurface {
            fourcc: NV12,
            width: self.width,
            height: self.height,
            object_count: self.objects.len() as u32,
            ..PrimeSurface::default()
        };
        let fds: io::Result<Vec<OwnedFd>> =
            self.objects.iter().map(|object| object.fd.as_fd().try_clone_to_owned()).collect();
        let fds = fds.map_err(|_| Error::AllocationFailed)?;
        for ((to, object), fd) in prime.objects.iter_mut().zip(&self.objects).zip(fds) {
            let size = if self.shape.lie == Lie::Size { object.size * 2 } else { object.size };
            let modifier = if self.shape.lie == Lie::Modifier { NOBODYS } else { 0 };
            *to = PrimeObject { fd: fd.into_raw_fd(), size, modifier };
        }
        if self.shape.composed.unwrap_or(asked_composed) {
            prime.layer_count = 1;
            prime.layers[0] = self.layer(NV12, &self.planes);
        } else {
            prime.layer_count = 2;
            prime.layers[0] = self.layer(R8, &self.planes[..1]);
            prime.layers[1] = self.layer(GR88, &self.planes[1..]);
        }
        Ok(prime)
    }

    fn layer(&self, format: u32, planes: &[Plane]) -> PrimeLayer {
        let mut layer = PrimeLayer { format, planes: planes.len() as u32, ..Default::default() };
        for (at, plane) in planes.iter().enumerate() {
            layer.objects[at] = plane.object as u32;
            layer.offsets[at] = plane.offset;
            layer.pitches[at] = plane.pitch;
        }
        layer
    }
}

impl Object {
    fn new(size: u32, shape: &Shape) -> io::Result<Self> {
        let memfd = Memfd::create("zerohop-va", size.into())?;
        let mapping = MappingMut::new(&memfd)?;
        let fd = match (shape.memory, udmabuf(&memfd)) {
            (Memory::Best | Memory::Udmabuf, Ok(fd)) => fd,
            (Memory::Udmabuf, Err(err)) => return Err(err),
            _ => memfd.as_fd().try_clone_to_owned()?,
        };
        Ok(Self { mapping, fd, size })
    }
}

/// Where the planes of such a picture lie, and how large the objects are.
fn layout(width: u32, height: u32, shape: &Shape) -> ([Plane; 2], Vec<u32>) {
    let row = width.next_multiple_of(2);
    let pitch = row.next_multiple_of(shape.stride);
    let (rows, chroma_rows) = (height, height.div_ceil(2));
    let first = shape.padding;
    let luma = Plane { object: 0, offset: first, pitch, row, rows };
    let luma_end = first + pitch * (rows + shape.padding);
    let second = if shape.object_per_plane { first } else { luma_end };
    let object = usize::from(shape.object_per_plane);
    let chroma = Plane { object, offset: second, pitch, row, rows: chroma_rows };
    let chroma_end = second + pitch * chroma_rows;
    let ends = if shape.object_per_plane { vec![luma_end, chroma_end] } else { vec![chroma_end] };
    let whole = |end: u32| match shape.lie {
        Lie::Small => (end / 2).next_multiple_of(PAGE),
        _ => end.next_multiple_of(PAGE),
    };
    ([luma, chroma], ends.into_iter().map(whole).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape {
            object_per_plane: false,
            composed: None,
            stride: 64,
            padding: 0,
            lie: Lie::None,
            memory: Memory::Memfd,
        }
    }

    #[test]
    fn planes_of_odd_pictures_do_not_meet() {
        for (object_per_plane, padding) in [(false, 0), (true, 0), (false, 3), (true, 7)] {
            let shape = Shape { object_per_plane, padding, ..shape() };
            let mut surface = Surface::new(33, 17, &shape).unwrap();
            let y: Vec<u8> = (0..33 * 17).map(|i| (i % 200) as u8).collect();
            let (u, v) = (vec![201; 17 * 9], vec![202; 17 * 9]);
            surface.put([&y, &u, &v], [33, 17, 17]);
            for row in 0..17 {
                assert_eq!(surface.row(0, row)[..33], y[row as usize * 33..][..33], "row {row}");
            }
            for row in 0..9 {
                assert_eq!(surface.row(1, row), [201, 202].repeat(17), "row {row}");
            }
        }
    }

    #[test]
    fn each_export_says_what_was_asked_or_told() {
        let composed = |shape: &Shape, asked| {
            let prime = Surface::new(64, 48, shape).unwrap().export(asked).unwrap();
            for object in &prime.objects[..prime.object_count as usize] {
                // SAFETY: the descriptor was made for us.
                drop(unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(object.fd) });
            }
            (prime.object_count, prime.layer_count, prime.objects[0].size)
        };
        assert_eq!(composed(&shape(), true), (1, 1, 8192));
        assert_eq!(composed(&shape(), false), (1, 2, 8192));
        let shape = Shape { object_per_plane: true, composed: Some(true), ..shape() };
        assert_eq!(composed(&shape, false), (2, 1, 4096));
        let shape = Shape { lie: Lie::Size, ..shape };
        assert_eq!(composed(&shape, false), (2, 1, 8192));
    }
}
