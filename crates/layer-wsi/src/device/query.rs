//! What a physical device says about itself.

use ash::vk;
use zerohop_frame::DeviceId;

use crate::instance::InstanceState;

/// Device and driver. Zeros where the device cannot say, so that no host takes it for its own.
pub(crate) fn device_id(instance: &InstanceState, physical: vk::PhysicalDevice) -> DeviceId {
    let mut id = vk::PhysicalDeviceIDProperties::default();
    if instance.has_properties2 {
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut id);
        // SAFETY: the handle is the instance's, and the next layer has the command.
        unsafe { instance.raw.get_physical_device_properties2(physical, &mut properties) };
    }
    DeviceId { device_uuid: id.device_uuid, driver_uuid: id.driver_uuid }
}

/// Whether a binary semaphore can be made from a `SYNC_FD` and become one.
pub(crate) fn semaphore_takes_sync_fd(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
) -> bool {
    if !instance.has_properties2 {
        return false;
    }
    let info = vk::PhysicalDeviceExternalSemaphoreInfo::default()
        .handle_type(vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD);
    let mut out = vk::ExternalSemaphoreProperties::default();
    let raw = &instance.raw;
    // SAFETY: the handle is the instance's, and the next layer has the command.
    unsafe { raw.get_physical_device_external_semaphore_properties(physical, &info, &mut out) };
    out.external_semaphore_features.contains(
        vk::ExternalSemaphoreFeatureFlags::EXPORTABLE
            | vk::ExternalSemaphoreFeatureFlags::IMPORTABLE,
    )
}

/// Whether a timeline semaphore can leave as `OPAQUE_FD`, and come so.
pub(crate) fn shares_timelines(instance: &InstanceState, physical: vk::PhysicalDevice) -> bool {
    if !instance.has_properties2 {
        return false;
    }
    let mut feature = vk::PhysicalDeviceTimelineSemaphoreFeatures::default();
    let mut features = vk::PhysicalDeviceFeatures2::default().push_next(&mut feature);
    let raw = &instance.raw;
    // SAFETY: the handle is the instance's, and the next layer has the command.
    unsafe { raw.get_physical_device_features2(physical, &mut features) };
    if feature.timeline_semaphore == vk::FALSE {
        return false;
    }
    let mut kind =
        vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
    let info = vk::PhysicalDeviceExternalSemaphoreInfo::default()
        .handle_type(vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD)
        .push_next(&mut kind);
    let mut out = vk::ExternalSemaphoreProperties::default();
    // SAFETY: as above.
    unsafe { raw.get_physical_device_external_semaphore_properties(physical, &info, &mut out) };
    out.external_semaphore_features.contains(
        vk::ExternalSemaphoreFeatureFlags::EXPORTABLE
            | vk::ExternalSemaphoreFeatureFlags::IMPORTABLE,
    )
}

/// Whether a fence can be made from a `SYNC_FD` and become one.
pub(crate) fn fence_takes_sync_fd(instance: &InstanceState, physical: vk::PhysicalDevice) -> bool {
    if !instance.has_properties2 {
        return false;
    }
    let info = vk::PhysicalDeviceExternalFenceInfo::default()
        .handle_type(vk::ExternalFenceHandleTypeFlags::SYNC_FD);
    let mut out = vk::ExternalFenceProperties::default();
    let raw = &instance.raw;
    // SAFETY: the handle is the instance's, and the next layer has the command.
    unsafe { raw.get_physical_device_external_fence_properties(physical, &info, &mut out) };
    out.external_fence_features.contains(
        vk::ExternalFenceFeatureFlags::EXPORTABLE | vk::ExternalFenceFeatureFlags::IMPORTABLE,
    )
}

/// `minImportedHostPointerAlignment` in bytes, a page at least.
pub(crate) fn host_alignment(instance: &InstanceState, physical: vk::PhysicalDevice) -> u64 {
    let mut host = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut host);
    // SAFETY: the handle is the instance's, and the next layer has the command.
    unsafe { instance.raw.get_physical_device_properties2(physical, &mut properties) };
    host.min_imported_host_pointer_alignment.max(rustix::param::page_size() as u64)
}
