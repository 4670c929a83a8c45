//! What goes right, and what is refused.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{
    Buffer, Cuda, Device, Error, ImportCache, Memory, Picture, Pinned, Pitched, Pool, Semaphore,
    SemaphoreKind, Stream, Timelines, Uuid,
};
use zerohop_frame::{DeviceId, Fourcc, MemoryHandle, Timeline};
use zerohop_layer_timeline::Counter;

use crate::buffers::{PITCH, SIZE, buffer, bytes, descriptors, memory, open, pixels, sound};
use crate::stage::{Outcome, UUID};

const SOON: Duration = Duration::from_millis(30);
const LATE: Duration = Duration::from_secs(20);

/// Bytes of a row of the pictures here.
const ROW: usize = SIZE.width as usize * 4;
const ROWS: usize = SIZE.height as usize;

pub(crate) fn by_uuid() -> Outcome {
    let cuda = Cuda::load()?;
    assert_eq!(cuda.version(), (12, 0));
    let gpus = cuda.gpus()?;
    assert_eq!(gpus.len(), 1);
    assert_eq!((gpus[0].uuid, &*gpus[0].name), (Uuid(UUID), "stand-in 0"));
    let err = Device::open(&cuda, Uuid([7; 16])).err().expect("nobody has it").to_string();
    assert!(err.contains("07070707-") && err.contains(&Uuid(UUID).to_string()), "{err}");
    let device = Device::open(&cuda, Uuid(UUID))?;
    assert!(device.free_memory()? > 0);
    // Another thread has no context of its own: ours is made current for each call.
    std::thread::spawn(move || device.free_memory()).join().expect("no panic")?;
    Ok(())
}

/// The caller's descriptor stays its own; the driver closes its copy, or we do when it refuses.
pub(crate) fn ownership() -> Outcome {
    let device = open()?;
    let ours = memory(&bytes())?;
    let before = descriptors()?;
    let size = bytes().len() as u64;
    for _ in 0..3 {
        drop(Memory::import(&device, ours.as_fd(), size, true)?);
        let refused = Memory::import(&device, ours.as_fd(), size + 1, true);
        let said = refused.err().expect("more than there is").to_string();
        assert_eq!(said, "could not import 577 bytes of opaque memory, dedicated: true");
        let kind = SemaphoreKind::Timeline;
        assert!(Semaphore::import(&device, ours.as_fd(), kind).is_err(), "it is memory");
    }
    assert_eq!(descriptors()?, before);
    Ok(())
}

pub(crate) fn once() -> Outcome {
    let device = open()?;
    let mut cache = ImportCache::new(&device);
    let first = sound()?;
    let fresh = cache.get(&first, None)?;
    let again = cache.get(&first, None)?;
    assert!(fresh.imported.is_some() && again.imported.is_none());
    assert!(Arc::ptr_eq(&fresh.picture, &again.picture));
    assert!(again.picture.array().is_some());
    drop((again, fresh, first));
    assert_eq!(cache.len(), 1, "it goes when the next one comes");
    let second = sound()?;
    cache.get(&second, None)?;
    assert_eq!(cache.len(), 1);
    Ok(())
}

/// Why a spoiled buffer is refused.
fn refusal(fourcc: Fourcc, spoil: impl FnOnce(&mut MemoryHandle)) -> Result<String, Error> {
    let buffer = buffer(fourcc, spoil).expect("a buffer");
    let err = Picture::import(&open()?, &buffer, None).err().expect("a spoiled buffer");
    Ok(err.to_string())
}

pub(crate) fn misfits() -> Outcome {
    let rgb = Fourcc::XRGB8888;
    let other = refusal(rgb, |handle| {
        if let MemoryHandle::OpaqueFd { device, .. } = handle {
            device.device_uuid[0] = 0;
        }
    })?;
    assert!(other.starts_with("CUDA cannot import memory of another device, 00"), "{other}");
    let small = refusal(rgb, |handle| {
        if let MemoryHandle::OpaqueFd { size, .. } = handle {
            *size = 479;
        }
    })?;
    assert_eq!(small, "the picture needs 480 bytes, the memory has 479");
    let layers = refusal(rgb, |handle| {
        if let MemoryHandle::OpaqueFd { image, .. } = handle {
            image.array_layers = 2;
        }
    })?;
    assert_eq!(layers, "CUDA cannot import an image of 2 layers");
    let linear = refusal(rgb, |handle| {
        if let MemoryHandle::OpaqueFd { image, .. } = handle {
            image.tiling = 1;
        }
    })?;
    assert_eq!(linear, "CUDA cannot import LINEAR rows nobody knows");
    assert_eq!(refusal(Fourcc::NV12, |_| {})?, "no CUDA array holds NV12 pictures");
    Ok(())
}

pub(crate) fn latched() -> Outcome {
    let mut cache = ImportCache::new(&open()?);
    let buffer = buffer(Fourcc::NV12, |_| {})?;
    assert!(matches!(cache.get(&buffer, None), Err(Error::Format(_))));
    for _ in 0..3 {
        let err = cache.get(&buffer, None).err().expect("it failed before");
        assert_eq!(
            err.to_string(),
            "the buffer cannot be imported: no CUDA array holds NV12 pictures"
        );
    }
    Ok(())
}

/// A timeline as an application would make it, and as CUDA has it.
fn timeline(device: &Arc<Device>) -> Result<(Counter, Arc<Semaphore>), Box<dyn std::error::Error>> {
    let counter = Counter::new(0)?;
    let semaphore = Semaphore::import(device, counter.as_fd(), SemaphoreKind::Timeline)?;
    Ok((counter, semaphore))
}

pub(crate) fn timelines() -> Outcome {
    let device = open()?;
    let (stream, picture) = (Stream::new(&device)?, Picture::import(&device, &*sound()?, None)?);
    let (acquire, waited) = timeline(&device)?;
    let (release, signaled) = timeline(&device)?;
    let target = Arc::new(Pinned::new(&device, ROW, ROWS)?);
    stream.wait(&waited, 7)?;
    stream.copy(&Arc::new(picture), &target)?;
    stream.signal(&signaled, 9)?;
    let done = stream.submit()?;
    acquire.raise(6);
    assert!(!release.wait(9, SOON) && !done.is_reached()?);
    assert!(target.bytes().iter().all(|byte| *byte == 0), "nothing is copied before");
    acquire.raise(7);
    assert!(release.wait(9, LATE));
    done.wait("the copy", LATE)?;
    assert_eq!(target.bytes(), pixels());
    Ok(())
}

/// One that is not trusted any more is not waited for, though it was imported before.
pub(crate) fn forsaken() -> Outcome {
    let device = open()?;
    let counter = Counter::new(0)?;
    let id = DeviceId { device_uuid: device.gpu().uuid.0, driver_uuid: [0; 16] };
    let which = Timeline::new(id, counter.as_fd().try_clone_to_owned()?, None);
    let mut known = Timelines::new(&device);
    assert!(Arc::ptr_eq(&known.get(&which)?, &known.get(&which)?), "imported once");
    which.forsake("it lied");
    let err = known.get(&which).err().expect("nobody would signal it");
    assert_eq!(err.to_string(), "it lied");
    Ok(())
}

pub(crate) fn binary() -> Outcome {
    let device = open()?;
    let (first, second) = (Stream::new(&device)?, Stream::new(&device)?);
    let flags = rustix::event::EventfdFlags::CLOEXEC;
    let fd = rustix::event::eventfd(0, flags)?;
    let semaphore = Semaphore::import(&device, fd.as_fd(), SemaphoreKind::Binary)?;
    for _ in 0..3 {
        second.wait(&semaphore, 0)?;
        let done = second.submit()?;
        assert!(matches!(done.wait("nobody", SOON), Err(Error::Timeout { .. })));
        first.signal(&semaphore, 0)?;
        let _ = first.submit()?;
        done.wait("the signal", LATE)?;
    }
    Ok(())
}

/// A peer that died after it promised a value: the wait has a limit, and the value can be given.
pub(crate) fn stuck() -> Outcome {
    let device = open()?;
    let stream = Stream::new(&device)?;
    let (_dead, semaphore) = timeline(&device)?;
    stream.wait(&semaphore, 3)?;
    let done = stream.submit()?;
    let err = done.wait("the application", SOON).expect_err("nobody signals");
    assert_eq!(err.to_string(), "waited 30ms for the application");
    let rescue = Stream::new(&device)?;
    rescue.signal(&semaphore, 3)?;
    let _ = rescue.submit()?;
    done.wait("the rescue", LATE)?;
    Ok(())
}

/// A ring of buffers that comes anew at times, as with an application that is resized. The parent
/// sees that nothing is left; here nothing may grow on the way.
pub(crate) fn endurance() -> Outcome {
    let device = open()?;
    let stream = Stream::new(&device)?;
    let mut cache = ImportCache::new(&device);
    let of = Arc::clone(&device);
    let mut pool = Pool::new(3, move || Pitched::new(&of, ROW, ROWS));
    let mut warm = None;
    for _ in 0..50 {
        let ring = [sound()?, sound()?, sound()?];
        for frame in 0..200 {
            let picture = cache.get(&ring[frame % 3], None)?.picture;
            let target = pool.take()?.ok_or("all surfaces are out")?;
            stream.copy(&picture, &target)?;
            stream.submit()?.wait("a copy", LATE)?;
        }
        assert!(cache.len() <= 6 && pool.made() <= 3, "{} and {}", cache.len(), pool.made());
        let now = descriptors()?;
        assert!(now <= *warm.get_or_insert(now), "{now} descriptors, after {warm:?}");
    }
    Ok(())
}

pub(crate) fn streams() -> Outcome {
    let device = open()?;
    let (first, second) = (Stream::new(&device)?, Stream::new(&device)?);
    let (counter, semaphore) = timeline(&device)?;
    first.wait(&semaphore, 1)?;
    let before = first.submit()?;
    second.after(&before)?;
    let after = second.submit()?;
    assert!(matches!(after.wait("nobody", SOON), Err(Error::Timeout { .. })));
    counter.raise(1);
    after.wait("the other stream", LATE)?;
    assert!(before.is_reached()?);
    // A buffer of memory that is copied to and from, by way of rows with a pitch.
    let fd = memory(&bytes())?;
    let all = Memory::import(&device, fd.as_fd(), bytes().len() as u64, false)?;
    let part = Buffer::map(&all, PITCH as u64, PITCH as u64)?;
    assert_eq!(part.size(), PITCH as u64);
    let err = Buffer::map(&all, 1, bytes().len() as u64).err().expect("one byte too many");
    assert_eq!(err.to_string(), "the picture needs 577 bytes, the memory has 576");
    Ok(())
}
