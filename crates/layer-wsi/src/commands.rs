//! Which commands we hook, and who may see the hook.

use std::ffi::CStr;

use ash::vk;
use zerohop_layer::{Barriers, hooks};
use zerohop_manifest::DEVICE_EXTENSIONS;

use crate::device::DeviceState;
use crate::entry::{
    device as d, display as y, host_copy as h, image as m, instance as i, object as o, queue as q,
    render_pass as r, surface as s, swapchain as c, window as w,
};
use crate::instance::InstanceState;
use crate::negotiate::{get_device_proc_addr, get_instance_proc_addr};
use crate::newer::WaitForPresent2;

hooks! {
    /// Commands that need no instance, and the one that layers above ask for without (Mesa's
    /// overlay does). Applications never see this: the loader answers them.
    global:
    b"vkGetInstanceProcAddr" => get_instance_proc_addr, vk::PFN_vkGetInstanceProcAddr;
    b"vkCreateInstance" => i::create_instance, vk::PFN_vkCreateInstance;
    b"vkCreateDevice" => i::create_device, vk::PFN_vkCreateDevice;
    b"vkEnumerateInstanceLayerProperties" => i::enumerate_layers,
        vk::PFN_vkEnumerateInstanceLayerProperties;
    b"vkEnumerateInstanceExtensionProperties" => i::enumerate_instance_extensions,
        vk::PFN_vkEnumerateInstanceExtensionProperties;
}

hooks! {
    /// Commands of an instance or a physical device.
    instance:
    b"vkDestroyInstance" => i::destroy_instance, vk::PFN_vkDestroyInstance;
    b"vkEnumerateDeviceLayerProperties" => i::enumerate_device_layers,
        vk::PFN_vkEnumerateDeviceLayerProperties;
    b"vkEnumerateDeviceExtensionProperties" => i::enumerate_device_extensions,
        vk::PFN_vkEnumerateDeviceExtensionProperties;
    b"vkGetPhysicalDeviceFeatures2" => i::features2, vk::PFN_vkGetPhysicalDeviceFeatures2;
    b"vkGetPhysicalDeviceFeatures2KHR" => i::features2, vk::PFN_vkGetPhysicalDeviceFeatures2;
    b"vkCreateXcbSurfaceKHR" => w::create_xcb, vk::PFN_vkCreateXcbSurfaceKHR;
    b"vkCreateXlibSurfaceKHR" => w::create_xlib, vk::PFN_vkCreateXlibSurfaceKHR;
    b"vkCreateWaylandSurfaceKHR" => w::create_wayland, vk::PFN_vkCreateWaylandSurfaceKHR;
    b"vkCreateHeadlessSurfaceEXT" => w::create_headless, vk::PFN_vkCreateHeadlessSurfaceEXT;
    b"vkDestroySurfaceKHR" => s::destroy, vk::PFN_vkDestroySurfaceKHR;
    b"vkGetPhysicalDeviceSurfaceSupportKHR" => s::support,
        vk::PFN_vkGetPhysicalDeviceSurfaceSupportKHR;
    b"vkGetPhysicalDeviceSurfaceCapabilitiesKHR" => s::capabilities,
        vk::PFN_vkGetPhysicalDeviceSurfaceCapabilitiesKHR;
    b"vkGetPhysicalDeviceSurfaceCapabilities2KHR" => s::capabilities2,
        vk::PFN_vkGetPhysicalDeviceSurfaceCapabilities2KHR;
    b"vkGetPhysicalDeviceSurfaceCapabilities2EXT" => s::capabilities_and_counters,
        vk::PFN_vkGetPhysicalDeviceSurfaceCapabilities2EXT;
    b"vkGetPhysicalDeviceSurfaceFormatsKHR" => s::formats,
        vk::PFN_vkGetPhysicalDeviceSurfaceFormatsKHR;
    b"vkGetPhysicalDeviceSurfaceFormats2KHR" => s::formats2,
        vk::PFN_vkGetPhysicalDeviceSurfaceFormats2KHR;
    b"vkGetPhysicalDeviceSurfacePresentModesKHR" => s::present_modes,
        vk::PFN_vkGetPhysicalDeviceSurfacePresentModesKHR;
    b"vkGetPhysicalDevicePresentRectanglesKHR" => s::present_rectangles,
        vk::PFN_vkGetPhysicalDevicePresentRectanglesKHR;
    b"vkGetPhysicalDeviceDisplayPropertiesKHR" => y::displays,
        vk::PFN_vkGetPhysicalDeviceDisplayPropertiesKHR;
    b"vkGetPhysicalDeviceDisplayProperties2KHR" => y::displays2,
        vk::PFN_vkGetPhysicalDeviceDisplayProperties2KHR;
    b"vkGetPhysicalDeviceDisplayPlanePropertiesKHR" => y::planes,
        vk::PFN_vkGetPhysicalDeviceDisplayPlanePropertiesKHR;
    b"vkGetPhysicalDeviceDisplayPlaneProperties2KHR" => y::planes2,
        vk::PFN_vkGetPhysicalDeviceDisplayPlaneProperties2KHR;
    b"vkGetDisplayPlaneSupportedDisplaysKHR" => y::plane_displays,
        vk::PFN_vkGetDisplayPlaneSupportedDisplaysKHR;
    b"vkGetDisplayModePropertiesKHR" => y::modes, vk::PFN_vkGetDisplayModePropertiesKHR;
    b"vkGetDisplayModeProperties2KHR" => y::modes2, vk::PFN_vkGetDisplayModeProperties2KHR;
    b"vkCreateDisplayModeKHR" => y::create_mode, vk::PFN_vkCreateDisplayModeKHR;
    b"vkGetDisplayPlaneCapabilitiesKHR" => y::plane_capabilities,
        vk::PFN_vkGetDisplayPlaneCapabilitiesKHR;
    b"vkGetDisplayPlaneCapabilities2KHR" => y::plane_capabilities2,
        vk::PFN_vkGetDisplayPlaneCapabilities2KHR;
    b"vkCreateDisplayPlaneSurfaceKHR" => y::create_surface, vk::PFN_vkCreateDisplayPlaneSurfaceKHR;
    b"vkReleaseDisplayEXT" => y::release, vk::PFN_vkReleaseDisplayEXT;
    b"vkAcquireXlibDisplayEXT" => y::acquire_xlib, vk::PFN_vkAcquireXlibDisplayEXT;
    b"vkAcquireDrmDisplayEXT" => y::acquire_drm, vk::PFN_vkAcquireDrmDisplayEXT;
    b"vkGetPhysicalDeviceXcbPresentationSupportKHR" => w::xcb_support,
        vk::PFN_vkGetPhysicalDeviceXcbPresentationSupportKHR;
    b"vkGetPhysicalDeviceXlibPresentationSupportKHR" => w::xlib_support,
        vk::PFN_vkGetPhysicalDeviceXlibPresentationSupportKHR;
    b"vkGetPhysicalDeviceWaylandPresentationSupportKHR" => w::wayland_support,
        vk::PFN_vkGetPhysicalDeviceWaylandPresentationSupportKHR;
}

hooks! {
    /// Commands of any device.
    device:
    b"vkGetDeviceProcAddr" => get_device_proc_addr, vk::PFN_vkGetDeviceProcAddr;
    b"vkDestroyDevice" => d::destroy_device, vk::PFN_vkDestroyDevice;
    b"vkCreateSwapchainKHR" => c::create, vk::PFN_vkCreateSwapchainKHR;
    b"vkDestroySwapchainKHR" => c::destroy, vk::PFN_vkDestroySwapchainKHR;
    b"vkGetSwapchainImagesKHR" => c::images, vk::PFN_vkGetSwapchainImagesKHR;
    b"vkAcquireNextImageKHR" => c::acquire, vk::PFN_vkAcquireNextImageKHR;
    b"vkAcquireNextImage2KHR" => c::acquire2, vk::PFN_vkAcquireNextImage2KHR;
    b"vkQueuePresentKHR" => c::present, vk::PFN_vkQueuePresentKHR;
    b"vkReleaseSwapchainImagesEXT" => c::release_images, vk::PFN_vkReleaseSwapchainImagesEXT;
    b"vkReleaseSwapchainImagesKHR" => c::release_images, vk::PFN_vkReleaseSwapchainImagesEXT;
    b"vkWaitForPresentKHR" => c::wait_for_present, vk::PFN_vkWaitForPresentKHR;
    b"vkWaitForPresent2KHR" => c::wait_for_present2, WaitForPresent2;
    b"vkGetDeviceGroupPresentCapabilitiesKHR" => c::group_capabilities,
        vk::PFN_vkGetDeviceGroupPresentCapabilitiesKHR;
    b"vkGetDeviceGroupSurfacePresentModesKHR" => c::group_modes,
        vk::PFN_vkGetDeviceGroupSurfacePresentModesKHR;
    b"vkSetDebugUtilsObjectNameEXT" => o::set_name, vk::PFN_vkSetDebugUtilsObjectNameEXT;
    b"vkSetDebugUtilsObjectTagEXT" => o::set_tag, vk::PFN_vkSetDebugUtilsObjectTagEXT;
    b"vkDebugMarkerSetObjectNameEXT" => o::marker_name, vk::PFN_vkDebugMarkerSetObjectNameEXT;
    b"vkDebugMarkerSetObjectTagEXT" => o::marker_tag, vk::PFN_vkDebugMarkerSetObjectTagEXT;
    b"vkSetPrivateData" => o::set_private_data, vk::PFN_vkSetPrivateData;
    b"vkSetPrivateDataEXT" => o::set_private_data, vk::PFN_vkSetPrivateData;
    b"vkGetPrivateData" => o::get_private_data, vk::PFN_vkGetPrivateData;
    b"vkGetPrivateDataEXT" => o::get_private_data, vk::PFN_vkGetPrivateData;
    b"vkDestroyPrivateDataSlot" => o::destroy_slot, vk::PFN_vkDestroyPrivateDataSlot;
    b"vkDestroyPrivateDataSlotEXT" => o::destroy_slot, vk::PFN_vkDestroyPrivateDataSlot;
}

hooks! {
    /// Commands of a device that presents: what could meet our own submits, or name a swapchain.
    presenting:
    b"vkDeviceWaitIdle" => q::device_wait_idle, vk::PFN_vkDeviceWaitIdle;
    b"vkGetDeviceQueue" => d::get_device_queue, vk::PFN_vkGetDeviceQueue;
    b"vkGetDeviceQueue2" => d::get_device_queue2, vk::PFN_vkGetDeviceQueue2;
    b"vkQueueSubmit" => q::submit, vk::PFN_vkQueueSubmit;
    b"vkQueueSubmit2" => q::submit2, vk::PFN_vkQueueSubmit2;
    b"vkQueueSubmit2KHR" => q::submit2, vk::PFN_vkQueueSubmit2;
    b"vkQueueBindSparse" => q::bind_sparse, vk::PFN_vkQueueBindSparse;
    b"vkQueueSetPerformanceConfigurationINTEL" => q::set_performance,
        vk::PFN_vkQueueSetPerformanceConfigurationINTEL;
    b"vkQueueWaitIdle" => q::wait_idle, vk::PFN_vkQueueWaitIdle;
    b"vkQueueBeginDebugUtilsLabelEXT" => q::begin_label, vk::PFN_vkQueueBeginDebugUtilsLabelEXT;
    b"vkQueueEndDebugUtilsLabelEXT" => q::end_label, vk::PFN_vkQueueEndDebugUtilsLabelEXT;
    b"vkQueueInsertDebugUtilsLabelEXT" => q::insert_label,
        vk::PFN_vkQueueInsertDebugUtilsLabelEXT;
    b"vkCreateImage" => m::create_image, vk::PFN_vkCreateImage;
    b"vkDestroyImage" => m::destroy_image, vk::PFN_vkDestroyImage;
    b"vkBindImageMemory2" => m::bind_image_memory2, vk::PFN_vkBindImageMemory2;
    b"vkBindImageMemory2KHR" => m::bind_image_memory2, vk::PFN_vkBindImageMemory2;
}

hooks! {
    /// Commands of a device that presents and whose driver has no layout `PRESENT_SRC_KHR`, but for those
    /// with barriers.
    layouts:
    b"vkCreateRenderPass" => r::create_render_pass, vk::PFN_vkCreateRenderPass;
    b"vkCreateRenderPass2" => r::create_render_pass2, vk::PFN_vkCreateRenderPass2;
    b"vkCreateRenderPass2KHR" => r::create_render_pass2, vk::PFN_vkCreateRenderPass2;
    b"vkTransitionImageLayout" => h::transition_layout, vk::PFN_vkTransitionImageLayoutEXT;
    b"vkTransitionImageLayoutEXT" => h::transition_layout, vk::PFN_vkTransitionImageLayoutEXT;
    b"vkCopyMemoryToImage" => h::copy_memory_to_image, vk::PFN_vkCopyMemoryToImageEXT;
    b"vkCopyMemoryToImageEXT" => h::copy_memory_to_image, vk::PFN_vkCopyMemoryToImageEXT;
    b"vkCopyImageToMemory" => h::copy_image_to_memory, vk::PFN_vkCopyImageToMemoryEXT;
    b"vkCopyImageToMemoryEXT" => h::copy_image_to_memory, vk::PFN_vkCopyImageToMemoryEXT;
    b"vkCopyImageToImage" => h::copy_image_to_image, vk::PFN_vkCopyImageToImageEXT;
    b"vkCopyImageToImageEXT" => h::copy_image_to_image, vk::PFN_vkCopyImageToImageEXT;
}

/// Commands that take a surface or swapchain and that we do not have. Nobody gets the driver's.
const HIDDEN: &[&[u8]] = &[
    b"vkCreateSharedSwapchainsKHR",
    b"vkGetSwapchainStatusKHR",
    b"vkSetHdrMetadataEXT",
    b"vkSetLocalDimmingAMD",
    b"vkGetRefreshCycleDurationGOOGLE",
    b"vkGetPastPresentationTimingGOOGLE",
    b"vkGetSwapchainCounterEXT",
    b"vkGetPhysicalDeviceSurfacePresentModes2EXT",
    b"vkGetDeviceGroupSurfacePresentModes2EXT",
    b"vkAcquireFullScreenExclusiveModeEXT",
    b"vkReleaseFullScreenExclusiveModeEXT",
    b"vkSetLatencySleepModeNV",
    b"vkLatencySleepNV",
    b"vkSetLatencyMarkerNV",
    b"vkGetLatencyTimingsNV",
    b"vkSetSwapchainPresentTimingQueueSizeEXT",
    b"vkGetSwapchainTimingPropertiesEXT",
    b"vkGetSwapchainTimeDomainPropertiesEXT",
    b"vkGetPastPresentationTimingEXT",
];

/// All that we hook where everything is left to the driver: what keeps us in the chain, and the list
/// that the loader adds ours to.
const PASSING: &[&[u8]] = &[
    b"vkDestroyInstance",
    b"vkEnumerateDeviceExtensionProperties",
    b"vkGetDeviceProcAddr",
    b"vkDestroyDevice",
];

/// What `vkGetInstanceProcAddr` answers.
pub(crate) fn for_instance(handle: vk::Instance, name: &CStr) -> vk::PFN_vkVoidFunction {
    let bytes = name.to_bytes();
    if let Some(hook) = global(bytes) {
        return Some(hook);
    }
    if handle == vk::Instance::null() {
        return None;
    }
    // SAFETY: VUID-vkGetInstanceProcAddr-instance-parameter.
    let state = unsafe { InstanceState::of(handle) }.ok()?;
    let hook = instance(bytes).or_else(|| device(bytes)).or_else(|| presenting(bytes));
    if state.passes {
        return hook.filter(|_| PASSING.contains(&bytes)).or_else(|| state.next(name));
    }
    match hook {
        Some(hook) => {
            let shown = state.enabled.provides(name).or_else(|| of_device_extension(bytes));
            shown.unwrap_or_else(|| state.next_has(name)).then_some(hook)
        }
        None if HIDDEN.contains(&bytes) => None,
        None => state.next(name),
    }
}

/// Whether a device may have the command by an extension of ours: an instance cannot know.
fn of_device_extension(name: &[u8]) -> Option<bool> {
    let has = |command: &&str| command.as_bytes() == name;
    DEVICE_EXTENSIONS.iter().any(|one| one.commands.iter().any(has)).then_some(true)
}

/// What `vkGetDeviceProcAddr` answers.
pub(crate) fn for_device(handle: vk::Device, name: &CStr) -> vk::PFN_vkVoidFunction {
    let bytes = name.to_bytes();
    if handle == vk::Device::null() {
        return None;
    }
    // SAFETY: VUID-vkGetDeviceProcAddr-device-parameter.
    let state = unsafe { DeviceState::of(handle) }.ok()?;
    if state.instance.passes {
        return device(bytes).filter(|_| PASSING.contains(&bytes)).or_else(|| state.next(name));
    }
    let rewrites = state.present_layout != vk::ImageLayout::PRESENT_SRC_KHR;
    let hook =
        device(bytes).or_else(|| presenting(bytes).filter(|_| state.presents)).or_else(|| {
            layouts(bytes).or_else(|| Barriers::<DeviceState>::hook(bytes)).filter(|_| rewrites)
        });
    match hook {
        Some(hook) => {
            let shown = state.enabled.provides(name);
            shown.unwrap_or_else(|| state.next(name).is_some()).then_some(hook)
        }
        None if HIDDEN.contains(&bytes) || instance(bytes).is_some() => None,
        None => state.next(name),
    }
}

#[cfg(test)]
mod tests {
    use zerohop_manifest::INSTANCE_EXTENSIONS;

    use super::*;

    /// Every command that the manifest promises has a hook of the right level.
    #[test]
    fn what_the_manifest_promises_is_there() {
        for extension in INSTANCE_EXTENSIONS {
            for name in extension.commands {
                assert!(instance(name.as_bytes()).is_some(), "{name}");
            }
        }
        for extension in DEVICE_EXTENSIONS {
            for name in extension.commands {
                let physical = name.starts_with("vkGetPhysicalDevice");
                let table = if physical { instance } else { device };
                assert!(table(name.as_bytes()).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn nothing_is_hooked_and_hidden() {
        for name in HIDDEN {
            let hooked = [global(name), instance(name), device(name), presenting(name)];
            assert!(hooked.iter().all(Option::is_none), "{}", String::from_utf8_lossy(name));
        }
    }
}
