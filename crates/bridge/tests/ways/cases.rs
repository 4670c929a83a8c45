//! Each way.

use std::sync::Arc;
use std::time::Duration;

use zerohop_bridge::{Bridge, Way};
use zerohop_cuda::{Cuda, Device, GlImage, Mapped, Pinned, Stream, Uuid};
use zerohop_frame::{Extent, Fourcc, MemoryHandle, OpaqueImage, Proofs, pattern, same};
use zerohop_gl::{Blitter, Context, Wanted};
use zerohop_kernel::Memfd;
use zerohop_vulkan::{Copies, PixelFormat, Queue, opaque_for, opaque_of};

use crate::pictures::{self, Picture, Seen, see};
use crate::stage::Outcome;

const SIZE: Extent = Extent { width: 37, height: 11 };
const NOTHING: Copies = Copies { cpu_bytes: 0, gpu: 0 };

fn memfd(queue: &Arc<Queue>, extent: Extent) -> Result<Picture, zerohop_frame::BoxError> {
    of(queue, Fourcc::XRGB8888, extent)
}

fn of(
    queue: &Arc<Queue>,
    fourcc: Fourcc,
    extent: Extent,
) -> Result<Picture, zerohop_frame::BoxError> {
    let shm = |memfd: Memfd| Ok(MemoryHandle::Shm(memfd.into()));
    pictures::linear(queue, fourcc, extent, shm)
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

pub(crate) fn locked(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?;
    for (width, height) in [(37, 11), (1, 1), (640, 360)] {
        let picture = memfd(queue, Extent { width, height })?;
        for _ in 0..3 {
            let seen = see(&mut bridge, &picture)?;
            same(&picture.bytes, &seen.bytes).map_err(|err| format!("{width}x{height}: {err}"))?;
            assert_eq!((seen.way, seen.copies, seen.is_array), (Way::Locked, NOTHING, false));
            let cost = "each picture crosses the bus when CUDA reads it";
            assert!(seen.fallback.is_none_or(|one| one.cost == cost && width == 37));
        }
    }
    Ok(())
}

pub(crate) fn bridged(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(&[Way::Vulkan]);
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
    let mut bridge = Bridge::open(queue)?.by(&[Way::Vulkan]);
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
    let once = 37 * 11 * 4;
    for first in [true, false] {
        let seen = see(&mut bridge, &picture)?;
        same(&picture.bytes, &seen.bytes)?;
        assert_eq!(seen.way, Way::Host);
        assert!(seen.copies.cpu_bytes >= once, "{:?}", seen.copies);
        if picture.image.planes()[0].pixels().is_some() {
            assert_eq!(seen.copies, Copies { cpu_bytes: once, gpu: 0 }, "it is read where it lies");
        }
        assert_eq!(seen.fallback.is_some(), first);
    }
    Ok(())
}

/// Tiles, so that they come through a buffer; two by turns, so that what is kept is written again.
pub(crate) fn many_hosted(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(&[Way::Host]);
    let like = opaque_of(PixelFormat::of(Fourcc::XRGB8888)?);
    let first = pictures::opaque(queue, Fourcc::XRGB8888, SIZE, &like)?;
    let second = pictures::opaque_with(queue, Fourcc::XRGB8888, SIZE, &like, <[u8]>::reverse)?;
    let stream = Arc::clone(bridge.stream());
    let target = Arc::new(Pinned::new(stream.device(), 37 * 4, 11)?);
    for _ in 0..100 {
        for picture in [&first, &second] {
            let crossed = bridge.cross(&picture.frame, &picture.image)?;
            assert_eq!(crossed.copies, Copies { cpu_bytes: 37 * 11 * 4, gpu: 1 });
            crossed.copy(&stream, &target)?;
            stream.submit()?.wait("a copy", Duration::from_secs(20))?;
            same(&picture.bytes, target.bytes())?;
        }
    }
    Ok(())
}

pub(crate) fn refused(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(&[Way::Vulkan, Way::Host]);
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
    let mut bridge = Bridge::open(queue)?.by(&[Way::Vulkan, Way::Host]);
    let picture = memfd(queue, SIZE)?;
    let err = see(&mut bridge, &picture).err().ok_or("the first import after the proof fails")?;
    assert!(err.to_string().starts_with("could not map"), "{err}");
    let seen = see(&mut bridge, &picture)?;
    same(&picture.bytes, &seen.bytes)?;
    assert_eq!(seen.way, Way::Host);
    Ok(())
}

pub(crate) fn planes(queue: &Arc<Queue>) -> Outcome {
    let each: [(&[Way], _); 3] =
        [(&[Way::Locked], Way::Locked), (&[Way::Vulkan], Way::Vulkan), (&[Way::Host], Way::Host)];
    for (ways, wanted) in each {
        let mut bridge = Bridge::open(queue)?.by(ways);
        for fourcc in [Fourcc::NV12, Fourcc::P010, Fourcc::YUV420, Fourcc::NV24] {
            for extent in [SIZE, Extent { width: 64, height: 48 }] {
                let picture = of(queue, fourcc, extent)?;
                let seen = see(&mut bridge, &picture)?;
                assert_eq!((seen.way, seen.is_array), (wanted, false));
                same(&picture.bytes, &seen.bytes)
                    .map_err(|err| format!("{fourcc} {extent:?} by {wanted}: {err}"))?;
            }
        }
    }
    Ok(())
}

pub(crate) fn no_way(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(&[Way::Opaque, Way::Gl]);
    let picture = memfd(queue, SIZE)?;
    let err = bridge.cross(&picture.frame, &picture.image).err().ok_or("neither takes a memfd")?;
    assert_eq!(err.to_string(), "no way into CUDA for XR24 in a memfd: none is for it");
    Ok(())
}

pub(crate) fn opaque_planes(queue: &Arc<Queue>) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(&[Way::Opaque, Way::Vulkan]);
    for fourcc in [Fourcc::NV12, Fourcc::P010] {
        let extent = Extent { width: 334, height: 70 };
        let like = opaque_for(queue.device(), fourcc, extent)?;
        let picture = pictures::opaque(queue, fourcc, extent, &like)?;
        let seen = see(&mut bridge, &picture)?;
        assert_eq!((seen.way, seen.copies.gpu), (Way::Vulkan, 1), "{fourcc}");
        same(&picture.bytes, &seen.bytes).map_err(|err| format!("{fourcc}: {err}"))?;
    }
    Ok(())
}

pub(crate) fn texture(queue: &Arc<Queue>) -> Outcome {
    let device_uuid = queue.device().id().device_uuid;
    let stream = Stream::new(&Device::open(&Cuda::load()?, Uuid(device_uuid))?)?;
    let mut blitter = Blitter::new(Context::open(&Wanted { device_uuid })?);
    let target = Arc::new(Pinned::new(stream.device(), 37 * 4, 11)?);
    let mut image = None;
    for round in 0..20 {
        let bytes = pattern(37 * 11 * 4 + round)[round..].to_vec();
        let (current, drawn) = blitter.blit_bytes(SIZE, &bytes)?;
        assert_eq!(drawn.fresh, round == 0, "one texture for all of them");
        let registered = match image.take() {
            Some(image) => image,
            None => {
                let texture = (drawn.texture, 0x0de1);
                GlImage::register(stream.device(), texture, Fourcc::ABGR8888, SIZE)?
            }
        };
        let mapped = Mapped::map(&registered, &stream)?;
        mapped.copy(&target)?;
        drop(mapped);
        stream.submit()?.wait("a copy", Duration::from_secs(20))?;
        drop(current);
        same(&bytes, target.bytes()).map_err(|err| format!("picture {round}: {err}"))?;
        image = Some(registered);
    }
    // The stream lets go of what it kept for the last one, and then it is unregistered.
    let _ = stream.submit()?;
    let current = blitter.current()?;
    drop((image, current));
    Ok(())
}
