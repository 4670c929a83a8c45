//! Commands that make surfaces, and those that ask whether a window system can have any.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{LayerError, guard, guard_or, handle_of};

use crate::instance::InstanceState;
use crate::surface::{self as surfaces, Surface};

/// Remembers a surface of ours and hands its handle out.
///
/// # Safety
///
/// `instance` is live and `out` may be written.
pub(super) unsafe fn add(
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
