//! Commands of a surface.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{LayerError, guard, guard_or, guard_void, handle_of, write_list};

use crate::instance::InstanceState;
use crate::surface::capabilities as caps;
use crate::surface::{self as surfaces, Surface, formats as supported};

/// Remembers a surface of ours and hands its handle out.
///
/// # Safety
///
/// `instance` is live and `out` may be written.
unsafe fn add(
    instance: vk::Instance,
    surface: Arc<Surface>,
    out: *mut vk::SurfaceKHR,
) -> Result<vk::Result, LayerError> {
    // SAFETY: the caller's promise.
    let state = unsafe { InstanceState::of(instance) }?;
    let handle = handle_of(&surface);
    state.surfaces.insert(handle, surface);
    // SAFETY: the caller's promise.
    unsafe { *out = handle };
    Ok(vk::Result::SUCCESS)
}

pub(crate) unsafe extern "system" fn create_xcb(
    instance: vk::Instance,
    info: *const vk::XcbSurfaceCreateInfoKHR<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SurfaceKHR,
) -> vk::Result {
    guard("vkCreateXcbSurfaceKHR", || {
        // SAFETY: VUID-vkCreateXcbSurfaceKHR-pCreateInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: VUID-VkXcbSurfaceCreateInfoKHR-connection-01310.
        let surface = unsafe { Surface::xcb(info.connection.cast(), info.window) }?;
        // SAFETY: VUID-vkCreateXcbSurfaceKHR-pSurface-parameter.
        unsafe { add(instance, surface, out) }
    })
}

pub(crate) unsafe extern "system" fn create_xlib(
    instance: vk::Instance,
    info: *const vk::XlibSurfaceCreateInfoKHR<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SurfaceKHR,
) -> vk::Result {
    guard("vkCreateXlibSurfaceKHR", || {
        // SAFETY: VUID-vkCreateXlibSurfaceKHR-pCreateInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: VUID-VkXlibSurfaceCreateInfoKHR-dpy-01313.
        let surface = unsafe { Surface::xlib(info.dpy.cast(), info.window) }?;
        // SAFETY: VUID-vkCreateXlibSurfaceKHR-pSurface-parameter.
        unsafe { add(instance, surface, out) }
    })
}

pub(crate) unsafe extern "system" fn create_wayland(
    instance: vk::Instance,
    info: *const vk::WaylandSurfaceCreateInfoKHR<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SurfaceKHR,
) -> vk::Result {
    guard("vkCreateWaylandSurfaceKHR", || {
        // SAFETY: VUID-vkCreateWaylandSurfaceKHR-pCreateInfo-parameter.
        let surface = Surface::wayland(unsafe { &*info }.surface.cast());
        // SAFETY: VUID-vkCreateWaylandSurfaceKHR-pSurface-parameter.
        unsafe { add(instance, surface, out) }
    })
}

pub(crate) unsafe extern "system" fn create_headless(
    instance: vk::Instance,
    _info: *const vk::HeadlessSurfaceCreateInfoEXT<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SurfaceKHR,
) -> vk::Result {
    guard("vkCreateHeadlessSurfaceEXT", || {
        // SAFETY: VUID-vkCreateHeadlessSurfaceEXT-pSurface-parameter.
        unsafe { add(instance, Surface::headless(), out) }
    })
}

pub(crate) unsafe extern "system" fn destroy(
    instance: vk::Instance,
    surface: vk::SurfaceKHR,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroySurfaceKHR", || {
        // SAFETY: VUID-vkDestroySurfaceKHR-instance-parameter.
        let state = unsafe { InstanceState::of(instance) }?;
        if state.surfaces.remove(&surface).is_none() && state.foreign_surfaces {
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

pub(crate) unsafe extern "system" fn xcb_support(
    physical: vk::PhysicalDevice,
    family: u32,
    connection: *mut vk::xcb_connection_t,
    visual: vk::xcb_visualid_t,
) -> vk::Bool32 {
    // SAFETY: VUID-vkGetPhysicalDeviceXcbPresentationSupportKHR-connection-parameter.
    let presents = || unsafe { surfaces::xcb_presents(connection.cast(), visual) };
    // SAFETY: VUID-vkGetPhysicalDeviceXcbPresentationSupportKHR-physicalDevice-parameter.
    unsafe { family_presents(physical, family, presents) }
}

pub(crate) unsafe extern "system" fn xlib_support(
    physical: vk::PhysicalDevice,
    family: u32,
    display: *mut vk::Display,
    visual: vk::VisualID,
) -> vk::Bool32 {
    // SAFETY: VUID-vkGetPhysicalDeviceXlibPresentationSupportKHR-dpy-parameter.
    let presents = || unsafe { surfaces::xlib_presents(display.cast(), visual) };
    // SAFETY: VUID-vkGetPhysicalDeviceXlibPresentationSupportKHR-physicalDevice-parameter.
    unsafe { family_presents(physical, family, presents) }
}

pub(crate) unsafe extern "system" fn wayland_support(
    physical: vk::PhysicalDevice,
    family: u32,
    _display: *mut vk::wl_display,
) -> vk::Bool32 {
    // SAFETY: VUID-vkGetPhysicalDeviceWaylandPresentationSupportKHR-physicalDevice-parameter.
    unsafe { family_presents(physical, family, || true) }
}

/// Whether a queue family of `physical` and, if so, a window system can present.
///
/// # Safety
///
/// `physical` is live.
unsafe fn family_presents(
    physical: vk::PhysicalDevice,
    family: u32,
    window_system: impl FnOnce() -> bool,
) -> vk::Bool32 {
    guard_or("vkGetPhysicalDevice*PresentationSupportKHR", vk::FALSE, || {
        // SAFETY: the caller's promise.
        let state = unsafe { InstanceState::of(physical) };
        let known = state.and_then(|state| state.physical(physical));
        (known.is_ok_and(|known| known.presents_from(family)) && window_system()).into()
    })
}
