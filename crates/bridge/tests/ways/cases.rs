//! Each way.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_bridge::{Bridge, Way};
use zerohop_cuda::{Cuda, Device, GlImage, Mapped, Pinned, Stream, Uuid};
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, OpaqueImage, PlaneLayout,
    Proofs, SharedBuffer, pattern, same,
};
use zerohop_gl::{Blitter, Context, Wanted};
use zerohop_kernel::Memfd;
use zerohop_vulkan::{Copies, Image, PixelFormat, Queue, opaque_of};

use crate::pictures::{self, Picture, Seen, frame, see};
use crate::stage::Outcome;

const SIZE: Extent = Extent { width: 37, height: 11 };
const NOTHING: Copies = Copies { cpu_bytes: 0, gpu: 0 };

fn memfd(queue: &Arc<Queue>, extent: Extent) -> Result<Picture, zerohop_frame::BoxError> {
    let stride = (extent.width * 4).next_multiple_of(64);
    let shm = |memfd: Memfd| Ok(MemoryHandle::Shm(memfd.into()));
    pictures::linear(queue, Fourcc::XRGB8888, extent, stride, shm)
}

pub(crate) fn opaque(queue: &Arc<Queue>) -> Outcome {
    of_applications(queue, |opaque| opaque, true)
}

pub(crate) fn opaque_rows(queue: &Arc<Queue>) -> Outcome {
    of_applications(queue, |opaque| OpaqueImage { tiling: 1, ..opaque }, false)
}

fn of_applications(
    queue: &Arc<Queue>,
    tiled: fn(OpaqueImage) -> OpaqueImage,
    is_array: bool,
) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    for fourcc in [Fourcc::XRGB8888, Fourcc::ABGR2101010, Fourcc::ABGR16161616F] {
        let like = tiled(opaque_of(PixelFormat::of(fourcc)?));
        for extent in [SIZE, Extent { width: 640, height: 360 }] {
            let picture = pictures::opaque(queue, fourcc, extent, &like)?;
            let seen = see(&mut bridge, &picture)?;
            same(&picture.bytes, &seen.bytes).map_err(|err| format!("{fourcc}: {err}"))?;
            assert_eq!((seen.way, seen.copies, seen.fallback), (Way::Opaque, NOTHING, None));
            assert_eq!(seen.is_array, is_array);
        }
    }
    assert_eq!(Proofs::of_process().all().len(), 3, "one proof for each format");
    Ok(())
}

pub(crate) fn bridged(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    let sizes = [(37, 11), (1, 1), (640, 360), (16, 3)];
    let mut said = 0;
    for (width, height) in sizes {
        for _ in 0..3 {
            let picture = memfd(queue, Extent { width, height })?;
            let Seen { way, copies, fallback, bytes, .. } = see(&mut bridge, &picture)?;
            same(&picture.bytes, &bytes).map_err(|err| format!("{width}x{height}: {err}"))?;
            assert_eq!((way, copies), (Way::Vulkan, Copies { cpu_bytes: 0, gpu: 1 }));
            said += fallback.into_iter().filter(|one| one.reason.contains("memfd")).count();
        }
    }
    assert_eq!(said, 1, "the cost is said once");
    let proofs = Proofs::of_process().all();
    let text = proofs.iter().map(|(claim, verdict)| format!("{claim}: {verdict}"));
    let text: Vec<_> = text.collect();
    assert_eq!(text.len(), 1, "{text:?}");
    assert!(text[0].starts_with("the Vulkan bridge: XR24 LINEAR as memfd on "), "{text:?}");
    assert!(text[0].contains(": exact, "), "{text:?}");
    Ok(())
}

pub(crate) fn many(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    let picture = memfd(queue, SIZE)?;
    let stream = Arc::clone(bridge.stream());
    let target = Arc::new(Pinned::new(stream.device(), 37 * 4, 11)?);
    for _ in 0..200 {
        let crossed = bridge.cross(&picture.frame, &picture.image)?;
        crossed.copy(&stream, &target)?;
        stream.submit()?.wait("a copy", Duration::from_secs(20))?;
    }
    same(&picture.bytes, target.bytes())?;
    Ok(())
}

pub(crate) fn hosted(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(&[Way::Host]);
    let picture = memfd(queue, SIZE)?;
    for first in [true, false] {
        let seen = see(&mut bridge, &picture)?;
        same(&picture.bytes, &seen.bytes)?;
        assert!(seen.way == Way::Host && seen.copies.cpu_bytes >= 37 * 11 * 4);
        assert_eq!(seen.fallback.is_some(), first);
    }
    Ok(())
}

pub(crate) fn refused(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    let picture = memfd(queue, SIZE)?;
    let seen = see(&mut bridge, &picture)?;
    same(&picture.bytes, &seen.bytes)?;
    assert_eq!(seen.way, Way::Host);
    let fallback = seen.fallback.ok_or("it must be said")?;
    assert!(fallback.reason.starts_with("not by the Vulkan bridge, could not map"), "{fallback:?}");
    assert_eq!(fallback.cost, "the CPU copies each picture");
    assert_eq!(see(&mut bridge, &picture)?.way, Way::Host, "it is not tried again");
    Ok(())
}

pub(crate) fn latched(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    let picture = memfd(queue, SIZE)?;
    let err = see(&mut bridge, &picture).err().ok_or("the first import after the proof fails")?;
    assert!(err.to_string().starts_with("could not map"), "{err}");
    let seen = see(&mut bridge, &picture)?;
    same(&picture.bytes, &seen.bytes)?;
    assert_eq!(seen.way, Way::Host);
    Ok(())
}

pub(crate) fn planes(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    let extent = Extent { width: 32, height: 32 };
    let plane = |offset| PlaneLayout { object: 0, offset, stride: 32 };
    let (fourcc, modifier, color) = (Fourcc::NV12, Modifier::LINEAR, Color::BT709);
    let planes = ArrayVec::from_iter([plane(0), plane(1024)]);
    let shape = FrameDescriptor { extent, fourcc, modifier, planes, color };
    let memory = MemoryHandle::Shm(Memfd::create("picture", 4096)?.into());
    let frame = frame(SharedBuffer::new(shape, ArrayVec::from_iter([memory]))?);
    let image = Arc::new(Image::import(queue.device(), frame.buffer())?);
    let err = bridge.cross(&frame, &image).err().ok_or("no array holds it")?.to_string();
    assert!(err.starts_with("no way into CUDA for NV12 in a memfd: not by the Vulkan"), "{err}");
    assert!(err.contains("; not by a copy by the CPU, "), "{err}");
    Ok(())
}

pub(crate) fn texture(queue: &Arc<Queue>) -> Outcome {
    let device_uuid = queue.device().id().device_uuid;
    let stream = Stream::new(&Device::open(&Cuda::load()?, Uuid(device_uuid))?)?;
    let mut blitter = Blitter::new(Context::open(&Wanted { device_uuid })?);
    let bytes = pattern(37 * 11 * 4);
    let target = Arc::new(Pinned::new(stream.device(), 37 * 4, 11)?);
    let (current, drawn) = blitter.blit_bytes(SIZE, &bytes)?;
    let texture = (drawn.texture, 0x0de1);
    let image = GlImage::register(stream.device(), texture, Fourcc::ABGR8888, SIZE)?;
    let mapped = Mapped::map(&image, &stream)?;
    mapped.copy(&target)?;
    drop(mapped);
    stream.submit()?.wait("a copy", Duration::from_secs(20))?;
    let _ = stream.submit()?;
    drop((image, current));
    same(&bytes, target.bytes())?;
    Ok(())
}
