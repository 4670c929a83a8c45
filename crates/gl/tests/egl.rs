//! Real drivers of EGL, OpenGL ES and GBM: Mesa's on the CPU everywhere, and with dma-bufs of the
//! kernel's where there are any.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle,
    Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint, pattern, same,
};
use zerohop_gl::{Blitter, Context, Error, Gbm, Platform, Target, Wanted, platforms};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_needs::absent;

fn main() -> std::process::ExitCode {
    // One after the other: one counts the descriptors of the process.
    let args = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let trials = vec![
        trial("a_context_is_found_by_the_device_that_it_shares_memory_with", the_device),
        trial("a_blit_keeps_every_bit_at_odd_sizes_and_when_the_size_changes", every_bit),
        trial("a_memfd_is_refused_by_its_kind_and_the_refusal_is_kept", a_memfd),
        trial("a_context_serves_one_thread_after_another", threads),
        trial("dma_bufs_are_drawn_to_the_last_bit_by_either_target", dma_bufs),
        trial("a_dma_buf_that_is_too_small_never_reaches_the_driver", too_small),
        trial("many_dma_bufs_leave_no_descriptor", nothing_left),
        trial("gbm_maps_what_is_in_a_dma_buf", gbm),
    ];
    libtest_mimic::run(&args, trials).exit_code()
}

/// What a test ends with: what was missing, if it could not run.
type Outcome = Result<Option<(&'static str, String)>, BoxError>;

fn trial(name: &str, run: fn() -> Outcome) -> Trial {
    Trial::ignorable_test(name, move || match run() {
        Ok(None) => Ok(Completion::Completed),
        Ok(Some((need, why))) => absent(need, &why),
        Err(err) => Err(Failed::from(err.to_string())),
    })
}

/// A context on the CPU, as every machine with Mesa has one.
fn surfaceless() -> Result<Context, String> {
    Context::on(&Platform::Surfaceless).map_err(|err| err.to_string())
}

macro_rules! need {
    ($need:literal, $tried:expr) => {
        match $tried {
            Ok(there) => there,
            Err(why) => return Ok(Some(($need, why.to_string()))),
        }
    };
}

fn the_device() -> Outcome {
    let context = need!("egl", surfaceless());
    let Some(uuid) = context.facts().devices.first() else {
        return Err("Mesa's driver says which device it is".into());
    };
    let found = Context::open(&Wanted { device_uuid: *uuid })?;
    assert!(found.facts().devices.contains(uuid));
    let err = Context::open(&Wanted { device_uuid: [0xa5; 16] }).err().ok_or("no such device")?;
    let text = err.to_string();
    assert!(text.starts_with("no EGL display for this device: "), "{text}");
    assert!(text.contains("surfaceless is "), "{text}");
    Ok(None)
}

fn every_bit() -> Outcome {
    let mut blitter = Blitter::new(need!("egl", surfaceless()));
    let sizes = [(1, 1), (37, 5), (640, 360), (1366, 768), (37, 5), (37, 5)];
    let mut fresh = Vec::new();
    for (width, height) in sizes {
        let extent = Extent { width, height };
        let bytes = pattern((width * height * 4) as usize);
        let (current, blitted) = blitter.blit_bytes(extent, &bytes)?;
        drop(current);
        fresh.push(blitted.fresh);
        assert_eq!(blitted.extent, extent);
        same(&bytes, &blitter.read()?)?;
    }
    assert_eq!(fresh, [true, true, true, true, true, false]);
    let huge = Extent { width: 1 << 20, height: 1 };
    let bytes = vec![0; 4 << 20];
    let err = blitter.blit_bytes(huge, &bytes).err().ok_or("no texture is that wide")?;
    assert!(matches!(err, Error::TooLarge { .. }), "{err}");
    Ok(None)
}

fn a_memfd() -> Outcome {
    let mut blitter = Blitter::new(need!("egl", surfaceless()));
    let memory = Memfd::create("picture", 4096)?;
    let plane = PlaneLayout { object: 0, offset: 0, stride: 64 };
    let extent = Extent { width: 16, height: 16 };
    let memory = MemoryHandle::Shm(memory.into());
    let buffer = buffer(Fourcc::ARGB8888, extent, plane, memory)?;
    let first = blitter.blit(&frame(&buffer)).err().ok_or("EGL takes no memfd")?.to_string();
    let again = blitter.blit(&frame(&buffer)).err().ok_or("nor a second time")?.to_string();
    let reasons = ["EGL imports dma-bufs, not a memfd", "the driver lacks EGL_EXT_image"];
    assert!(reasons.iter().any(|reason| first.contains(reason)), "{first}");
    assert_eq!((again, blitter.len()), (first, 1));
    drop(buffer);
    // What is gone is forgotten when the next one comes.
    let odd = frame(&self::buffer(
        Fourcc::ABGR8888,
        extent,
        plane,
        MemoryHandle::Shm(Memfd::create("other", 4096)?.into()),
    )?);
    assert!(blitter.blit(&odd).is_err() && blitter.len() == 1);
    Ok(None)
}

fn threads() -> Outcome {
    let mut blitter = Blitter::new(need!("egl", surfaceless()));
    let extent = Extent { width: 8, height: 8 };
    for round in 0..3 {
        let bytes = pattern(256 + round)[round..].to_vec();
        let work = std::thread::spawn(move || -> Result<_, Error> {
            blitter.blit_bytes(extent, &bytes)?;
            Ok((blitter.read()? == bytes, blitter))
        });
        let (equal, back) = work.join().map_err(|_| "a thread panicked")??;
        assert!(equal);
        blitter = back;
    }
    Ok(None)
}

/// The first context here that takes dma-bufs, with what kind of it each platform says.
fn importing() -> Result<Context, String> {
    let mut said = Vec::new();
    for platform in platforms().map_err(|err| err.to_string())? {
        match Context::on(&platform) {
            Ok(context) if context.target(Fourcc::ARGB8888, Modifier::LINEAR).is_ok() => {
                println!("dma-bufs by {}", context.facts().driver());
                return Ok(context);
            }
            Ok(context) => said.push(format!("{} takes none", context.facts().driver())),
            Err(err) => said.push(format!("{platform}: {err}")),
        }
    }
    Err(format!("no driver of EGL's takes dma-bufs: {}", said.join("; ")))
}

const SIZES: [Extent; 3] = [
    Extent { width: 16, height: 16 },
    Extent { width: 37, height: 5 },
    Extent { width: 1366, height: 768 },
];

fn dma_bufs() -> Outcome {
    need!("dma_buf", udmabuf(&Memfd::create("one page", 4096)?));
    let mut blitter = Blitter::new(need!("dma_buf", importing()));
    let all = [Fourcc::ARGB8888, Fourcc::XRGB8888, Fourcc::ABGR8888, Fourcc::XBGR8888];
    let first = [Fourcc::ARGB8888].into_iter().zip(SIZES.into_iter().cycle());
    for (fourcc, extent) in all.into_iter().map(|one| (one, SIZES[1])).chain(first) {
        let (buffer, bytes) = painted(fourcc, extent)?;
        let (current, _) = blitter.blit(&frame(&buffer))?;
        drop(current);
        same(&bytes, &blitter.read()?).map_err(|err| format!("{fourcc} {extent:?}: {err}"))?;
    }
    let (buffer, bytes) = painted(Fourcc::ARGB8888, SIZES[1])?;
    blitter.blit_as(&frame(&buffer), Target::External)?;
    same(&bytes, &blitter.read()?).map_err(|err| format!("as an external texture: {err}"))?;
    Ok(None)
}

fn too_small() -> Outcome {
    need!("dma_buf", udmabuf(&Memfd::create("one page", 4096)?));
    let mut blitter = Blitter::new(need!("dma_buf", importing()));
    let dma_buf = udmabuf(&Memfd::create("one page", 4096)?)?;
    let plane = PlaneLayout { object: 0, offset: 0, stride: 256 };
    let extent = Extent { width: 64, height: 17 };
    let buffer = buffer(Fourcc::ARGB8888, extent, plane, MemoryHandle::DmaBuf(dma_buf))?;
    let err = blitter.blit(&frame(&buffer)).err().ok_or("it cannot fit")?.to_string();
    assert!(err.contains("4352") && err.contains("4096"), "{err}");
    Ok(None)
}

fn nothing_left() -> Outcome {
    need!("dma_buf", udmabuf(&Memfd::create("one page", 4096)?));
    let mut blitter = Blitter::new(need!("dma_buf", importing()));
    let once = |blitter: &mut Blitter| -> Result<(), BoxError> {
        let (buffer, _) = painted(Fourcc::ARGB8888, SIZES[0])?;
        blitter.blit(&frame(&buffer))?;
        Ok(())
    };
    once(&mut blitter)?;
    let count = || std::fs::read_dir("/proc/self/fd").map(Iterator::count);
    let before = count()?;
    for _ in 0..20 {
        once(&mut blitter)?;
    }
    assert_eq!((count()?, blitter.len()), (before, 1));
    Ok(None)
}

fn gbm() -> Outcome {
    need!("dma_buf", udmabuf(&Memfd::create("one page", 4096)?));
    let cards = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let mut cards: Vec<PathBuf> = cards.map(|entry| entry.path()).collect();
    cards.retain(|path| path.to_string_lossy().contains("/card"));
    let mut said = Vec::new();
    for card in cards {
        let name = card.display().to_string();
        match maps(&card) {
            Ok(()) => {
                println!("mapped by GBM on {name}");
                return Ok(None);
            }
            Err(err) => said.push(format!("{name}: {err}")),
        }
    }
    Ok(Some(("kms", format!("GBM takes no foreign memory here: {}", said.join("; ")))))
}

/// Whether GBM on `card` takes foreign memory; then it must be read to the last bit.
fn maps(card: &PathBuf) -> Result<(), BoxError> {
    let gbm = Gbm::new(File::options().read(true).write(true).open(card)?.into())?;
    for extent in SIZES {
        let (buffer, bytes) = painted(Fourcc::ARGB8888, extent)?;
        let seen = gbm.read(buffer.descriptor(), buffer.memory())?;
        assert_eq!(same(&bytes, &seen.bytes), Ok(()), "{} {extent:?}", card.display());
    }
    Ok(())
}

/// A picture in a dma-buf with rows as screens like them, and its bytes without padding, the fourth
/// of each pixel 255 where it counts for nothing.
fn painted(fourcc: Fourcc, extent: Extent) -> Result<(Arc<SharedBuffer>, Vec<u8>), BoxError> {
    let (row, stride) = (extent.width as usize * 4, (extent.width * 4).next_multiple_of(256));
    let size = u64::from(stride * extent.height).next_multiple_of(4096);
    let memfd = Memfd::create("picture", size)?;
    let bytes = pattern(row * extent.height as usize);
    let mut map = MappingMut::new(&memfd)?;
    for (y, line) in bytes.chunks_exact(row).enumerate() {
        map.as_mut_slice()[y * stride as usize..][..row].copy_from_slice(line);
    }
    drop(map);
    let memory = MemoryHandle::DmaBuf(udmabuf(&memfd)?);
    let plane = PlaneLayout { object: 0, offset: 0, stride };
    let mut bytes = bytes;
    if matches!(fourcc, Fourcc::XRGB8888 | Fourcc::XBGR8888) {
        bytes.iter_mut().skip(3).step_by(4).for_each(|byte| *byte = 255);
    }
    Ok((buffer(fourcc, extent, plane, memory)?, bytes))
}

fn buffer(
    fourcc: Fourcc,
    extent: Extent,
    plane: PlaneLayout,
    memory: MemoryHandle,
) -> Result<Arc<SharedBuffer>, BoxError> {
    let planes = ArrayVec::from_iter([plane]);
    let (modifier, color) = (Modifier::LINEAR, Color::SRGB);
    let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
    Ok(SharedBuffer::new(descriptor, ArrayVec::from_iter([memory]))?)
}

fn frame(buffer: &Arc<SharedBuffer>) -> Arc<Frame> {
    /// Nobody waits for the picture.
    struct Nobody;
    impl Recycle for Nobody {
        fn recycle(&self, _: Release) {}
    }
    let info = FrameInfo {
        sequence: 0,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Arc::new(Frame::new(Arc::clone(buffer), info, SyncPoint::Signaled, Arc::new(Nobody)))
}
