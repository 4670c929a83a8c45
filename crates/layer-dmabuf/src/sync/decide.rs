//! What of `SYNC_FD` a driver lacks.

use std::ffi::CStr;

use ash::{khr, vk};
use zerohop_layer::LayerError;
use zerohop_layer::chain;
use zerohop_layer::extensions::name;

use crate::instance::{InstanceState, below};

/// What is ours on one physical device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SyncFd {
    /// Binary semaphores.
    pub(crate) semaphores: bool,
    /// Fences.
    pub(crate) fences: bool,
    /// Whether the driver has `VK_KHR_external_semaphore_fd`, for other types of handles.
    pub(crate) semaphore_fd_below: bool,
    /// As above, of `VK_KHR_external_fence_fd`.
    pub(crate) fence_fd_below: bool,
}

const SEMAPHORE: vk::ExternalSemaphoreHandleTypeFlags =
    vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
const FENCE: vk::ExternalFenceHandleTypeFlags = vk::ExternalFenceHandleTypeFlags::SYNC_FD;

impl SyncFd {
    /// What the driver of `physical` cannot both import and export.
    ///
    /// # Errors
    ///
    /// What the next layer reports.
    pub(crate) fn of(
        instance: &InstanceState,
        physical: vk::PhysicalDevice,
    ) -> Result<Self, LayerError> {
        let listed = below(instance, physical)?;
        let has = |wanted: &CStr| listed.iter().any(|one| name(one) == wanted);
        let info = vk::PhysicalDeviceExternalSemaphoreInfo::default().handle_type(SEMAPHORE);
        let mut semaphore = vk::ExternalSemaphoreProperties::default();
        let ask = instance.raw.fp_v1_1().get_physical_device_external_semaphore_properties;
        // SAFETY: the handle is the instance's, and who helps has the command.
        unsafe { ask(physical, &info, &mut semaphore) };
        let info = vk::PhysicalDeviceExternalFenceInfo::default().handle_type(FENCE);
        let mut fence = vk::ExternalFenceProperties::default();
        let ask = instance.raw.fp_v1_1().get_physical_device_external_fence_properties;
        // SAFETY: as above.
        unsafe { ask(physical, &info, &mut fence) };
        let (semaphore, fence) =
            (semaphore.external_semaphore_features, fence.external_fence_features);
        let semaphore_fd_below = has(khr::external_semaphore_fd::NAME);
        let fence_fd_below = has(khr::external_fence_fd::NAME);
        let semaphores = vk::ExternalSemaphoreFeatureFlags::IMPORTABLE
            | vk::ExternalSemaphoreFeatureFlags::EXPORTABLE;
        let fences =
            vk::ExternalFenceFeatureFlags::IMPORTABLE | vk::ExternalFenceFeatureFlags::EXPORTABLE;
        // What an extension that is not listed is said to do cannot be asked for.
        Ok(Self {
            semaphore_fd_below,
            fence_fd_below,
            semaphores: !(semaphore_fd_below && semaphore.contains(semaphores)),
            fences: !(fence_fd_below && fence.contains(fences)),
        })
    }

    /// Whether the extension called `name` gets something of ours.
    pub(crate) fn serves(&self, name: &CStr) -> bool {
        (self.semaphores && name == khr::external_semaphore_fd::NAME)
            || (self.fences && name == khr::external_fence_fd::NAME)
    }

    /// Whether the driver never hears of the extension called `name`.
    pub(crate) fn owns(&self, name: &CStr) -> bool {
        let below = if name == khr::external_semaphore_fd::NAME {
            self.semaphore_fd_below
        } else {
            self.fence_fd_below
        };
        self.serves(name) && !below
    }

    /// `vkGetPhysicalDeviceExternalSemaphoreProperties`; `None` where the driver is to answer.
    ///
    /// # Safety
    ///
    /// `info` is that of a valid call.
    pub(crate) unsafe fn semaphore_properties(
        &self,
        info: &vk::PhysicalDeviceExternalSemaphoreInfo<'_>,
    ) -> Option<vk::ExternalSemaphoreProperties<'static>> {
        // SAFETY: the caller's promise.
        let kind = unsafe { chain::get::<vk::SemaphoreTypeCreateInfo<'_>>(info.p_next) };
        let timeline = kind.is_some_and(|it| it.semaphore_type == vk::SemaphoreType::TIMELINE);
        self.semaphore(info.handle_type, timeline)
    }

    /// What we say of a kind of semaphore; `None` where the driver is to say it. `timeline` says
    /// whether it is one: those never become sync files.
    fn semaphore(
        &self,
        handle_type: vk::ExternalSemaphoreHandleTypeFlags,
        timeline: bool,
    ) -> Option<vk::ExternalSemaphoreProperties<'static>> {
        (self.semaphores && handle_type == SEMAPHORE && !timeline).then(|| {
            vk::ExternalSemaphoreProperties::default()
                .export_from_imported_handle_types(SEMAPHORE)
                .compatible_handle_types(SEMAPHORE)
                .external_semaphore_features(
                    vk::ExternalSemaphoreFeatureFlags::IMPORTABLE
                        | vk::ExternalSemaphoreFeatureFlags::EXPORTABLE,
                )
        })
    }

    /// What we say of a kind of fence; `None` where the driver is to say it.
    pub(crate) fn fence(
        &self,
        handle_type: vk::ExternalFenceHandleTypeFlags,
    ) -> Option<vk::ExternalFenceProperties<'static>> {
        (self.fences && handle_type == FENCE).then(|| {
            vk::ExternalFenceProperties::default()
                .export_from_imported_handle_types(FENCE)
                .compatible_handle_types(FENCE)
                .external_fence_features(
                    vk::ExternalFenceFeatureFlags::IMPORTABLE
                        | vk::ExternalFenceFeatureFlags::EXPORTABLE,
                )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_answered() {
        let both = SyncFd { semaphores: true, fences: true, ..SyncFd::default() };
        assert!(both.owns(khr::external_fence_fd::NAME) && !both.owns(khr::swapchain::NAME));
        let listed = SyncFd { fence_fd_below: true, ..both };
        assert!(listed.serves(khr::external_fence_fd::NAME));
        assert!(!listed.owns(khr::external_fence_fd::NAME), "it has handles of other types");
        assert!(both.semaphore(SEMAPHORE, false).is_some() && both.fence(FENCE).is_some());
        assert!(both.semaphore(SEMAPHORE, true).is_none(), "a timeline");
        let opaque = vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;
        assert!(both.semaphore(opaque, false).is_none());
        let none = SyncFd::default();
        assert!(none.semaphore(SEMAPHORE, false).is_none() && none.fence(FENCE).is_none());
    }
}
