//! Pictures in the memory of the stand-in's GPU.

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_cuda::{Cuda, Device, Picture, Pinned, Pitched, Rows, Stream, Surface, Uuid};
use zerohop_frame::{
    Color, DeviceId, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, OpaqueImage,
    PlaneLayout, SharedBuffer,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_nvenc::{Codec, Encoder, Format, Preset, Rate, Session, Settings, Tuning};
use zerohop_testkit_nvenc::hash;

use crate::stage::UUID;

pub(crate) type Anything<T> = Result<T, Box<dyn std::error::Error>>;

pub(crate) const SIZE: Extent = Extent { width: 160, height: 96 };

/// A part of the pictures, and where it begins.
pub(crate) const REGION: Extent = Extent { width: 64, height: 48 };
pub(crate) const CORNER: (usize, usize) = (32, 16);

/// Bytes before the memory (see `testkit-cuda`).
const HEADER: usize = 4096;

pub(crate) fn stream() -> Anything<Arc<Stream>> {
    let device = Device::open(&Cuda::load()?, Uuid(UUID))?;
    Ok(Stream::new(&device)?)
}

/// What most cases ask for.
pub(crate) fn settings(codec: Codec) -> Settings {
    Settings {
        codec,
        extent: SIZE,
        most: Extent { width: 320, height: 192 },
        ten_bits: false,
        color: Settings::converted(Color::SRGB),
        hertz: 60,
        preset: Preset::default(),
        tuning: Tuning::default(),
        rate: Rate::Quantizer(24),
        refresh: None,
    }
}

/// An encoder of pictures of `fourcc`.
pub(crate) fn encoder(
    stream: &Arc<Stream>,
    codec: Codec,
    fourcc: Fourcc,
) -> Anything<Encoder<u32>> {
    let format = Format::of(fourcc).ok_or("no format")?;
    Ok(Session::open(stream)?.start(settings(codec), format)?)
}

/// The bytes of picture `number`, without padding.
pub(crate) fn bytes(extent: Extent, number: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| [x as u8, (y + number) as u8, (x ^ y) as u8, 0xff];
    let Extent { width, height } = extent;
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
}

/// The hash that the library writes down for picture `number`.
pub(crate) fn hash_of(extent: Extent, number: u32) -> u64 {
    hash(&bytes(extent, number))
}

/// The hash that the library writes down for the part of picture `number`.
pub(crate) fn hash_of_region(number: u32) -> u64 {
    let (row, (x, y)) = (SIZE.width as usize * 4, CORNER);
    let all = bytes(SIZE, number);
    let lines = all.chunks(row).skip(y).take(REGION.height as usize);
    let part = lines.flat_map(|line| line[x * 4..][..REGION.width as usize * 4].to_vec());
    hash(&part.collect::<Vec<_>>())
}

/// The application's image with picture `number` on it: an array, or rows a little apart.
pub(crate) fn picture(
    stream: &Stream,
    (fourcc, extent): (Fourcc, Extent),
    number: u32,
    linear: bool,
) -> Anything<Arc<Picture>> {
    let row = extent.width as usize * 4;
    // The stand-in's arrays have rows of whole cache lines, as llvmpipe's images.
    let pitch = if linear { row + 64 } else { row.next_multiple_of(64) };
    let size = pitch * (extent.height as usize).next_multiple_of(4);
    let memfd = Memfd::create("image", (HEADER + size) as u64)?;
    let mut mapping = MappingMut::new(&memfd)?;
    let memory = &mut mapping.as_mut_slice()[HEADER..];
    for (line, row) in memory.chunks_mut(pitch).zip(bytes(extent, number).chunks(row)) {
        line[..row.len()].copy_from_slice(row);
    }
    let device = DeviceId { device_uuid: UUID, driver_uuid: [0; 16] };
    let image = OpaqueImage {
        format: 44,
        usage: 0x10,
        array_layers: 1,
        tiling: linear.into(),
        ..Default::default()
    };
    let (fd, size) = (memfd.into(), size as u64);
    let memory = MemoryHandle::OpaqueFd { fd, device, size, memory_type: 0, image };
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]);
    let (modifier, color) = (Modifier::INVALID, Color::SRGB);
    let shape = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let buffer = SharedBuffer::new(shape, ArrayVec::from_iter([memory]))?;
    let rows = linear.then_some(Rows { offset: 0, pitch: pitch as u64 });
    Ok(Arc::new(Picture::import(stream.device(), &buffer, rows)?))
}

/// Rows of NV12 on the device, all of one grey.
pub(crate) fn grey(stream: &Arc<Stream>, code: u8) -> Anything<Arc<dyn Surface>> {
    let (row, rows) = (SIZE.width as usize, SIZE.height as usize * 3 / 2);
    let from = Arc::new(Pinned::new(stream.device(), row, rows)?);
    let memfd = Memfd::try_from(from.share()?).map_err(|_| "no memfd")?;
    MappingMut::new(&memfd)?.as_mut_slice().fill(code);
    let to = Arc::new(Pitched::new(stream.device(), row, rows)?);
    stream.copy(&from, &to)?;
    let _ = stream.submit()?;
    Ok(to)
}
