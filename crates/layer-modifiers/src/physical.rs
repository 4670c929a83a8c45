//! What a physical device says it can do.

use std::ffi::c_void;

use ash::vk;
use zerohop_layer::thin::{Below, Thin as _};
use zerohop_layer::{LayerError, chain, guard, guard_void, write_list};

use crate::state::Device;
use crate::{MOST_CONTROLS, controls_of, modifier};

/// The most planes that DRM counts (`drm_mode.h`, `drm_mode_fb_cmd2`).
const MOST_PLANES: u32 = 4;

/// `LINEAR` for `format`, as the driver has it.
pub(crate) fn linear(
    instance: &Below,
    physical: vk::PhysicalDevice,
    format: vk::Format,
) -> Option<vk::DrmFormatModifierPropertiesEXT> {
    linear_of(&listed(instance, physical, format))
}

fn linear_of(
    listed: &[vk::DrmFormatModifierPropertiesEXT],
) -> Option<vk::DrmFormatModifierPropertiesEXT> {
    listed.iter().copied().find(|one| one.drm_format_modifier == 0)
}

/// Every modifier of `format` that the driver has.
fn listed(
    instance: &Below,
    physical: vk::PhysicalDevice,
    format: vk::Format,
) -> Vec<vk::DrmFormatModifierPropertiesEXT> {
    let ask = |list: &mut vk::DrmFormatModifierPropertiesListEXT<'_>| {
        let mut all = vk::FormatProperties2::default().push_next(list);
        // SAFETY: the device is live; the list is empty, or as long as it says.
        unsafe {
            instance.raw.get_physical_device_format_properties2(physical, format, &mut all);
        }
    };
    let mut list = vk::DrmFormatModifierPropertiesListEXT::default();
    ask(&mut list);
    let count = list.drm_format_modifier_count as usize;
    let mut found = vec![vk::DrmFormatModifierPropertiesEXT::default(); count];
    let mut list = vk::DrmFormatModifierPropertiesListEXT::default()
        .drm_format_modifier_properties(&mut found);
    ask(&mut list);
    found
}

/// The driver's and ours.
fn all(
    instance: &Below,
    physical: vk::PhysicalDevice,
    format: vk::Format,
) -> Vec<vk::DrmFormatModifierPropertiesEXT> {
    let mut all = listed(instance, physical, format);
    let Some(linear) = linear_of(&all) else { return all };
    let planes = linear.drm_format_modifier_plane_count;
    for controls in 0..=MOST_CONTROLS {
        let mut ours = linear;
        ours.drm_format_modifier = modifier(controls);
        ours.drm_format_modifier_plane_count = planes * (1 + controls as u32);
        if planes > 1 {
            // Of formats with several planes alone (VUID-VkImageCreateInfo-format-01577).
            ours.drm_format_modifier_tiling_features |= vk::FormatFeatureFlags::DISJOINT;
        }
        if ours.drm_format_modifier_plane_count <= MOST_PLANES {
            all.push(ours);
        }
    }
    all
}

pub(crate) unsafe extern "system" fn format_properties(
    physical: vk::PhysicalDevice,
    format: vk::Format,
    out: *mut vk::FormatProperties2<'_>,
) {
    guard_void("vkGetPhysicalDeviceFormatProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceFormatProperties2-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceFormatProperties2-pFormatProperties-parameter.
        let head: *mut *mut c_void = unsafe { &raw mut (*out).p_next };
        let lists = [
            vk::StructureType::DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT,
            vk::StructureType::DRM_FORMAT_MODIFIER_PROPERTIES_LIST_2_EXT,
        ];
        // SAFETY: the chain is the caller's, who waits.
        let hidden = unsafe { chain::hide(head, &lists) };
        let ask = instance.raw.fp_v1_1().get_physical_device_format_properties2;
        // SAFETY: the caller's arguments, with less in the chain.
        unsafe { ask(physical, format, out) };
        drop(hidden);
        // SAFETY: as it was.
        let chain = unsafe { *head };
        // SAFETY: the caller's, to be filled in.
        unsafe { fill(chain, &all(&instance, physical, format)) };
        Ok(())
    });
}

/// Fills in the lists of modifiers in a chain.
///
/// # Safety
///
/// `chain` is one that the caller wants filled in.
unsafe fn fill(chain: *mut c_void, all: &[vk::DrmFormatModifierPropertiesEXT]) {
    // SAFETY: the caller's promise.
    let list = unsafe { chain::get_mut::<vk::DrmFormatModifierPropertiesListEXT<'_>>(chain) };
    if let Some(list) = list {
        let (count, to) =
            (&raw mut list.drm_format_modifier_count, list.p_drm_format_modifier_properties);
        // SAFETY: null, or with room for as many as it says.
        let _ = unsafe { write_list(all, count, to) };
    }
    // SAFETY: the caller's promise.
    let list = unsafe { chain::get_mut::<vk::DrmFormatModifierPropertiesList2EXT<'_>>(chain) };
    if let Some(list) = list {
        let wide = |one: &vk::DrmFormatModifierPropertiesEXT| {
            let features = one.drm_format_modifier_tiling_features.as_raw().into();
            vk::DrmFormatModifierProperties2EXT {
                drm_format_modifier: one.drm_format_modifier,
                drm_format_modifier_plane_count: one.drm_format_modifier_plane_count,
                drm_format_modifier_tiling_features: vk::FormatFeatureFlags2::from_raw(features),
            }
        };
        let all: Vec<_> = all.iter().map(wide).collect();
        let (count, to) =
            (&raw mut list.drm_format_modifier_count, list.p_drm_format_modifier_properties);
        // SAFETY: as above.
        let _ = unsafe { write_list(&all, count, to) };
    }
}

/// An image with one of ours is one with `LINEAR`, to the driver.
pub(crate) unsafe extern "system" fn image_format_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceImageFormatInfo2<'_>,
    out: *mut vk::ImageFormatProperties2<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceImageFormatProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceImageFormatProperties2-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceImageFormatProperties2-pImageFormatInfo-parameter.
        let info = unsafe { *info };
        type Named<'a> = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT<'a>;
        // SAFETY: the chain is the caller's.
        let named = unsafe { chain::get::<Named<'_>>(info.p_next) };
        let ours = named.filter(|named| controls_of(named.drm_format_modifier).is_some());
        let ask = instance.raw.fp_v1_1().get_physical_device_image_format_properties2;
        let Some(ours) = ours else {
            // SAFETY: the caller's arguments.
            return Ok(unsafe { ask(physical, &info, out) });
        };
        let kinds = [vk::StructureType::PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT];
        // SAFETY: the chain is the caller's.
        let rest = unsafe { chain::without(info.p_next, &kinds) };
        let linear = Named { drm_format_modifier: 0, p_next: rest.head(), ..*ours };
        let p_next = (&raw const linear).cast();
        let down = vk::PhysicalDeviceImageFormatInfo2 { p_next, ..info };
        // SAFETY: the caller's arguments, with a chain that lives in this function.
        Ok::<_, LayerError>(unsafe { ask(physical, &down, out) })
    })
}

/// The driver says another name, by which nobody knows what llvmpipe confuses.
pub(crate) unsafe extern "system" fn properties(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties2<'_>,
) {
    guard_void("vkGetPhysicalDeviceProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceProperties2-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        // SAFETY: the caller's arguments.
        unsafe { (instance.raw.fp_v1_1().get_physical_device_properties2)(physical, out) };
        // SAFETY: VUID-vkGetPhysicalDeviceProperties2-pProperties-parameter.
        let chain = unsafe { (*out).p_next };
        // SAFETY: the chain is the caller's to be filled in.
        let driver = unsafe { chain::get_mut::<vk::PhysicalDeviceDriverProperties<'_>>(chain) };
        driver.into_iter().for_each(|it| it.driver_id = vk::DriverId::default());
        // SAFETY: as above.
        let newer = unsafe { chain::get_mut::<vk::PhysicalDeviceVulkan12Properties<'_>>(chain) };
        newer.into_iter().for_each(|it| it.driver_id = vk::DriverId::default());
        Ok(())
    });
}
