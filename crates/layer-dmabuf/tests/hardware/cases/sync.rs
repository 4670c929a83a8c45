//! `SYNC_FD` semaphores and fences: what an export and an import do to an object.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::sync::Arc;

use ash::prelude::VkResult;
use ash::{khr, vk};
use zerohop_testkit::rig::Device;

use super::{Case, same};
use crate::Outcome;

pub(super) const CASES: &[Case] = &[
    Case::ours("binary_semaphores_and_fences_leave_and_come_in_as_sync_fd", queries),
    Case::ours("an_exported_semaphore_was_waited_for_and_can_signal_again", exported),
    Case::ours("an_imported_semaphore_is_waited_for_once", imported),
    Case::ours("an_exported_fence_is_reset", exported_fence),
    Case::ours("an_imported_fence_has_signaled_until_it_is_reset", imported_fence),
    Case::ours("what_is_no_sync_file_is_refused_and_stays_the_applications", refused),
];

const SEMAPHORE: vk::ExternalSemaphoreHandleTypeFlags =
    vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
const FENCE: vk::ExternalFenceHandleTypeFlags = vk::ExternalFenceHandleTypeFlags::SYNC_FD;

/// A semaphore and a fence that may leave, with the commands for it.
struct Objects<'a> {
    device: &'a Device,
    semaphore_fd: khr::external_semaphore_fd::Device,
    fence_fd: khr::external_fence_fd::Device,
    semaphore: vk::Semaphore,
    fence: vk::Fence,
}

impl<'a> Objects<'a> {
    fn new(device: &'a Device) -> VkResult<Self> {
        let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(SEMAPHORE);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut export);
        // SAFETY: the chain points to locals.
        let semaphore = unsafe { device.raw().create_semaphore(&info, None) }?;
        let mut export = vk::ExportFenceCreateInfo::default().handle_types(FENCE);
        let info = vk::FenceCreateInfo::default().push_next(&mut export);
        // SAFETY: as above.
        let fence = unsafe { device.raw().create_fence(&info, None) }?;
        let instance = device.instance().raw();
        Ok(Self {
            device,
            semaphore_fd: khr::external_semaphore_fd::Device::new(instance, device.raw()),
            fence_fd: khr::external_fence_fd::Device::new(instance, device.raw()),
            semaphore,
            fence,
        })
    }

    /// An empty batch that waits for the semaphore or signals it, or neither, and signals `fence`.
    fn submit(&self, waits: bool, signals: bool, fence: vk::Fence) -> VkResult<()> {
        let (semaphores, stages) = ([self.semaphore], [vk::PipelineStageFlags::ALL_COMMANDS]);
        let mut batch = vk::SubmitInfo::default();
        if waits {
            batch = batch.wait_semaphores(&semaphores).wait_dst_stage_mask(&stages);
        }
        if signals {
            batch = batch.signal_semaphores(&semaphores);
        }
        let queue = self.device.queue();
        // SAFETY: the lock keeps others from the queue.
        unsafe { self.device.raw().queue_submit(*queue, &[batch], fence) }
    }

    fn export(&self) -> VkResult<RawFd> {
        let info =
            vk::SemaphoreGetFdInfoKHR::default().semaphore(self.semaphore).handle_type(SEMAPHORE);
        // SAFETY: the semaphore has a signal operation that was submitted.
        unsafe { self.semaphore_fd.get_semaphore_fd(&info) }
    }

    fn import(&self, fd: RawFd) -> VkResult<()> {
        let info = vk::ImportSemaphoreFdInfoKHR::default()
            .semaphore(self.semaphore)
            .flags(vk::SemaphoreImportFlags::TEMPORARY)
            .handle_type(SEMAPHORE)
            .fd(fd);
        // SAFETY: nothing that was submitted uses the semaphore.
        unsafe { self.semaphore_fd.import_semaphore_fd(&info) }
    }

    fn export_fence(&self) -> VkResult<RawFd> {
        let info = vk::FenceGetFdInfoKHR::default().fence(self.fence).handle_type(FENCE);
        // SAFETY: the fence was submitted, or has signaled.
        unsafe { self.fence_fd.get_fence_fd(&info) }
    }

    fn import_fence(&self, fd: RawFd) -> VkResult<()> {
        let info = vk::ImportFenceFdInfoKHR::default()
            .fence(self.fence)
            .flags(vk::FenceImportFlags::TEMPORARY)
            .handle_type(FENCE)
            .fd(fd);
        // SAFETY: nothing that was submitted uses the fence.
        unsafe { self.fence_fd.import_fence_fd(&info) }
    }

    fn status(&self) -> VkResult<bool> {
        // SAFETY: the fence is alive.
        unsafe { self.device.raw().get_fence_status(self.fence) }
    }

    fn reset(&self) -> VkResult<()> {
        // SAFETY: nothing that was submitted uses the fence.
        unsafe { self.device.raw().reset_fences(&[self.fence]) }
    }

    /// Waits for the fence, for ten seconds at most.
    fn wait(&self, all: &[vk::Fence], every: bool) -> VkResult<()> {
        // SAFETY: the fences are alive.
        unsafe { self.device.raw().wait_for_fences(all, every, 10_000_000_000) }
    }
}

impl Drop for Objects<'_> {
    fn drop(&mut self) {
        self.device.wait_idle();
        // SAFETY: nothing runs any more.
        unsafe { self.device.raw().destroy_semaphore(self.semaphore, None) };
        // SAFETY: as above.
        unsafe { self.device.raw().destroy_fence(self.fence, None) };
    }
}

/// Takes what was exported: −1, or a sync file of a driver that has some.
fn take(fd: RawFd) {
    if fd >= 0 {
        // SAFETY: an export hands the descriptor over.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
}

fn queries(device: &Arc<Device>) -> Outcome {
    let (raw, physical) = (device.instance().raw(), device.physical());
    let ask = |kind: vk::SemaphoreType| {
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(kind);
        let info = vk::PhysicalDeviceExternalSemaphoreInfo::default()
            .handle_type(SEMAPHORE)
            .push_next(&mut kind);
        let mut found = vk::ExternalSemaphoreProperties::default();
        // SAFETY: the handle is the instance's.
        unsafe {
            raw.get_physical_device_external_semaphore_properties(physical, &info, &mut found);
        }
        (found.external_semaphore_features, found.export_from_imported_handle_types)
    };
    let both = vk::ExternalSemaphoreFeatureFlags::IMPORTABLE
        | vk::ExternalSemaphoreFeatureFlags::EXPORTABLE;
    same("a binary semaphore", ask(vk::SemaphoreType::BINARY), (both, SEMAPHORE))?;
    let none = vk::ExternalSemaphoreFeatureFlags::empty();
    same("a timeline semaphore", ask(vk::SemaphoreType::TIMELINE).0, none)?;
    let info = vk::PhysicalDeviceExternalFenceInfo::default().handle_type(FENCE);
    let mut found = vk::ExternalFenceProperties::default();
    // SAFETY: the handle is the instance's.
    unsafe { raw.get_physical_device_external_fence_properties(physical, &info, &mut found) };
    let both =
        vk::ExternalFenceFeatureFlags::IMPORTABLE | vk::ExternalFenceFeatureFlags::EXPORTABLE;
    same("a fence", found.external_fence_features, both)
}

fn exported(device: &Arc<Device>) -> Outcome {
    let it = Objects::new(device)?;
    for _ in 0..3 {
        it.submit(false, true, vk::Fence::null())?;
        take(it.export()?);
    }
    // It is as new: signaled by one batch, waited for by the next.
    it.submit(false, true, vk::Fence::null())?;
    it.submit(true, false, it.fence)?;
    Ok(it.wait(&[it.fence], true)?)
}

fn imported(device: &Arc<Device>) -> Outcome {
    let it = Objects::new(device)?;
    for _ in 0..3 {
        it.import(-1)?;
        it.submit(true, false, it.fence)?;
        it.wait(&[it.fence], true)?;
        it.reset()?;
    }
    // The permanent payload is there again.
    it.submit(false, true, vk::Fence::null())?;
    it.submit(true, false, it.fence)?;
    Ok(it.wait(&[it.fence], true)?)
}

fn exported_fence(device: &Arc<Device>) -> Outcome {
    let it = Objects::new(device)?;
    for _ in 0..3 {
        it.submit(false, false, it.fence)?;
        take(it.export_fence()?);
        same("an exported fence has signaled", it.status()?, false)?;
    }
    Ok(())
}

fn imported_fence(device: &Arc<Device>) -> Outcome {
    let it = Objects::new(device)?;
    // SAFETY: the device is alive.
    let other = unsafe { device.raw().create_fence(&vk::FenceCreateInfo::default(), None) }?;
    it.import_fence(-1)?;
    let outcome = it.wait(&[it.fence], true).and_then(|()| it.wait(&[other, it.fence], false));
    // SAFETY: it was never submitted.
    unsafe { device.raw().destroy_fence(other, None) };
    outcome?;
    same("an imported fence has signaled", it.status()?, true)?;
    it.reset()?;
    same("after a reset, it has signaled", it.status()?, false)?;
    it.submit(false, false, it.fence)?;
    it.wait(&[it.fence], true)?;
    same("the permanent payload has signaled", it.status()?, true)
}

fn refused(device: &Arc<Device>) -> Outcome {
    let it = Objects::new(device)?;
    let file = std::fs::File::open("/dev/null")?;
    let invalid = Err(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
    same("a semaphore", it.import(file.as_raw_fd()), invalid)?;
    same("a fence", it.import_fence(file.as_raw_fd()), invalid)?;
    file.metadata()?;
    Ok(())
}
