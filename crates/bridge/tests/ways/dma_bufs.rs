//! Real dma-bufs, where the kernel makes them of a memfd.

use std::sync::Arc;

use zerohop_bridge::{Bridge, Way};
use zerohop_frame::{Extent, Fourcc, MemoryHandle, same};
use zerohop_kernel::{Memfd, udmabuf};
use zerohop_vulkan::Queue;

use crate::pictures::{self, see};
use crate::stage::Outcome;

const SIZES: [Extent; 3] = [
    Extent { width: 64, height: 64 },
    Extent { width: 334, height: 7 },
    Extent { width: 640, height: 360 },
];

pub(crate) fn copied(queue: &Arc<Queue>) -> Outcome {
    each(queue, &[Way::Vulkan, Way::Host], Way::Vulkan, &[Fourcc::ARGB8888, Fourcc::NV12])
}

pub(crate) fn drawn(queue: &Arc<Queue>) -> Outcome {
    each(queue, &[Way::Gl], Way::Gl, &[Fourcc::ARGB8888, Fourcc::ABGR8888])
}

fn each(queue: &Arc<Queue>, ways: &'static [Way], wanted: Way, formats: &[Fourcc]) -> Outcome {
    let mut bridge = Bridge::open(queue)?.by(ways);
    for &fourcc in formats {
        for extent in SIZES {
            let dma_buf = |memfd: Memfd| udmabuf(&memfd).map(MemoryHandle::DmaBuf);
            let picture = pictures::linear(queue, fourcc, extent, dma_buf)?;
            for _ in 0..2 {
                let seen = see(&mut bridge, &picture)?;
                assert_eq!((seen.way, seen.copies.gpu), (wanted, 1), "{fourcc} {extent:?}");
                same(&picture.bytes, &seen.bytes)
                    .map_err(|err| format!("{fourcc} {extent:?}: {err}"))?;
            }
        }
    }
    Ok(())
}
