//! What images and buffers can do in memory of ours, as the physical-device queries tell it.

use std::sync::Once;

use ash::vk;
use zerohop_layer::{Level, chain, log, write_list};

use super::{Emulation, InstanceState};
use crate::image::{LINEAR, memory_planes};

/// What a dma-buf of ours can do: leave, and come in.
const SHARES: vk::ExternalMemoryFeatureFlags = vk::ExternalMemoryFeatureFlags::from_raw(
    vk::ExternalMemoryFeatureFlags::EXPORTABLE.as_raw()
        | vk::ExternalMemoryFeatureFlags::IMPORTABLE.as_raw(),
);

/// What the application is told of memory that the driver imports as host memory with `features`.
fn properties(features: vk::ExternalMemoryFeatureFlags) -> Option<vk::ExternalMemoryProperties> {
    use vk::ExternalMemoryFeatureFlags as F;
    let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    // Host memory is never dedicated, so a driver that insists on that is of no use to us.
    let usable = features.contains(F::IMPORTABLE) && !features.contains(F::DEDICATED_ONLY);
    usable.then_some(vk::ExternalMemoryProperties {
        external_memory_features: SHARES,
        export_from_imported_handle_types: dma_buf,
        compatible_handle_types: dma_buf,
    })
}

/// `vkGetPhysicalDeviceExternalBufferProperties` for `DMA_BUF`.
pub(crate) fn buffer_properties(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    info: &vk::PhysicalDeviceExternalBufferInfo<'_>,
    out: &mut vk::ExternalBufferProperties<'_>,
) {
    let host = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
    let info = vk::PhysicalDeviceExternalBufferInfo { handle_type: host, ..*info };
    // SAFETY: the handle is the instance's; who emulates has the command.
    unsafe { instance.raw.get_physical_device_external_buffer_properties(physical, &info, out) };
    let found = out.external_memory_properties.external_memory_features;
    out.external_memory_properties = properties(found).unwrap_or_default();
}

/// `vkGetPhysicalDeviceImageFormatProperties2`. `None`: the question is none of ours.
///
/// # Safety
///
/// The chains are those of the command's arguments.
pub(crate) unsafe fn image_format_properties(
    instance: &InstanceState,
    emulation: &Emulation,
    physical: vk::PhysicalDevice,
    info: &vk::PhysicalDeviceImageFormatInfo2<'_>,
    out: &mut vk::ImageFormatProperties2<'_>,
) -> Option<vk::Result> {
    type External<'a> = vk::PhysicalDeviceExternalImageFormatInfo<'a>;
    type Modifier<'a> = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT<'a>;
    // SAFETY: the caller's promise.
    let external = unsafe { chain::get::<External<'_>>(info.p_next) };
    if external.is_some_and(|it| emulation.has_no(it.handle_type)) {
        return Some(vk::Result::ERROR_FORMAT_NOT_SUPPORTED);
    }
    let dma_buf = external
        .is_some_and(|it| it.handle_type.contains(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT));
    let drm = info.tiling == vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT;
    if !(dma_buf || (drm && emulation.owns_modifiers())) {
        return None;
    }
    // SAFETY: the caller's promise.
    let modifier = unsafe { chain::get::<Modifier<'_>>(info.p_next) };
    let linear = modifier.is_some_and(|it| it.drm_format_modifier == LINEAR);
    // What a driver's other handles can do with its own tiling says nothing of ours ("If handleType is
    // not compatible with the format, type, tiling, usage, and flags").
    let leaves = dma_buf || external.is_none_or(|it| it.handle_type.is_empty());
    let able = memory_planes(info.format).is_some() && draws_to(instance, physical, info);
    if drm && !(leaves && linear && able) {
        return Some(vk::Result::ERROR_FORMAT_NOT_SUPPORTED);
    }
    let ours = [
        <External<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
        <Modifier<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
    ];
    // SAFETY: the caller's promise.
    let rest = unsafe { chain::without(info.p_next, &ours) };
    if let Some(kind) = rest.stuck_at() {
        let what = "of vkGetPhysicalDeviceImageFormatProperties2";
        log(Level::Warn, format_args!("cannot copy the unknown structure {kind:?} {what}"));
        return Some(vk::Result::ERROR_FORMAT_NOT_SUPPORTED);
    }
    let host = External {
        handle_type: vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT,
        p_next: rest.head(),
        ..Default::default()
    };
    let copy = vk::PhysicalDeviceImageFormatInfo2 {
        tiling: if drm { vk::ImageTiling::LINEAR } else { info.tiling },
        p_next: if dma_buf { (&raw const host).cast() } else { rest.head() },
        ..*info
    };
    // SAFETY: `copy` points to locals and the application's structures.
    Some(unsafe { ask(instance, physical, &copy, dma_buf, out) })
}

/// Whether the driver draws to `LINEAR` images of this format, if that is asked for. NVIDIA's does not,
/// says so in the format's features, makes such an image all the same, and loses the device when one is
/// drawn to with a depth buffer (580.159, H200).
fn draws_to(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    info: &vk::PhysicalDeviceImageFormatInfo2<'_>,
) -> bool {
    // SAFETY: the handle is the instance's.
    let able = unsafe { instance.raw.get_physical_device_format_properties(physical, info.format) };
    let draws = !info.usage.contains(vk::ImageUsageFlags::COLOR_ATTACHMENT)
        || able.linear_tiling_features.contains(vk::FormatFeatureFlags::COLOR_ATTACHMENT);
    if !draws {
        static SAID: Once = Once::new();
        let format = info.format;
        SAID.call_once(|| {
            log(
                Level::Info,
                format_args!("dma-bufs are not drawn to: the driver draws to no LINEAR {format:?}"),
            );
        });
    }
    draws
}

/// Asks the driver, and says of host memory what is true of ours.
///
/// # Safety
///
/// As [`image_format_properties`].
unsafe fn ask(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    info: &vk::PhysicalDeviceImageFormatInfo2<'_>,
    dma_buf: bool,
    out: &mut vk::ImageFormatProperties2<'_>,
) -> vk::Result {
    let below = instance.raw.fp_v1_1().get_physical_device_image_format_properties2;
    type Answer<'a> = vk::ExternalImageFormatProperties<'a>;
    let first = out.p_next;
    let mut own = Answer { p_next: first, ..Default::default() };
    // SAFETY: the application's chain, to be filled in.
    let asked = unsafe { chain::get_mut::<Answer<'_>>(first) };
    if asked.is_none() {
        out.p_next = (&raw mut own).cast();
    }
    // SAFETY: the caller's promise; who emulates has the command.
    let code = unsafe { below(physical, info, out) };
    out.p_next = first;
    let answer = asked.unwrap_or(&mut own);
    if code != vk::Result::SUCCESS || !dma_buf {
        return code;
    }
    match properties(answer.external_memory_properties.external_memory_features) {
        Some(found) => answer.external_memory_properties = found,
        None => return vk::Result::ERROR_FORMAT_NOT_SUPPORTED,
    }
    vk::Result::SUCCESS
}

/// `vkGetPhysicalDeviceFormatProperties2` where all modifiers are ours.
///
/// # Safety
///
/// `out` is the application's, with a chain that is to be filled in.
pub(crate) unsafe fn format_properties(
    instance: &InstanceState,
    emulation: &Emulation,
    physical: vk::PhysicalDevice,
    format: vk::Format,
    out: &mut vk::FormatProperties2<'_>,
) {
    type List<'a> = vk::DrmFormatModifierPropertiesListEXT<'a>;
    type List2<'a> = vk::DrmFormatModifierPropertiesList2EXT<'a>;
    let ours = [
        <List<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
        <List2<'_> as vk::TaggedStructure>::STRUCTURE_TYPE,
    ];
    let below = instance.raw.fp_v1_1().get_physical_device_format_properties2;
    {
        // SAFETY: the chain is to be filled in, so the application lets us write to it.
        let _hidden = unsafe { chain::hide(&mut out.p_next, &ours) };
        // SAFETY: the arguments are the application's; who emulates has the command.
        unsafe { below(physical, format, out) };
    }
    let planes = memory_planes(format);
    // SAFETY: the caller's promise.
    if let Some(list) = unsafe { chain::get_mut::<List<'_>>(out.p_next) } {
        let features = out.format_properties.linear_tiling_features;
        let one = planes.filter(|_| !features.is_empty()).map(|planes| {
            vk::DrmFormatModifierPropertiesEXT::default()
                .drm_format_modifier(LINEAR)
                .drm_format_modifier_plane_count(planes.len() as u32)
                .drm_format_modifier_tiling_features(features)
        });
        // SAFETY: VUID-VkDrmFormatModifierPropertiesListEXT: the array is null or has that room.
        unsafe {
            fill(one, &mut list.drm_format_modifier_count, list.p_drm_format_modifier_properties);
        }
    }
    // SAFETY: the caller's promise.
    if let Some(list) = unsafe { chain::get_mut::<List2<'_>>(out.p_next) } {
        let features = wide_features(instance, emulation, physical, format);
        let one = planes.filter(|_| !features.is_empty()).map(|planes| {
            vk::DrmFormatModifierProperties2EXT::default()
                .drm_format_modifier(LINEAR)
                .drm_format_modifier_plane_count(planes.len() as u32)
                .drm_format_modifier_tiling_features(features)
        });
        // SAFETY: as above.
        unsafe {
            fill(one, &mut list.drm_format_modifier_count, list.p_drm_format_modifier_properties);
        }
    }
}

/// Writes a list of at most one.
///
/// # Safety
///
/// `out` is null or has room for `count`.
unsafe fn fill<T: Copy>(one: Option<T>, count: &mut u32, out: *mut T) {
    let list: Vec<T> = one.into_iter().collect();
    // SAFETY: the caller's promise.
    let _ = unsafe { write_list(&list, count, out) };
}

/// What images with `LINEAR` tiling can do, in 64 bits where the driver says it so.
fn wide_features(
    instance: &InstanceState,
    emulation: &Emulation,
    physical: vk::PhysicalDevice,
    format: vk::Format,
) -> vk::FormatFeatureFlags2 {
    let mut wide = vk::FormatProperties3::default();
    let mut all = vk::FormatProperties2::default();
    if emulation.wide_features {
        all = all.push_next(&mut wide);
    }
    // SAFETY: the handle is the instance's; who emulates has the command.
    unsafe { instance.raw.get_physical_device_format_properties2(physical, format, &mut all) };
    let narrow = all.format_properties.linear_tiling_features.as_raw();
    match emulation.wide_features {
        true => wide.linear_tiling_features,
        // The lower half has the same bits (`VkFormatFeatureFlagBits2`).
        false => vk::FormatFeatureFlags2::from_raw(narrow.into()),
    }
}
