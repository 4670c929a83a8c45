//! Commands of a surface that is there.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{guard, guard_void, write_list};

use crate::instance::InstanceState;
use crate::surface::capabilities as caps;
use crate::surface::formats as supported;

pub(crate) unsafe extern "system" fn destroy(
    instance: vk::Instance,
    surface: vk::SurfaceKHR,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroySurfaceKHR", || {
        // SAFETY: VUID-vkDestroySurfaceKHR-instance-parameter.
        let state = unsafe { InstanceState::of(instance) }?;
        if let Some(ours) = state.surfaces.remove(&surface) {
            ours.end();
        } else if state.foreign_surfaces {
            // SAFETY: the arguments are the application's, and the surface is not ours.
            unsafe { (state.below.surface.destroy_surface_khr)(instance, surface, allocator) };
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn support(
    physical: vk::PhysicalDevice,
    family: u32,
    surface: vk::SurfaceKHR,
    out: *mut vk::Bool32,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceSupportKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceSupportKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.surface.get_physical_device_surface_support_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, family, surface, out) });
        };
        state.tell_decision(physical, Some(&ours));
        let yes = state.physical(physical)?.presents_from(family) && ours.is_presentable();
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceSupportKHR-pSupported-parameter.
        unsafe { *out = yes.into() };
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn capabilities(
    physical: vk::PhysicalDevice,
    surface: vk::SurfaceKHR,
    out: *mut vk::SurfaceCapabilitiesKHR,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceCapabilitiesKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilitiesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.surface.get_physical_device_surface_capabilities_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, surface, out) });
        };
        let answer = caps::capabilities(&*state.physical(physical)?, &ours, None)?;
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilitiesKHR-pSurfaceCapabilities-parameter.
        unsafe { *out = answer };
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn capabilities2(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceSurfaceInfo2KHR<'_>,
    out: *mut vk::SurfaceCapabilities2KHR<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceCapabilities2KHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilities2KHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilities2KHR-pSurfaceInfo-parameter.
        let query = unsafe { &*info };
        let Some(ours) = state.surface(query.surface)? else {
            let below = state.below.capabilities2.get_physical_device_surface_capabilities2_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, info, out) });
        };
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilities2KHR-pSurfaceCapabilities-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: both chains are the application's (VUID-*-pNext-pNext).
        unsafe { caps::fill(&*state.physical(physical)?, &ours, query.p_next, out) }?;
        Ok(vk::Result::SUCCESS)
    })
}

/// `VK_EXT_display_surface_counter` is a driver's; a surface of ours has no counters.
pub(crate) unsafe extern "system" fn capabilities_and_counters(
    physical: vk::PhysicalDevice,
    surface: vk::SurfaceKHR,
    out: *mut vk::SurfaceCapabilities2EXT<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceCapabilities2EXT", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilities2EXT-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.counters.get_physical_device_surface_capabilities2_ext;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, surface, out) });
        };
        let it = caps::capabilities(&*state.physical(physical)?, &ours, None)?;
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceCapabilities2EXT-pSurfaceCapabilities-parameter.
        let out = unsafe { &mut *out };
        caps::fill_counters(out, &it);
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn formats(
    physical: vk::PhysicalDevice,
    surface: vk::SurfaceKHR,
    count: *mut u32,
    out: *mut vk::SurfaceFormatKHR,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceFormatsKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormatsKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.surface.get_physical_device_surface_formats_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, surface, count, out) });
        };
        let list = supported::formats(&*state.physical(physical)?, &ours)?;
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormatsKHR-pSurfaceFormats-parameter.
        Ok(unsafe { write_list(&list, count, out) })
    })
}

pub(crate) unsafe extern "system" fn formats2(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceSurfaceInfo2KHR<'_>,
    count: *mut u32,
    out: *mut vk::SurfaceFormat2KHR<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceFormats2KHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormats2KHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormats2KHR-pSurfaceInfo-parameter.
        let surface = unsafe { &*info }.surface;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.capabilities2.get_physical_device_surface_formats2_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, info, count, out) });
        };
        let list = supported::formats(&*state.physical(physical)?, &ours)?;
        if out.is_null() {
            // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormats2KHR-pSurfaceFormatCount-parameter.
            return Ok(unsafe { write_list(&list, count, std::ptr::null_mut()) });
        }
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormats2KHR-pSurfaceFormatCount-parameter.
        let count = unsafe { &mut *count };
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceFormats2KHR-pSurfaceFormats-parameter.
        let room = unsafe { std::slice::from_raw_parts_mut(out, *count as usize) };
        for (to, from) in room.iter_mut().zip(&list) {
            to.surface_format = *from;
        }
        let short = room.len() < list.len();
        *count = room.len().min(list.len()) as u32;
        Ok(if short { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS })
    })
}

pub(crate) unsafe extern "system" fn present_modes(
    physical: vk::PhysicalDevice,
    surface: vk::SurfaceKHR,
    count: *mut u32,
    out: *mut vk::PresentModeKHR,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfacePresentModesKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfacePresentModesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.surface.get_physical_device_surface_present_modes_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, surface, count, out) });
        };
        // SAFETY: VUID-vkGetPhysicalDeviceSurfacePresentModesKHR-pPresentModes-parameter.
        Ok(unsafe { write_list(caps::present_modes(&ours), count, out) })
    })
}

pub(crate) unsafe extern "system" fn present_rectangles(
    physical: vk::PhysicalDevice,
    surface: vk::SurfaceKHR,
    count: *mut u32,
    out: *mut vk::Rect2D,
) -> vk::Result {
    guard("vkGetPhysicalDevicePresentRectanglesKHR", || {
        // SAFETY: VUID-vkGetPhysicalDevicePresentRectanglesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.surface(surface)? else {
            let below = state.below.swapchain.get_physical_device_present_rectangles_khr;
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { below(physical, surface, count, out) });
        };
        let extent = caps::capabilities(&*state.physical(physical)?, &ours, None)?.current_extent;
        let whole = vk::Rect2D { offset: vk::Offset2D::default(), extent };
        // SAFETY: VUID-vkGetPhysicalDevicePresentRectanglesKHR-pRects-parameter.
        Ok(unsafe { write_list(&[whole], count, out) })
    })
}
