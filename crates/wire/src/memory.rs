//! A look at the memory and the fences that came: are they what the message says?

use zerohop_frame::{FrameDescriptor, MemoryHandle};
use zerohop_kernel::{FdKind, keep_size, kind_of};

use crate::{Point, SharedTimeline, Violation};

/// Checks that each memory object is of its kind, keeps its size and holds its planes.
pub(crate) fn check(
    descriptor: &FrameDescriptor,
    memory: &[MemoryHandle],
) -> Result<(), Violation> {
    for (object, handle) in memory.iter().enumerate() {
        let found = kind_of(handle).map_err(|_| Violation::ObjectUnknown(object))?;
        let size = match (handle, found) {
            (MemoryHandle::DmaBuf(_), FdKind::DmaBuf { size }) => size,
            (MemoryHandle::Shm(_), FdKind::Memfd { size, keeps_size: true }) => size,
            (MemoryHandle::Shm(_), FdKind::Memfd { size, keeps_size: false }) => {
                return Err(Violation::Unsealed { object, size });
            }
            (MemoryHandle::OpaqueFd { size, .. }, found) => {
                opaque(object, handle, *size, found)?;
                continue;
            }
            (MemoryHandle::DmaBuf(_), found) => {
                return Err(Violation::ObjectKind { object, expected: "a dma-buf", found });
            }
            (_, found) => {
                return Err(Violation::ObjectKind { object, expected: "a memfd", found });
            }
        };
        descriptor.check_end(object, size)?;
    }
    Ok(())
}

/// What drivers export as opaque is theirs to say (llvmpipe a memfd, radv a dma-buf, NVIDIA a
/// device file), but a size that can be seen must do and last, and a fence is never memory.
fn opaque(
    object: usize,
    handle: &MemoryHandle,
    declared: u64,
    found: FdKind,
) -> Result<(), Violation> {
    if let FdKind::Memfd { size, keeps_size: false } = found
        && keep_size(handle).is_err()
    {
        return Err(Violation::Unsealed { object, size });
    }
    match found {
        FdKind::Memfd { size, .. } | FdKind::DmaBuf { size } if size < declared => {
            Err(Violation::ObjectSize { object, size, declared })
        }
        FdKind::SyncFile => Err(Violation::ObjectKind { object, expected: "opaque memory", found }),
        _ => Ok(()),
    }
}

/// Checks that a sync point is a fence of the kernel's, if it is one.
pub(crate) fn check_point(point: &Point) -> Result<(), Violation> {
    let Point::SyncFile(fence) = point else { return Ok(()) };
    match kind_of(&**fence) {
        Ok(FdKind::SyncFile) => Ok(()),
        _ => Err(Violation::NotFence),
    }
}

/// As [`opaque`], of a semaphore: the driver says whether it is one, but a fence or a dma-buf never is.
pub(crate) fn check_timeline(shared: &SharedTimeline) -> Result<(), Violation> {
    let timeline = shared.timeline.0;
    let found = kind_of(&shared.fd).map_err(|_| Violation::ObjectUnknown(0))?;
    match found {
        FdKind::DmaBuf { .. } | FdKind::SyncFile => {
            Err(Violation::TimelineKind { timeline, found })
        }
        _ => Ok(()),
    }
}
