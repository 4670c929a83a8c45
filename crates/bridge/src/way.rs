//! The ways, in order.

use std::fmt;

use zerohop_frame::{Fallback, MemoryHandle};
use zerohop_vulkan::Image;

/// How a picture comes into CUDA, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// CUDA imports the very memory: an array over an image of tiling `OPTIMAL`, else its rows.
    Opaque,
    /// CUDA reads shared memory where it lies: it is locked, and crosses the bus when it is read.
    Locked,
    /// Vulkan copies the picture into memory that it exports and CUDA imports.
    Vulkan,
    /// OpenGL ES draws the picture, in a dma-buf, into a texture that CUDA takes.
    Gl,
    /// The CPU copies it into memory that CUDA reads.
    Host,
}

impl Way {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [Self::Opaque, Self::Locked, Self::Vulkan, Self::Gl, Self::Host];

    /// Its name in proofs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opaque => "the memory itself",
            Self::Locked => "locked shared memory",
            Self::Vulkan => "the Vulkan bridge",
            Self::Gl => "the EGL bridge",
            Self::Host => "a copy by the CPU",
        }
    }

    /// What a proof of it says: an image's rows show nothing of how its tiles come over.
    pub(crate) fn claimed(self, image: &Image) -> &'static str {
        match self {
            Self::Opaque if image.opaque_rows().is_some() => "the memory itself, by its rows",
            other => other.name(),
        }
    }

    /// Whether it is a way for this kind of memory at all.
    pub fn serves(self, memory: &[MemoryHandle]) -> bool {
        let opaque = matches!(memory, [MemoryHandle::OpaqueFd { .. }]);
        let dma_bufs = memory.iter().all(|one| matches!(one, MemoryHandle::DmaBuf(_)));
        match self {
            Self::Opaque => opaque,
            Self::Locked => matches!(memory, [MemoryHandle::Shm(_)]),
            Self::Vulkan | Self::Host => true,
            Self::Gl => dma_bufs,
        }
    }

    /// The entry in a report; `None` of the best way. `why` is why no better one is taken.
    pub(crate) fn fallback(self, why: String) -> Option<Fallback> {
        let cost = match self {
            Self::Opaque => return None,
            Self::Locked => "each picture crosses the bus when CUDA reads it",
            Self::Vulkan => "the GPU copies each picture once",
            Self::Gl => "the GPU draws each picture once more",
            Self::Host => "the CPU copies each picture",
        };
        Some(Fallback { what: "cuda".into(), reason: why, cost: cost.into() })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_memory_has_its_ways() {
        let null = || std::fs::File::open("/dev/null").unwrap().into();
        let ways = |memory: &[MemoryHandle]| -> Vec<Way> {
            Way::ALL.into_iter().filter(|way| way.serves(memory)).collect()
        };
        assert_eq!(ways(&[MemoryHandle::DmaBuf(null())]), [Way::Vulkan, Way::Gl, Way::Host]);
        assert_eq!(ways(&[MemoryHandle::Shm(null())]), [Way::Locked, Way::Vulkan, Way::Host]);
        let apart = [MemoryHandle::Shm(null()), MemoryHandle::Shm(null())];
        assert_eq!(ways(&apart), [Way::Vulkan, Way::Host], "planes in memory of their own");
    }

    #[test]
    fn only_the_memory_itself_is_no_fallback() {
        let said = |way: Way| way.fallback("because".into()).map(|one| one.cost);
        assert_eq!(said(Way::Opaque), None);
        assert_eq!(said(Way::Host).as_deref(), Some("the CPU copies each picture"));
    }
}
