//! Which extensions of a device are ours, and which go down.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};

use ash::ext;
use zerohop_layer::extensions::ExtensionSet;
use zerohop_manifest::DMABUF;

use crate::instance::{Emulation, MEMORY};
use crate::sync::SyncFd;

/// Which extension goes where.
pub(super) struct Plan {
    /// Those that the application enabled and the driver never hears of.
    pub(super) ours: ExtensionSet,
    /// What goes down, each name once.
    pub(super) down: BTreeSet<CString>,
    /// Whether the application enabled any of our extensions for memory, whoever has it.
    pub(super) helps: bool,
    /// Whether it enabled one that gets our `SYNC_FD`.
    pub(super) syncs: bool,
}

impl Plan {
    pub(super) fn new(asked: &[&CStr], emulation: Option<&Emulation>, sync_fd: &SyncFd) -> Self {
        let (mut ours, mut down) = (ExtensionSet::of(DMABUF.device_extensions), BTreeSet::new());
        let (mut helps, mut syncs) = (false, false);
        for name in asked {
            helps |= emulation.is_some() && MEMORY.contains(name);
            syncs |= sync_fd.serves(name);
            if emulation.is_some_and(|it| it.owns(name)) || sync_fd.owns(name) {
                ours.insert(name);
            } else {
                down.insert((*name).to_owned());
            }
        }
        if helps {
            down.insert(ext::external_memory_host::NAME.to_owned());
        }
        Self { ours, down, helps, syncs }
    }
}

#[cfg(test)]
mod tests {
    use ash::khr;

    use super::*;

    const DMA_BUF: &CStr = ext::external_memory_dma_buf::NAME;
    const NONE: SyncFd = SyncFd {
        semaphores: false,
        fences: false,
        semaphore_fd_below: false,
        fence_fd_below: false,
    };
    const FD: &CStr = khr::external_memory_fd::NAME;

    fn emulation(ours: &[&'static CStr]) -> Emulation {
        let ours = ours.iter().copied().collect();
        Emulation { ours, alignment: 4096, wide_features: true }
    }

    #[test]
    fn what_is_ours_stays_here_and_host_memory_is_added() {
        let plan = Plan::new(&[DMA_BUF, FD, FD], Some(&emulation(&[DMA_BUF])), &NONE);
        let down: Vec<_> = plan.down.iter().map(|name| name.as_c_str()).collect();
        assert_eq!(down, [ext::external_memory_host::NAME, FD]);
        assert!(plan.helps && plan.ours.contains(DMA_BUF) && !plan.ours.contains(FD));
    }

    #[test]
    fn nothing_is_added_where_nothing_of_ours_is_asked_for() {
        let plan = Plan::new(&[khr::swapchain::NAME], Some(&emulation(&[DMA_BUF])), &NONE);
        assert!(!plan.helps && plan.down.len() == 1);
        let plan = Plan::new(&[DMA_BUF], None, &NONE);
        assert!(!plan.helps && plan.down.contains(DMA_BUF));
    }

    #[test]
    fn handles_of_semaphores_go_down_where_the_driver_has_some() {
        const NAME: &CStr = khr::external_semaphore_fd::NAME;
        let ours = SyncFd { semaphores: true, ..NONE };
        let plan = Plan::new(&[NAME], None, &ours);
        assert!(plan.syncs && !plan.helps && plan.down.is_empty() && plan.ours.contains(NAME));
        let plan = Plan::new(&[NAME], None, &SyncFd { semaphore_fd_below: true, ..ours });
        assert!(plan.syncs && plan.down.contains(NAME) && !plan.ours.contains(NAME));
        assert!(!Plan::new(&[NAME], None, &NONE).syncs);
    }
}
