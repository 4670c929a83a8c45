//! Import and export of semaphores.

use std::os::fd::RawFd;

use ash::vk;
use zerohop_layer::{Doing, LayerError, chain};

use super::{Sync, finish};

const SYNC_FD: vk::ExternalSemaphoreHandleTypeFlags = vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;

impl Sync {
    /// `vkImportSemaphoreFdKHR`.
    ///
    /// # Errors
    ///
    /// What is no sync file, and what the driver reports of other handles.
    ///
    /// # Safety
    ///
    /// `info` is that of a valid call.
    pub(crate) unsafe fn import_semaphore(
        &self,
        device: vk::Device,
        info: &vk::ImportSemaphoreFdInfoKHR<'_>,
    ) -> Result<vk::Result, LayerError> {
        if self.ours.semaphores && info.handle_type == SYNC_FD {
            // SAFETY: the caller's promise.
            unsafe { finish(info.fd) }?;
            self.semaphores.put(info.semaphore);
            return Ok(vk::Result::SUCCESS);
        }
        let theirs = self.semaphore_fd.as_ref().ok_or_else(not_theirs)?;
        // SAFETY: the arguments are the application's.
        let result = unsafe { (theirs.import_semaphore_fd_khr)(device, info) };
        if result == vk::Result::SUCCESS {
            self.semaphores.take(info.semaphore);
        }
        result.doing("import a semaphore")
    }

    /// `vkGetSemaphoreFdKHR`.
    ///
    /// # Errors
    ///
    /// What the device reports while we wait; see [`Sync::drain`].
    ///
    /// # Safety
    ///
    /// The arguments are those of a valid call.
    pub(crate) unsafe fn export_semaphore(
        &self,
        device: &ash::Device,
        info: &vk::SemaphoreGetFdInfoKHR<'_>,
        out: &mut RawFd,
    ) -> Result<vk::Result, LayerError> {
        if !(self.ours.semaphores && info.handle_type == SYNC_FD) {
            let theirs = self.semaphore_fd.as_ref().ok_or_else(not_theirs)?;
            // SAFETY: the arguments are the application's.
            let result = unsafe { (theirs.get_semaphore_fd_khr)(device.handle(), info, out) };
            return result.doing("export a semaphore");
        }
        // An export is a wait operation, and ends what was imported.
        if !self.semaphores.take(info.semaphore) {
            self.drain(device, info.semaphore)?;
        }
        *out = -1;
        Ok(vk::Result::SUCCESS)
    }

    /// `vkDestroySemaphore`: the handle may come again for another.
    pub(crate) fn forget_semaphore(&self, semaphore: vk::Semaphore) {
        self.semaphores.take(semaphore);
        self.signals.forget(semaphore);
    }

    /// Whether such a semaphore may be exported by us.
    ///
    /// # Safety
    ///
    /// `info` is that of a valid call.
    pub(crate) unsafe fn may_export(&self, info: &vk::SemaphoreCreateInfo<'_>) -> bool {
        // SAFETY: the caller's promise.
        let asked = unsafe { chain::get::<vk::ExportSemaphoreCreateInfo<'_>>(info.p_next) };
        self.ours.semaphores && asked.is_some_and(|it| it.handle_types.contains(SYNC_FD))
    }

    /// `vkCreateSemaphore` has made one that may be exported.
    pub(crate) fn watch_semaphore(&self, semaphore: vk::Semaphore) {
        self.signals.watch(semaphore);
    }

    /// The types of handles that a new semaphore is made for, as the driver may see them.
    pub(crate) fn semaphore_types_below(
        &self,
        asked: vk::ExternalSemaphoreHandleTypeFlags,
    ) -> vk::ExternalSemaphoreHandleTypeFlags {
        if self.ours.semaphores { asked & !SYNC_FD } else { asked }
    }
}

fn not_theirs() -> LayerError {
    let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
    LayerError::refused(code, "the driver knows no handles of semaphores, and we SYNC_FD only")
}
