//! A surface: planes in one object of shared memory, or in one each.

use std::io;
use std::os::fd::{AsFd as _, IntoRawFd as _, OwnedFd};

use zerohop_kernel::{MappingMut, Memfd, udmabuf};

use crate::abi::{PrimeLayer, PrimeObject, PrimeSurface};
use crate::error::Error;
use crate::format::{Format, Planar};
use crate::shape::{Lie, Memory, Shape};

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
    pub(crate) format: &'static Format,
    pub(crate) planes: Vec<Plane>,
    objects: Vec<Object>,
    shape: Shape,
    /// What became of the last picture.
    pub(crate) outcome: Result<(), Error>,
}

impl Surface {
    /// Black, of that many luma samples.
    pub(crate) fn new(
        width: u32,
        height: u32,
        format: &'static Format,
        shape: &Shape,
    ) -> Result<Self, Error> {
        if !(1..=8192).contains(&width) || !(1..=8192).contains(&height) {
            return Err(Error::Resolution);
        }
        let (planes, sizes) = layout(width, height, format, shape);
        let objects: io::Result<Vec<_>> =
            sizes.iter().map(|size| Object::new(*size, shape)).collect();
        let objects = objects.map_err(|err| {
            eprintln!("zerohop-va: no memory for a surface of {width}x{height}: {err}");
            Error::AllocationFailed
        })?;
        let shape = shape.clone();
        let mut surface = Self { width, height, format, planes, objects, shape, outcome: Ok(()) };
        (1..format.planes.len()).for_each(|plane| surface.grey(plane));
        Ok(surface)
    }

    /// No colour.
    fn grey(&mut self, plane: usize) {
        let Plane { object, offset, pitch, rows, .. } = self.planes[plane];
        let bytes = self.objects[object].mapping.as_mut_slice();
        let end = bytes.len().min((offset + pitch * rows) as usize);
        let step = self.format.bytes() as usize;
        for sample in bytes[(offset as usize).min(end)..end].chunks_mut(step) {
            sample.fill(0);
            *sample.last_mut().unwrap_or(&mut 0) = 128;
        }
    }

    /// A row of a plane; what of it the memory has.
    pub(crate) fn row(&mut self, plane: usize, row: u32) -> &mut [u8] {
        let Plane { object, offset, pitch, row: length, .. } = self.planes[plane];
        let bytes = self.objects[object].mapping.as_mut_slice();
        let start = (offset + pitch * row) as usize;
        let end = (start + length as usize).min(bytes.len());
        &mut bytes[start.min(end)..end]
    }

    /// Puts a picture in, as much of it as there is and as has room.
    ///
    /// # Errors
    ///
    /// It has other samples than the surface.
    pub(crate) fn put(&mut self, from: &Planar<'_>) -> Result<(), Error> {
        from.check(self.format)?;
        let format = self.format;
        let mut next = 0;
        for (plane, part) in format.planes.iter().enumerate() {
            let sources = next..next + part.samples as usize;
            next = sources.end;
            for row in 0..self.planes[plane].rows {
                let to = self.row(plane, row);
                for (place, source) in sources.clone().enumerate() {
                    let start = from.strides[source] * row as usize;
                    let samples = from.planes[source].get(start..).unwrap_or_default();
                    let samples = &samples[..samples.len().min(from.strides[source])];
                    spread(to, samples, format, (place, sources.len()));
                }
            }
        }
        Ok(())
    }

    /// The first byte and how many there are, where all planes are in one object.
    pub(crate) fn whole(&self) -> Option<(*mut u8, u32)> {
        let [object] = &self.objects[..] else { return None };
        Some((object.mapping.as_ptr(), object.size))
    }

    /// Its description for another device, with descriptors that are the reader's from then on.
    pub(crate) fn export(&self, asked_composed: bool) -> Result<PrimeSurface, Error> {
        let mut prime = PrimeSurface {
            fourcc: self.format.fourcc,
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
            prime.layers[0] = self.layer(self.format.drm, &self.planes);
        } else {
            prime.layer_count = self.planes.len() as u32;
            let parts = self.format.planes.iter().zip(self.planes.chunks(1));
            for (layer, (part, plane)) in prime.layers.iter_mut().zip(parts) {
                *layer = self.layer(part.drm, plane);
            }
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

/// Puts samples of one component into a row, at `place` of so many that lie side by side.
fn spread(to: &mut [u8], samples: &[u8], format: &Format, (place, beside): (usize, usize)) {
    let bytes = format.bytes() as usize;
    let shift = format.bytes() * 8 - format.bits;
    for (to, from) in to.chunks_exact_mut(bytes * beside).zip(samples.chunks_exact(bytes)) {
        let to = &mut to[place * bytes..][..bytes];
        match from {
            [low, high] => {
                let word = u16::from_le_bytes([*low, *high]) << shift;
                to.copy_from_slice(&word.to_le_bytes());
            }
            one => to.copy_from_slice(one),
        }
    }
}

/// Where the planes of such a picture lie, and how large the objects are.
fn layout(width: u32, height: u32, format: &Format, shape: &Shape) -> (Vec<Plane>, Vec<u32>) {
    let (mut planes, mut ends, mut end) = (Vec::new(), Vec::new(), 0);
    for index in 0..format.planes.len() {
        let (row, rows) = (format.row(index, width), format.rows(index, height));
        let pitch = row.next_multiple_of(shape.stride.next_multiple_of(format.bytes()));
        let object = if shape.object_per_plane { index } else { 0 };
        let begins = index == 0 || shape.object_per_plane;
        let offset = if begins { shape.padding.next_multiple_of(2) } else { end };
        let last = index + 1 == format.planes.len();
        end = offset + pitch * (rows + if last { 0 } else { shape.padding });
        planes.push(Plane { object, offset, pitch, row, rows });
        ends.truncate(object);
        ends.push(end);
    }
    let whole = |end: u32| match shape.lie {
        Lie::Small => (end / 2).next_multiple_of(PAGE),
        _ => end.next_multiple_of(PAGE),
    };
    (planes, ends.into_iter().map(whole).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{ALL, NV12};

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
            let mut surface = Surface::new(33, 17, &NV12, &shape).unwrap();
            let y: Vec<u8> = (0..33 * 17).map(|i| (i % 200) as u8).collect();
            let (u, v) = (vec![201; 17 * 9], vec![202; 17 * 9]);
            let (planes, strides) = ([&y[..], &u, &v], [33, 17, 17]);
            let picture = Planar { planes, strides, bits: 8, shared: (2, 2) };
            surface.put(&picture).unwrap();
            for row in 0..17 {
                assert_eq!(surface.row(0, row)[..33], y[row as usize * 33..][..33], "row {row}");
            }
            for row in 0..9 {
                assert_eq!(surface.row(1, row), [201, 202].repeat(17), "row {row}");
            }
        }
    }

    #[test]
    fn every_format_takes_each_sample_to_its_place() {
        for format in ALL {
            let mut surface = Surface::new(6, 4, format, &shape()).unwrap();
            let (shared, bytes) = (format.planes[1].shared, format.bytes() as usize);
            let chroma = (6 / shared.0 * 4 / shared.1) as usize * bytes;
            let component =
                |value: u8, length| vec![[value, 0][..bytes].to_vec(); length / bytes].concat();
            let planes = [component(1, 24 * bytes), component(2, chroma), component(3, chroma)];
            let stride = 6 / shared.0 as usize * bytes;
            let planar = Planar {
                planes: planes.each_ref().map(|plane| &plane[..]),
                strides: [6 * bytes, stride, stride],
                bits: format.bits,
                shared,
            };
            surface.put(&planar).unwrap();
            let one = |value: u16| (value << (8 * bytes as u32 - format.bits)).to_le_bytes();
            let values: &[&[u16]] =
                if format.planes.len() == 2 { &[&[1], &[2, 3]] } else { &[&[1], &[2], &[3]] };
            for (plane, values) in values.iter().enumerate() {
                let place: Vec<u8> =
                    values.iter().flat_map(|value| one(*value)[..bytes].to_vec()).collect();
                for row in 0..surface.planes[plane].rows {
                    let found = surface.row(plane, row);
                    assert!(
                        found.chunks(place.len()).all(|it| it == place),
                        "{format:?} {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn each_export_says_what_was_asked_or_told() {
        let composed = |shape: &Shape, asked| {
            let prime = Surface::new(64, 48, &NV12, shape).unwrap().export(asked).unwrap();
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
