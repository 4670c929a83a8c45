//! Import and export of fences, and what is asked of those that were imported.

use std::os::fd::RawFd;

use ash::vk;
use zerohop_layer::{Doing, LayerError};

use super::device::wait;
use super::{Sync, finish};

const SYNC_FD: vk::ExternalFenceHandleTypeFlags = vk::ExternalFenceHandleTypeFlags::SYNC_FD;

impl Sync {
    /// `vkImportFenceFdKHR`.
    ///
    /// # Errors
    ///
    /// What is no sync file, and what the driver reports of other handles.
    ///
    /// # Safety
    ///
    /// `info` is that of a valid call.
    pub(crate) unsafe fn import_fence(
        &self,
        device: vk::Device,
        info: &vk::ImportFenceFdInfoKHR<'_>,
    ) -> Result<vk::Result, LayerError> {
        if self.ours.fences && info.handle_type == SYNC_FD {
            // SAFETY: the caller's promise.
            unsafe { finish(info.fd) }?;
            self.fences.put(info.fence);
            return Ok(vk::Result::SUCCESS);
        }
        let theirs = self.fence_fd.as_ref().ok_or_else(not_theirs)?;
        // SAFETY: the arguments are the application's.
        let result = unsafe { (theirs.import_fence_fd_khr)(device, info) };
        if result == vk::Result::SUCCESS {
            self.fences.take(info.fence);
        }
        result.doing("import a fence")
    }

    /// `vkGetFenceFdKHR`.
    ///
    /// # Errors
    ///
    /// What the device reports while we wait.
    ///
    /// # Safety
    ///
    /// The arguments are those of a valid call.
    pub(crate) unsafe fn export_fence(
        &self,
        device: &ash::Device,
        info: &vk::FenceGetFdInfoKHR<'_>,
        out: &mut RawFd,
    ) -> Result<vk::Result, LayerError> {
        if !(self.ours.fences && info.handle_type == SYNC_FD) {
            let theirs = self.fence_fd.as_ref().ok_or_else(not_theirs)?;
            // SAFETY: the arguments are the application's.
            let result = unsafe { (theirs.get_fence_fd_khr)(device.handle(), info, out) };
            return result.doing("export a fence");
        }
        if !self.fences.take(info.fence) {
            wait(device, info.fence)?;
        }
        // An export resets the fence, whose permanent payload is the current one again.
        // SAFETY: nothing that was submitted still signals it.
        unsafe { device.reset_fences(&[info.fence]) }.doing("reset an exported fence")?;
        *out = -1;
        Ok(vk::Result::SUCCESS)
    }

    /// `vkGetFenceStatus`, where it is ours to say.
    pub(crate) fn fence_status(&self, fence: vk::Fence) -> Option<vk::Result> {
        self.fences.has(fence).then_some(vk::Result::SUCCESS)
    }

    /// The fences that the driver is to wait for; `None` when the wait is over.
    pub(crate) fn fences_to_wait_for(
        &self,
        all: &[vk::Fence],
        every: bool,
    ) -> Option<Vec<vk::Fence>> {
        let left: Vec<_> = all.iter().copied().filter(|fence| !self.fences.has(*fence)).collect();
        let over = if every { left.is_empty() } else { left.len() < all.len() };
        (!over).then_some(left)
    }

    /// `vkResetFences` and `vkDestroyFence`: what was imported is over. The driver does the rest, to
    /// the permanent payload.
    pub(crate) fn forget_fences(&self, fences: &[vk::Fence]) {
        for fence in fences {
            self.fences.take(*fence);
        }
    }

    /// The types of handles that a new fence is made for, as the driver may see them.
    pub(crate) fn fence_types_below(
        &self,
        asked: vk::ExternalFenceHandleTypeFlags,
    ) -> vk::ExternalFenceHandleTypeFlags {
        if self.ours.fences { asked & !SYNC_FD } else { asked }
    }
}

fn not_theirs() -> LayerError {
    let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
    LayerError::refused(code, "the driver knows no handles of fences, and we SYNC_FD only")
}

#[cfg(test)]
mod tests {
    use ash::vk::Handle as _;

    use super::super::SyncFd;
    use super::*;

    #[test]
    fn an_imported_fence_ends_a_wait_for_any_and_is_left_out_of_one_for_all() {
        let sync = Sync::new(SyncFd { fences: true, ..SyncFd::default() }, None);
        let [a, b] = [1, 2].map(vk::Fence::from_raw);
        assert_eq!(sync.fences_to_wait_for(&[a, b], false), Some(vec![a, b]));
        sync.fences.put(a);
        assert_eq!(sync.fence_status(a), Some(vk::Result::SUCCESS));
        assert_eq!(sync.fence_status(b), None);
        assert_eq!(sync.fences_to_wait_for(&[a, b], true), Some(vec![b]));
        assert_eq!(sync.fences_to_wait_for(&[a, b], false), None);
        assert_eq!(sync.fences_to_wait_for(&[a], true), None);
        sync.forget_fences(&[a]);
        assert_eq!(sync.fences_to_wait_for(&[a], true), Some(vec![a]));
    }
}
