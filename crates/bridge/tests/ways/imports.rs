//! Importing into CUDA, by itself: what comes, what is refused, and what is left.

use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_cuda::{Buffer as Mapped, Cuda, Device, Error, Memory, Semaphore, SemaphoreKind};
use zerohop_cuda::{Pinned, Stacked, Stream, Surface as _, Timelines, Uuid};
use zerohop_frame::{
    BoxError, Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, PlaneLayout,
    SharedBuffer, SyncPoint, pattern, same,
};
use zerohop_kernel::Memfd;
use zerohop_vulkan::{Buffer, Queue, Recording};

use crate::stage::Outcome;

fn device(queue: &Queue) -> Result<Arc<Device>, Error> {
    Device::open(&Cuda::load()?, Uuid(queue.device().id().device_uuid))
}

/// Memory of `size` bytes that Vulkan exports: its descriptor, and how large it says that it is.
fn exported(queue: &Queue, size: u64) -> Result<(OwnedFd, u64), BoxError> {
    match Buffer::exportable(queue.device(), size)?.export()? {
        MemoryHandle::OpaqueFd { fd, size, .. } => Ok((fd, size)),
        _ => Err("a buffer is exported as opaque memory".into()),
    }
}

fn descriptors() -> Result<usize, BoxError> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// More than the GPU has, one after the other: what was freed is there again.
pub(crate) fn flat(queue: &Arc<Queue>) -> Outcome {
    /// Bytes of each.
    const EACH: u64 = 256 << 20;
    let device = device(queue)?;
    let once = || -> Result<(), BoxError> {
        let (fd, size) = exported(queue, EACH)?;
        let memory = Memory::import(&device, fd.as_fd(), size, false)?;
        let mapped = Mapped::map(&memory, 0, EACH)?;
        assert_ne!(mapped.pointer(), 0);
        Ok(())
    };
    once()?;
    let before = descriptors()?;
    let times = (device.gpu().memory / EACH).max(800) * 5 / 4;
    for time in 0..times {
        once().map_err(|err| format!("import {time} of {times}: {err}"))?;
    }
    assert_eq!(descriptors()?, before, "descriptors after {times} imports");
    Ok(())
}

/// What is no memory and no semaphore is refused by name, and what is comes in after that.
pub(crate) fn garbage(queue: &Arc<Queue>) -> Outcome {
    let device = device(queue)?;
    let before = descriptors()?;
    let null = || fs::File::open("/dev/null").map(OwnedFd::from);
    let file = || tempfile::tempfile().map(OwnedFd::from);
    for (what, fd) in [("/dev/null", null()?), ("a file", file()?)] {
        let err = Memory::import(&device, fd.as_fd(), 1 << 20, false).err();
        let said = err.ok_or_else(|| format!("{what} was taken for memory"))?.to_string();
        assert!(said.starts_with("could not import 1048576 bytes of opaque memory"), "{said}");
        let err = Semaphore::import(&device, fd.as_fd(), SemaphoreKind::Timeline).err();
        let said = err.ok_or_else(|| format!("{what} was taken for a timeline"))?.to_string();
        assert!(said.starts_with("could not import a semaphore (Timeline)"), "{said}");
    }
    let (fd, size) = exported(queue, 1 << 20)?;
    let memory = Memory::import(&device, fd.as_fd(), size, false)?;
    let beyond = Mapped::map(&memory, size, 1).err();
    assert!(matches!(beyond, Some(Error::TooSmall { .. })), "{beyond:?}");
    Mapped::map(&memory, 0, size)?;
    drop((memory, fd));
    assert_eq!(descriptors()?, before, "descriptors after what was refused");
    Ok(())
}

/// What a timeline says is complete is what CUDA reads when its stream has waited for that.
pub(crate) fn timeline(queue: &Arc<Queue>) -> Outcome {
    let device = device(queue)?;
    let (stream, mut timelines) = (Stream::new(&device)?, Timelines::new(&device));
    let memory = Memfd::create("unused", 4096)?;
    let wrong = Semaphore::import(&device, memory.as_fd(), SemaphoreKind::Timeline).err();
    assert!(wrong.is_some(), "a memfd was taken for a timeline");
    for value in 1..=50_u32 {
        let buffer = Arc::new(Buffer::exportable(queue.device(), 1 << 16)?);
        let mut recording = Recording::begin(queue)?;
        recording.write(&buffer);
        recording.clear(&buffer);
        let point = recording.submit()?;
        let SyncPoint::Timeline { which, value: reached } = &point else {
            assert!(!queue.device().capabilities().timeline_fd, "it shares timelines: {point:?}");
            return Ok(());
        };
        stream.wait(&timelines.get(which)?, *reached)?;
        stream.submit()?.wait("a timeline", Duration::from_secs(10))?;
        assert!(which.wait(*reached, Duration::ZERO)?, "round {value}: CUDA came before Vulkan");
    }
    Ok(())
}

/// What a pass has written for an encoder, as that gets it: every byte where it was.
pub(crate) fn stacked(queue: &Arc<Queue>) -> Outcome {
    /// Bytes from row to row, rows of luma, and rows of both.
    const PITCH: u32 = 128;
    const LUMA: u32 = 48;
    const ROWS: u32 = LUMA + LUMA / 2;
    let device = device(queue)?;
    let size = u64::from(PITCH * ROWS);
    let bytes = pattern(size as usize);
    let (made, from) =
        (Buffer::exportable(queue.device(), size)?, Buffer::read_back(queue.device(), size)?);
    let (made, from) = (Arc::new(made), Arc::new(from));
    from.write(0, &bytes);
    let mut recording = Recording::begin(queue)?;
    recording.write(&made);
    recording.copy_ranges(&from, &made, &[(0, size)]);
    let _ = recording.submit_and_wait()?;
    let plane = |offset| PlaneLayout { object: 0, offset, stride: PITCH };
    let shape = FrameDescriptor {
        extent: Extent { width: 100, height: 38 },
        fourcc: Fourcc::NV12,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([plane(0), plane(PITCH * LUMA)]),
        color: Color::BT709,
    };
    let shared = SharedBuffer::new(shape, ArrayVec::from_iter([made.export()?]))?;
    let stacked = Stacked::import(&device, &shared)?;
    assert_eq!((stacked.luma_rows(), stacked.rows()), (LUMA, ROWS as usize));
    let stream = Stream::new(&device)?;
    let seen = Arc::new(Pinned::new(&device, PITCH as usize, ROWS as usize)?);
    stream.copy(&stacked, &seen)?;
    stream.submit()?.wait("a copy", Duration::from_secs(10))?;
    same(&bytes, seen.bytes())?;
    Ok(())
}
