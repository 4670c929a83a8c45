//! What the one physical device says about itself.

use std::ffi::{CStr, c_char};

use ash::{ext, khr, vk};

use super::buffer::ALIGNMENT;
use super::chain::{get, get_mut};
use super::handles::state_of;
use super::{Options, State, TILED};

/// The largest image, in pixels.
const LARGEST: u32 = 16384;

/// The extensions of a driver with `options`.
fn extensions(options: Options) -> Vec<&'static CStr> {
    let mut names = vec![khr::external_memory::NAME, khr::dedicated_allocation::NAME];
    if options.memory_fd {
        names.push(khr::external_memory_fd::NAME);
    }
    if options.sync_fd {
        names.extend([khr::external_semaphore::NAME, khr::external_semaphore_fd::NAME]);
        names.extend([khr::external_fence::NAME, khr::external_fence_fd::NAME]);
    }
    if options.modifiers {
        names.extend([ext::image_drm_format_modifier::NAME, khr::image_format_list::NAME]);
        names.extend([ext::external_memory_dma_buf::NAME, ext::queue_family_foreign::NAME]);
    }
    if options.host_memory {
        names.push(ext::external_memory_host::NAME);
    }
    if options.swapchain {
        names.push(khr::swapchain::NAME);
    }
    names
}

/// Whether `name` is an extension of the driver's.
pub(super) fn has(state: &State, name: &CStr) -> bool {
    extensions(state.options).contains(&name)
}

pub(super) unsafe extern "system" fn enumerate_extensions(
    physical: vk::PhysicalDevice,
    _: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    // SAFETY: the device is live.
    let all = extensions(unsafe { state_of(physical) }.options);
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    // SAFETY: the caller's, by the valid usage of the command.
    let room = if out.is_null() { 0 } else { unsafe { *count } };
    // SAFETY: as above.
    unsafe { *count = if out.is_null() { total } else { total.min(room) } };
    for (i, name) in all.iter().enumerate().take(room as usize) {
        let mut one = vk::ExtensionProperties { spec_version: 1, ..Default::default() };
        for (to, from) in one.extension_name.iter_mut().zip(name.to_bytes()) {
            *to = from.cast_signed();
        }
        // SAFETY: `i` is below the room.
        unsafe { out.wrapping_add(i).write(one) };
    }
    if out.is_null() || room >= total { vk::Result::SUCCESS } else { vk::Result::INCOMPLETE }
}

pub(super) unsafe extern "system" fn properties(
    _: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties,
) {
    let properties = vk::PhysicalDeviceProperties {
        api_version: vk::API_VERSION_1_1,
        device_type: vk::PhysicalDeviceType::OTHER,
        ..Default::default()
    };
    // SAFETY: VUID-vkGetPhysicalDeviceProperties-pProperties-parameter.
    unsafe { out.write(properties) };
}

pub(super) unsafe extern "system" fn properties2(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties2<'_>,
) {
    // SAFETY: the structure is the caller's to be filled in.
    let out = unsafe { &mut *out };
    // SAFETY: as above.
    unsafe { properties(physical, &raw mut out.properties) };
    // SAFETY: as above, with its chain.
    if let Some(id) = unsafe { get_mut::<vk::PhysicalDeviceIDProperties<'_>>(out.p_next) } {
        (id.device_uuid, id.driver_uuid) = ([7; 16], [9; 16]);
    }
    type Host<'a> = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT<'a>;
    // SAFETY: as above.
    if let Some(host) = unsafe { get_mut::<Host<'_>>(out.p_next) } {
        host.min_imported_host_pointer_alignment = ALIGNMENT;
    }
}

pub(super) unsafe extern "system" fn features(
    _: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceFeatures,
) {
    // SAFETY: VUID-vkGetPhysicalDeviceFeatures-pFeatures-parameter.
    unsafe { out.write(vk::PhysicalDeviceFeatures::default()) };
}

pub(super) unsafe extern "system" fn features2(
    _: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceFeatures2<'_>,
) {
    // SAFETY: the structure is the caller's to be filled in.
    unsafe { (*out).features = vk::PhysicalDeviceFeatures::default() };
}

pub(super) unsafe extern "system" fn memory_properties(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceMemoryProperties,
) {
    let mut memory = vk::PhysicalDeviceMemoryProperties {
        memory_type_count: 1,
        memory_heap_count: 1,
        ..Default::default()
    };
    use vk::MemoryPropertyFlags as P;
    memory.memory_types[0].property_flags = P::DEVICE_LOCAL | P::HOST_VISIBLE | P::HOST_CACHED;
    // SAFETY: the device is live.
    if unsafe { state_of(physical) }.options.host_memory {
        memory.memory_types[0].property_flags |= P::HOST_COHERENT;
    }
    memory.memory_heaps[0].size = 1 << 32;
    // SAFETY: VUID-vkGetPhysicalDeviceMemoryProperties-pMemoryProperties-parameter.
    unsafe { out.write(memory) };
}

pub(super) unsafe extern "system" fn queue_families(
    _: vk::PhysicalDevice,
    count: *mut u32,
    out: *mut vk::QueueFamilyProperties,
) {
    let family = vk::QueueFamilyProperties {
        queue_flags: vk::QueueFlags::GRAPHICS | vk::QueueFlags::COMPUTE | vk::QueueFlags::TRANSFER,
        queue_count: 1,
        ..Default::default()
    };
    // SAFETY: the caller's, by the valid usage of the command.
    let room = unsafe { *count };
    if !out.is_null() && room > 0 {
        // SAFETY: there is room for one.
        unsafe { out.write(family) };
    }
    // SAFETY: as above.
    unsafe { *count = if out.is_null() { 1 } else { room.min(1) } };
}

pub(super) unsafe extern "system" fn format_properties(
    _: vk::PhysicalDevice,
    _: vk::Format,
    out: *mut vk::FormatProperties,
) {
    let features = vk::FormatFeatureFlags::COLOR_ATTACHMENT
        | vk::FormatFeatureFlags::TRANSFER_SRC
        | vk::FormatFeatureFlags::TRANSFER_DST
        | vk::FormatFeatureFlags::SAMPLED_IMAGE;
    let properties =
        vk::FormatProperties { optimal_tiling_features: features, ..Default::default() };
    // SAFETY: VUID-vkGetPhysicalDeviceFormatProperties-pFormatProperties-parameter.
    unsafe { out.write(properties) };
}

pub(super) unsafe extern "system" fn format_properties2(
    physical: vk::PhysicalDevice,
    format: vk::Format,
    out: *mut vk::FormatProperties2<'_>,
) {
    // SAFETY: the structure is the caller's to be filled in.
    let out = unsafe { &mut *out };
    // SAFETY: as above.
    unsafe { format_properties(physical, format, &raw mut out.format_properties) };
    // SAFETY: the device is live.
    let options = unsafe { state_of(physical) }.options;
    // SAFETY: as above, with its chain.
    let list = unsafe { get_mut::<vk::DrmFormatModifierPropertiesListEXT<'_>>(out.p_next) };
    let Some(list) = list else { return };
    let room = list.drm_format_modifier_count as usize;
    let all = match (options.modifiers, options.tiled_only) {
        (false, _) => &[][..],
        (true, false) => &[0, TILED],
        (true, true) => &[TILED],
    };
    let array = list.p_drm_format_modifier_properties;
    if array.is_null() {
        list.drm_format_modifier_count = u32::try_from(all.len()).unwrap_or(0);
        return;
    }
    list.drm_format_modifier_count = u32::try_from(all.len().min(room)).unwrap_or(0);
    for (i, modifier) in all.iter().enumerate().take(room) {
        let one = vk::DrmFormatModifierPropertiesEXT {
            drm_format_modifier: *modifier,
            drm_format_modifier_plane_count: 1,
            drm_format_modifier_tiling_features: out.format_properties.optimal_tiling_features,
        };
        // SAFETY: `i` is below the room.
        unsafe { array.wrapping_add(i).write(one) };
    }
}

fn limits() -> vk::ImageFormatProperties {
    vk::ImageFormatProperties {
        max_extent: vk::Extent3D { width: LARGEST, height: LARGEST, depth: 1 },
        max_mip_levels: 1,
        max_array_layers: 4,
        sample_counts: vk::SampleCountFlags::TYPE_1,
        max_resource_size: 1 << 32,
    }
}

pub(super) unsafe extern "system" fn image_format_properties(
    _: vk::PhysicalDevice,
    _: vk::Format,
    _: vk::ImageType,
    _: vk::ImageTiling,
    _: vk::ImageUsageFlags,
    _: vk::ImageCreateFlags,
    out: *mut vk::ImageFormatProperties,
) -> vk::Result {
    // SAFETY: VUID-vkGetPhysicalDeviceImageFormatProperties-pImageFormatProperties-parameter.
    unsafe { out.write(limits()) };
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn image_format_properties2(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceImageFormatInfo2<'_>,
    out: *mut vk::ImageFormatProperties2<'_>,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(physical) };
    // SAFETY: both structures are the caller's, by the valid usage of the command.
    let info = unsafe { &*info };
    // SAFETY: as above.
    let out = unsafe { &mut *out };
    out.image_format_properties = limits();
    // SAFETY: as above, with its chain.
    let external = unsafe { get::<vk::PhysicalDeviceExternalImageFormatInfo<'_>>(info.p_next) };
    let Some(external) = external else { return vk::Result::SUCCESS };
    let Some(can) = external_memory(state.options, external.handle_type) else {
        return vk::Result::ERROR_FORMAT_NOT_SUPPORTED;
    };
    // SAFETY: as above.
    if let Some(found) = unsafe { get_mut::<vk::ExternalImageFormatProperties<'_>>(out.p_next) } {
        found.external_memory_properties = can;
    }
    vk::Result::SUCCESS
}

/// What memory of this kind can do. `None`: there is none.
fn external_memory(
    options: Options,
    handle_type: vk::ExternalMemoryHandleTypeFlags,
) -> Option<vk::ExternalMemoryProperties> {
    use vk::ExternalMemoryFeatureFlags as Features;
    use vk::ExternalMemoryHandleTypeFlags as Handles;
    let Options { memory_fd, modifiers, host_memory, .. } = options;
    let (can, features) = match handle_type {
        Handles::OPAQUE_FD => (memory_fd, Features::EXPORTABLE | Features::IMPORTABLE),
        Handles::DMA_BUF_EXT => {
            (memory_fd && modifiers, Features::EXPORTABLE | Features::IMPORTABLE)
        }
        Handles::HOST_ALLOCATION_EXT => (host_memory, Features::IMPORTABLE),
        _ => (false, Features::empty()),
    };
    let exports = features.contains(Features::EXPORTABLE);
    can.then_some(vk::ExternalMemoryProperties {
        external_memory_features: features,
        compatible_handle_types: handle_type,
        export_from_imported_handle_types: if exports { handle_type } else { Handles::empty() },
    })
}

pub(super) unsafe extern "system" fn external_buffer_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalBufferInfo<'_>,
    out: *mut vk::ExternalBufferProperties<'_>,
) {
    // SAFETY: the device is live.
    let options = unsafe { state_of(physical) }.options;
    // SAFETY: both structures are the caller's, by the valid usage of the command.
    let can = external_memory(options, unsafe { &*info }.handle_type);
    // SAFETY: as above.
    unsafe { (*out).external_memory_properties = can.unwrap_or_default() };
}

pub(super) unsafe extern "system" fn external_semaphore_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalSemaphoreInfo<'_>,
    out: *mut vk::ExternalSemaphoreProperties<'_>,
) {
    use vk::ExternalSemaphoreFeatureFlags as Features;
    let sync_fd = vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
    // SAFETY: the device is live.
    let has = unsafe { state_of(physical) }.options.sync_fd;
    // SAFETY: both structures are the caller's, by the valid usage of the command.
    let info = unsafe { &*info };
    // SAFETY: as above.
    let out = unsafe { &mut *out };
    let can = has && info.handle_type == sync_fd;
    let both = Features::EXPORTABLE | Features::IMPORTABLE;
    out.external_semaphore_features = if can { both } else { Features::empty() };
}

pub(super) unsafe extern "system" fn external_fence_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalFenceInfo<'_>,
    out: *mut vk::ExternalFenceProperties<'_>,
) {
    use vk::ExternalFenceFeatureFlags as Features;
    let sync_fd = vk::ExternalFenceHandleTypeFlags::SYNC_FD;
    // SAFETY: the device is live.
    let has = unsafe { state_of(physical) }.options.sync_fd;
    // SAFETY: both structures are the caller's, by the valid usage of the command.
    let info = unsafe { &*info };
    // SAFETY: as above.
    let out = unsafe { &mut *out };
    let can = has && info.handle_type == sync_fd;
    let both = Features::EXPORTABLE | Features::IMPORTABLE;
    out.external_fence_features = if can { both } else { Features::empty() };
}
