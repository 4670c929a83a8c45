//! Planes in opaque memory: rows in buffers, and images that hold several.

use std::os::fd::AsFd as _;
use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, PlaneLayout, SharedBuffer,
};
use zerohop_kernel::Memfd;
use zerohop_vulkan::{Buffer, Error, Image, Recording, Sight, Way, opaque_for, write_picture};

use crate::common::Machine;
use crate::every::check;
use crate::picture::{FEW, FORMATS, Picture, Shape, WITH_PLANES, noise, shm};

/// `bytes` in a buffer of the device that can leave it.
fn exportable(machine: &Machine, bytes: &[u8]) -> Result<MemoryHandle, Error> {
    let size = bytes.len() as u64;
    let out = Arc::new(Buffer::exportable(&machine.device, size)?);
    let from = Arc::new(Buffer::read_back(&machine.device, size)?);
    from.write(0, bytes);
    let mut recording = Recording::begin(&machine.queue)?;
    recording.write(&out);
    recording.copy_ranges(&from, &out, &[(0, size)]);
    let _ = recording.submit_and_wait()?;
    out.export()
}

pub(crate) fn opaque_rows(machine: &Machine) -> Result<(), Error> {
    let mut came = Vec::new();
    for name in FORMATS {
        let fourcc = Fourcc(u32::from_le_bytes(*name));
        for (width, height) in FEW {
            for shape in [Shape::Tight, Shape::Padded] {
                let made = Picture::new(fourcc, Extent { width, height }, shape, shm);
                let memfd = made.buffer.memory()[0].as_fd().try_clone_to_owned();
                let memfd = memfd.map(Memfd::try_from).expect("a descriptor").expect("a memfd");
                let bytes = zerohop_kernel::Mapping::new(&memfd).expect("a mapping");
                let memory = ArrayVec::from_iter([exportable(machine, bytes.as_slice())?]);
                let buffer = SharedBuffer::new(made.buffer.descriptor().clone(), memory);
                let buffer = buffer.expect("a sound descriptor");
                let image = Image::import(&machine.device, &buffer)?;
                came.push(image.way());
                let what = format!("{fourcc} {width}x{height} {shape:?}");
                check(machine, &Picture { buffer, planes: made.planes }, image, &what)?;
            }
        }
    }
    let buffers = came.iter().filter(|way| **way == Way::Buffers).count();
    assert_eq!(buffers, WITH_PLANES * FEW.len() * 2, "all with several planes");
    Ok(())
}

/// `VK_IMAGE_CREATE_ALIAS_BIT`, which FFmpeg's images have.
const ALIAS: u32 = 0x400;

/// How FFmpeg makes them, but for what is for decoding.
pub(crate) fn opaque_planes(machine: &Machine) -> Result<(), Error> {
    let mut made = 0;
    let tilings = FORMATS.iter().flat_map(|name| [(*name, OPTIMAL), (*name, LINEAR)]);
    for (name, tiling) in tilings {
        let fourcc = Fourcc(u32::from_le_bytes(*name));
        let extent = Extent { width: 64, height: 48 };
        let mut opaque = match opaque_for(&machine.device, fourcc, extent) {
            Ok(opaque) => opaque,
            Err(Error::Format(_)) => continue,
            Err(err) => return Err(err),
        };
        opaque.flags |= ALIAS;
        opaque.tiling = tiling;
        let image = match Image::create_for(&machine.device, extent, fourcc, &opaque) {
            Ok(image) => Arc::new(image),
            Err(Error::NotImportable { .. }) => continue,
            Err(err) => return Err(err),
        };
        let mut bytes = vec![0; image.bytes() as usize];
        noise(u64::from(opaque.format), &mut bytes);
        write_picture(&machine.queue, &image, &bytes)?;
        let memory = ArrayVec::from_iter([image.export()?]);
        let at = PlaneLayout { object: 0, offset: 0, stride: 0 };
        let descriptor = FrameDescriptor {
            extent,
            fourcc,
            modifier: Modifier::INVALID,
            planes: ArrayVec::from_iter([at]),
            color: Color::BT709,
        };
        let buffer = SharedBuffer::new(descriptor, memory).expect("a sound descriptor");
        let image = Image::import(&machine.device, &buffer)?;
        assert_eq!((image.way(), image.sight()), (Way::Opaque, Some(Sight::Images)));
        check(machine, &Picture { buffer, planes: bytes }, image, &fourcc.to_string())?;
        made += 1;
    }
    assert!(made >= 3, "NV12 and P010 at least, and one of them LINEAR");
    Ok(())
}

/// `VK_IMAGE_TILING_OPTIMAL` and `VK_IMAGE_TILING_LINEAR`.
const OPTIMAL: u32 = 0;
const LINEAR: u32 = 1;
