//! Real images of a Vulkan device on the CPU, whose memory the stand-in has as well.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_cuda::{Cuda, Device, Picture, Pinned, Pitched, Rows, Stream, Surface as _, Uuid};
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, Modifier, OpaqueImage, PlaneLayout, SharedBuffer,
};
use zerohop_vulkan as vulkan;
use zerohop_vulkan::{DeviceKind, Image, Instance, InstanceOptions, PixelFormat, Queue, opaque_of};

use crate::stage::Outcome;

/// Sizes with and without padding.
const SIZES: [(u32, u32); 3] = [(64, 64), (1366, 7), (17, 33)];

const FORMATS: [Fourcc; 4] =
    [Fourcc::XRGB8888, Fourcc::ABGR2101010, Fourcc::RGB565, Fourcc::ABGR16161616F];

pub(crate) fn optimal() -> Outcome {
    all(|opaque| opaque)
}

pub(crate) fn linear() -> Outcome {
    all(|opaque| OpaqueImage { tiling: 1, ..opaque })
}

fn all(tiled: fn(OpaqueImage) -> OpaqueImage) -> Outcome {
    let instance = Instance::new(InstanceOptions::from_env())?;
    let devices = instance.devices()?;
    let physical = devices.iter().find(|device| device.kind() == DeviceKind::Cpu);
    let device = vulkan::Device::open(physical.ok_or("no device is the CPU")?)?;
    let queue = Queue::new(&device);
    let uuid = Uuid(device.id().device_uuid);
    let stream = Stream::new(&Device::open(&Cuda::load()?, uuid)?)?;
    for fourcc in FORMATS {
        for (width, height) in SIZES {
            let format = PixelFormat::of(fourcc)?;
            let opaque = tiled(opaque_of(format));
            one(&queue, &stream, format, Extent { width, height }, &opaque)
                .map_err(|err| format!("{fourcc} of {width}x{height}: {err}"))?;
        }
    }
    Ok(())
}

fn one(
    queue: &Arc<Queue>,
    stream: &Arc<Stream>,
    format: PixelFormat,
    extent: Extent,
    opaque: &OpaqueImage,
) -> Outcome {
    let image = Arc::new(Image::create(queue.device(), extent, format, opaque)?);
    let bytes: Vec<u8> = (0..image.bytes()).map(|i| (i * 7 + i / 251) as u8).collect();
    vulkan::write_picture(queue, &image, &bytes)?;
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 0 }]);
    let (fourcc, modifier) = (format.fourcc(), Modifier::INVALID);
    let shape = FrameDescriptor { extent, fourcc, modifier, planes, color: Color::SRGB };
    let buffer = SharedBuffer::new(shape, ArrayVec::from_iter([image.export()?]))?;
    let rows = image.opaque_rows().map(|(offset, pitch)| Rows { offset, pitch });
    let picture = Arc::new(Picture::import(stream.device(), &buffer, rows)?);
    assert_eq!(picture.array().is_some(), opaque.tiling == 0);
    // By way of memory of the device, so that both directions are seen.
    let (row, count) = (picture.row_bytes(), picture.rows());
    let between = Arc::new(Pitched::new(stream.device(), row, count)?);
    let target = Arc::new(Pinned::new(stream.device(), row, count)?);
    stream.copy(&picture, &between)?;
    stream.copy(&between, &target)?;
    stream.submit()?.wait("two copies", Duration::from_secs(20))?;
    assert!(target.bytes() == bytes, "other pixels");
    Ok(())
}
