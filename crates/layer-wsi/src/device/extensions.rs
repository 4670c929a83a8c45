//! The device extensions that an application sees.

use std::collections::BTreeSet;
use std::ffi::CStr;

use ash::vk;
use zerohop_layer::{Doing, LayerError, read_list};
use zerohop_manifest::{DEVICE_EXTENSIONS, LAYER_NAME};

use crate::extensions::{name, properties};
use crate::instance::InstanceState;

/// Extensions of drivers that say something about surfaces or swapchains and that we do not have.
/// They would hand our handles to the driver, or promise what our swapchains do not do.
const HIDDEN: &[&CStr] = &[
    c"VK_KHR_display_swapchain",
    c"VK_KHR_shared_presentable_image",
    c"VK_KHR_present_mode_fifo_latest_ready",
    c"VK_EXT_present_mode_fifo_latest_ready",
    c"VK_EXT_present_timing",
    c"VK_EXT_hdr_metadata",
    c"VK_EXT_image_compression_control_swapchain",
    c"VK_EXT_multisampled_render_to_swapchain",
    c"VK_HUAWEI_hdr_vivid",
    c"VK_EXT_full_screen_exclusive",
    c"VK_EXT_display_control",
    c"VK_GOOGLE_display_timing",
    c"VK_AMD_display_native_hdr",
    c"VK_NV_low_latency2",
    c"VK_NV_present_barrier",
    c"VK_NV_present_metering",
];

/// Whether `name` is an extension of the driver's that we keep from applications.
pub(crate) fn is_hidden(name: &CStr) -> bool {
    HIDDEN.contains(&name)
}

/// What the next layer lists, without what the loader adds to it for an implicit layer: that has
/// version 0 ([`zerohop_manifest::Layer::manifest`]).
///
/// # Errors
///
/// What the next layer reports.
pub(crate) fn below(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
) -> Result<Vec<vk::ExtensionProperties>, LayerError> {
    let mut all = read_list(|count, out| {
        let enumerate = instance.raw.fp_v1_0().enumerate_device_extension_properties;
        // SAFETY: `read_list` gives a count and room for as many.
        unsafe { enumerate(physical, std::ptr::null(), count, out) }
    })
    .doing("list the device's extensions")?;
    all.retain(|one| one.spec_version > 0);
    Ok(all)
}

/// What the application sees: the driver's list with ours in it for `None`, ours alone for our
/// layer's name. `None` when another layer is asked for.
///
/// # Errors
///
/// What the next layer reports.
pub(crate) fn extensions(
    instance: &InstanceState,
    physical: vk::PhysicalDevice,
    layer: Option<&CStr>,
) -> Result<Option<Vec<vk::ExtensionProperties>>, LayerError> {
    let ours = DEVICE_EXTENSIONS.iter().map(properties);
    match layer {
        Some(layer) if layer.to_bytes() == LAYER_NAME.as_bytes() => Ok(Some(ours.collect())),
        Some(_) => Ok(None),
        None if instance.passes => below(instance, physical).map(Some),
        None => Ok(Some(merge(below(instance, physical)?, ours.collect()))),
    }
}

/// Ours take the place of the driver's of the same name; what is hidden or a repetition goes.
fn merge(
    below: Vec<vk::ExtensionProperties>,
    ours: Vec<vk::ExtensionProperties>,
) -> Vec<vk::ExtensionProperties> {
    let mut seen = BTreeSet::new();
    let mut all: Vec<_> = ours.iter().chain(&below).filter(|one| !is_hidden(name(one))).collect();
    all.retain(|one| seen.insert(name(one)));
    all.into_iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use zerohop_manifest::Extension;

    use super::*;

    fn entry(name: &'static str, version: u32) -> vk::ExtensionProperties {
        properties(&Extension { name, version, commands: &[] })
    }

    #[test]
    fn our_version_takes_the_drivers_place_and_what_takes_our_handles_is_hidden() {
        let below = vec![
            entry("VK_KHR_swapchain", 68),
            entry("VK_EXT_hdr_metadata", 2),
            entry("VK_KHR_maintenance1", 2),
            entry("VK_KHR_maintenance1", 2),
        ];
        let merged = merge(below, vec![entry("VK_KHR_swapchain", 70)]);
        let seen: Vec<_> = merged.iter().map(|one| (name(one), one.spec_version)).collect();
        assert_eq!(seen, [(c"VK_KHR_swapchain", 70), (c"VK_KHR_maintenance1", 2)]);
    }
}
