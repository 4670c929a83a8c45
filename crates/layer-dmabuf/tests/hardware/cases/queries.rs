//! What the layer says of formats, images and buffers.

use std::sync::Arc;

use ash::vk;
use zerohop_testkit::rig::Device;

use super::{Case, same};
use crate::Outcome;
use crate::picture::DMA_BUF;

pub(super) const CASES: &[Case] = &[
    Case::ours("every_linear_format_has_the_linear_modifier_and_no_other", formats),
    Case::ours("what_is_listed_can_be_made_and_leaves", images),
    Case::new("buffers_leave_and_come_in", buffers),
];

/// All formats of Vulkan 1.0, and the ones of several planes of 1.1.
fn all() -> impl Iterator<Item = vk::Format> {
    (1..=184).chain(1_000_156_000..=1_000_156_033).map(vk::Format::from_raw)
}

/// The modifiers of a format, by both structures: modifier, planes, features.
fn listed(device: &Device, format: vk::Format) -> [Vec<(u64, u32, u64)>; 2] {
    let mut one = [vk::DrmFormatModifierPropertiesEXT::default(); 4];
    let mut two = [vk::DrmFormatModifierProperties2EXT::default(); 4];
    let mut list =
        vk::DrmFormatModifierPropertiesListEXT::default().drm_format_modifier_properties(&mut one);
    let mut list2 =
        vk::DrmFormatModifierPropertiesList2EXT::default().drm_format_modifier_properties(&mut two);
    let mut out = vk::FormatProperties2::default().push_next(&mut list).push_next(&mut list2);
    let raw = device.instance().raw();
    // SAFETY: the arrays have the room that the lists say.
    unsafe { raw.get_physical_device_format_properties2(device.physical(), format, &mut out) };
    let count = list.drm_format_modifier_count as usize;
    let count2 = list2.drm_format_modifier_count as usize;
    [
        one[..count]
            .iter()
            .map(|it| {
                let features = it.drm_format_modifier_tiling_features.as_raw().into();
                (it.drm_format_modifier, it.drm_format_modifier_plane_count, features)
            })
            .collect(),
        two[..count2]
            .iter()
            .map(|it| {
                let features = it.drm_format_modifier_tiling_features.as_raw();
                (it.drm_format_modifier, it.drm_format_modifier_plane_count, features)
            })
            .collect(),
    ]
}

fn formats(device: &Arc<Device>) -> Outcome {
    let mut with = 0;
    for format in all() {
        let raw = device.instance().raw();
        // SAFETY: the handle is the instance's.
        let it = unsafe { raw.get_physical_device_format_properties(device.physical(), format) };
        let linear = u64::from(it.linear_tiling_features.as_raw());
        let depth = (124..=130).contains(&format.as_raw());
        let expected = linear != 0 && !depth;
        let [one, two] = listed(device, format);
        let what = format!("{format:?}");
        same(&what, one.len(), expected.into())?;
        same(&what, two.len(), one.len())?;
        for (one, two) in one.iter().zip(&two) {
            same(&what, (one.0, one.2), (0, linear))?;
            // The wide features say the same and more.
            same(&what, (two.0, two.1, two.2 & linear), (one.0, one.1, one.2))?;
        }
        with += usize::from(expected);
    }
    let nv12 = vk::Format::G8_B8R8_2PLANE_420_UNORM;
    same("planes of NV12", listed(device, nv12)[0].first().map(|it| it.1), Some(2))?;
    same("many formats", with > 50, true)
}

fn images(device: &Arc<Device>) -> Outcome {
    let usage = vk::ImageUsageFlags::TRANSFER_SRC;
    let needs = u64::from(vk::FormatFeatureFlags::TRANSFER_SRC.as_raw());
    for format in all() {
        let [listed, _] = listed(device, format);
        let makes = listed.iter().any(|it| it.2 & needs != 0);
        if makes {
            let what = format!("{format:?}");
            let found = ask(device, format, 0, usage).map_err(|code| format!("{what}: {code}"))?;
            let shares = vk::ExternalMemoryFeatureFlags::EXPORTABLE
                | vk::ExternalMemoryFeatureFlags::IMPORTABLE;
            same(&what, found.external_memory_features, shares)?;
            same(&what, found.compatible_handle_types, DMA_BUF)?;
        }
    }
    let other = ask(device, vk::Format::B8G8R8A8_UNORM, 0x0100_0000_0000_0001, usage);
    same("a modifier that nobody offered", other.err(), Some(NOT_SUPPORTED))?;
    let depth = ask(device, vk::Format::D32_SFLOAT, 0, usage);
    same("a modifier of depth", depth.err(), Some(NOT_SUPPORTED))
}

const NOT_SUPPORTED: vk::Result = vk::Result::ERROR_FORMAT_NOT_SUPPORTED;

fn ask(
    device: &Device,
    format: vk::Format,
    modifier: u64,
    usage: vk::ImageUsageFlags,
) -> Result<vk::ExternalMemoryProperties, vk::Result> {
    let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default().handle_type(DMA_BUF);
    let mut drm = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
        .drm_format_modifier(modifier)
        .sharing_mode(vk::SharingMode::EXCLUSIVE);
    let info = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(format)
        .ty(vk::ImageType::TYPE_2D)
        .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
        .usage(usage)
        .push_next(&mut external)
        .push_next(&mut drm);
    let mut found = vk::ExternalImageFormatProperties::default();
    let mut out = vk::ImageFormatProperties2::default().push_next(&mut found);
    let raw = device.instance().raw();
    // SAFETY: both chains are of locals.
    unsafe {
        raw.get_physical_device_image_format_properties2(device.physical(), &info, &mut out)
    }?;
    Ok(found.external_memory_properties)
}

fn buffers(device: &Arc<Device>) -> Outcome {
    let shares =
        vk::ExternalMemoryFeatureFlags::EXPORTABLE | vk::ExternalMemoryFeatureFlags::IMPORTABLE;
    let found = of_buffers(device, DMA_BUF);
    same("buffers", found.external_memory_features, shares)?;
    same("what goes with it", found.compatible_handle_types, DMA_BUF)?;
    // A driver answers for its own kind whether or not it has the commands for it.
    let hidden = std::env::var(zerohop_layer_hide::VARIABLE).unwrap_or_default();
    if hidden.contains("VK_KHR_external_memory_fd") {
        let opaque = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
        let found = of_buffers(device, opaque).external_memory_features;
        same("opaque memory of no commands", found, vk::ExternalMemoryFeatureFlags::empty())?;
    }
    Ok(())
}

fn of_buffers(
    device: &Device,
    kind: vk::ExternalMemoryHandleTypeFlags,
) -> vk::ExternalMemoryProperties {
    let info = vk::PhysicalDeviceExternalBufferInfo::default()
        .usage(vk::BufferUsageFlags::TRANSFER_SRC)
        .handle_type(kind);
    let mut out = vk::ExternalBufferProperties::default();
    let raw = device.instance().raw();
    // SAFETY: both structures are locals.
    unsafe {
        raw.get_physical_device_external_buffer_properties(device.physical(), &info, &mut out);
    }
    out.external_memory_properties
}
