//! When a device's picture may be read, taken out of its dma-bufs where that can be.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result};
use zerohop_frame::{MemoryHandle, SyncPoint};

use crate::handover::Memory;
use crate::host::SurfaceKey;

/// The dma-bufs of surfaces that were handed out.
#[derive(Default)]
pub(crate) struct Fences(BTreeMap<SurfaceKey, Memory>);

impl Fences {
    /// Remembers the memory of a surface.
    pub(crate) fn know(&mut self, key: SurfaceKey, memory: &Memory) -> Result<()> {
        let mut again = Memory::new();
        for handle in memory {
            if let MemoryHandle::DmaBuf(dma_buf) = handle {
                let dma_buf = dma_buf.as_fd().try_clone_to_owned();
                again.push(MemoryHandle::DmaBuf(dma_buf.context("duplicate a descriptor")?));
            }
        }
        self.0.insert(key, again);
        Ok(())
    }

    /// When the picture that was decoded into a surface may be read.
    ///
    /// A fence of its dma-bufs that is not reached yet is what the driver put there: it goes to the
    /// host, and nobody waits here. One that is reached proves nothing, since there are drivers that
    /// attach none (NVIDIA's) or do it late: then `finish` waits, and submits what is left to do.
    pub(crate) fn acquire(
        &self,
        key: SurfaceKey,
        finish: impl FnOnce() -> Result<()>,
    ) -> Result<SyncPoint> {
        let memory = self.0.get(&key).map(|memory| &memory[..]).unwrap_or_default();
        // Before Linux 6.0 the kernel does not tell.
        let attached = SyncPoint::of_implicit_fences(memory).unwrap_or_default();
        if !matches!(attached, SyncPoint::Signaled) {
            return Ok(attached);
        }
        finish()?;
        Ok(SyncPoint::Signaled)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn without_a_pending_fence_the_driver_is_asked_to_finish() {
        let key = SurfaceKey::Device(1, 7);
        let mut fences = Fences::default();
        let no_dma_buf = MemoryHandle::DmaBuf(std::fs::File::open("/dev/null").unwrap().into());
        fences.know(key, &Memory::from_iter([no_dma_buf])).unwrap();
        for key in [key, SurfaceKey::Device(1, 8)] {
            let mut finished = 0;
            let point = fences.acquire(key, || {
                finished += 1;
                Ok(())
            });
            assert!(matches!(point.unwrap(), SyncPoint::Signaled));
            assert_eq!(finished, 1, "what the kernel does not tell is waited for");
            let failed = fences.acquire(key, || anyhow::bail!("the driver does not finish"));
            assert!(failed.is_err());
        }
    }
}
