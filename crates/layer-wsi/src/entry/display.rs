//! Commands of displays, their modes and their planes. Each answers for ours, and hands on what is
//! about the driver's.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{LayerError, guard, write_list};

use crate::display::Display;
use crate::instance::InstanceState;
use crate::surface::Surface;

/// The properties of each of `displays`.
fn all<T>(displays: &[Arc<Display>], one: impl Fn(&Arc<Display>) -> T) -> Vec<T> {
    displays.iter().map(one).collect()
}

/// As [`write_list`], where the list's items are one member each of what is written.
///
/// # Safety
///
/// As [`write_list`].
unsafe fn write_members<T, U>(
    items: &[T],
    count: *mut u32,
    out: *mut U,
    put: impl Fn(&mut U, &T),
) -> vk::Result {
    if out.is_null() {
        // SAFETY: the caller's promise; nothing is copied.
        return unsafe { write_list::<u8>(&vec![0; items.len()], count, std::ptr::null_mut()) };
    }
    // SAFETY: the caller's promise.
    let count = unsafe { &mut *count };
    // SAFETY: the caller's promise.
    let room = unsafe { std::slice::from_raw_parts_mut(out, *count as usize) };
    room.iter_mut().zip(items).for_each(|(to, from)| put(to, from));
    let short = room.len() < items.len();
    *count = room.len().min(items.len()) as u32;
    if short { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS }
}

pub(crate) unsafe extern "system" fn displays(
    physical: vk::PhysicalDevice,
    count: *mut u32,
    out: *mut vk::DisplayPropertiesKHR<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceDisplayPropertiesKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayPropertiesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.displays(physical) else {
            let below = state.below.display.khr.get_physical_device_display_properties_khr;
            // SAFETY: the arguments are the application's, and the displays are not ours.
            return Ok(unsafe { below(physical, count, out) });
        };
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayPropertiesKHR-pProperties-parameter.
        Ok(unsafe { write_list(&all(&ours, Display::properties), count, out.cast()) })
    })
}

pub(crate) unsafe extern "system" fn displays2(
    physical: vk::PhysicalDevice,
    count: *mut u32,
    out: *mut vk::DisplayProperties2KHR<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceDisplayProperties2KHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayProperties2KHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.displays(physical) else {
            let below = state.below.display.khr2.get_physical_device_display_properties2_khr;
            // SAFETY: the arguments are the application's, and the displays are not ours.
            return Ok(unsafe { below(physical, count, out) });
        };
        let put = |to: &mut vk::DisplayProperties2KHR<'_>, from: &Arc<Display>| {
            to.display_properties = from.properties();
        };
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayProperties2KHR-pProperties-parameter.
        Ok(unsafe { write_members(&ours, count, out, put) })
    })
}

pub(crate) unsafe extern "system" fn planes(
    physical: vk::PhysicalDevice,
    count: *mut u32,
    out: *mut vk::DisplayPlanePropertiesKHR,
) -> vk::Result {
    guard("vkGetPhysicalDeviceDisplayPlanePropertiesKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayPlanePropertiesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.displays(physical) else {
            let below = state.below.display.khr.get_physical_device_display_plane_properties_khr;
            // SAFETY: the arguments are the application's, and the planes are not ours.
            return Ok(unsafe { below(physical, count, out) });
        };
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayPlanePropertiesKHR-pProperties-parameter.
        Ok(unsafe { write_list(&all(&ours, Display::plane), count, out) })
    })
}

pub(crate) unsafe extern "system" fn planes2(
    physical: vk::PhysicalDevice,
    count: *mut u32,
    out: *mut vk::DisplayPlaneProperties2KHR<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceDisplayPlaneProperties2KHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayPlaneProperties2KHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.displays(physical) else {
            let below = state.below.display.khr2.get_physical_device_display_plane_properties2_khr;
            // SAFETY: the arguments are the application's, and the planes are not ours.
            return Ok(unsafe { below(physical, count, out) });
        };
        let put = |to: &mut vk::DisplayPlaneProperties2KHR<'_>, from: &Arc<Display>| {
            to.display_plane_properties = from.plane();
        };
        // SAFETY: VUID-vkGetPhysicalDeviceDisplayPlaneProperties2KHR-pProperties-parameter.
        Ok(unsafe { write_members(&ours, count, out, put) })
    })
}

pub(crate) unsafe extern "system" fn plane_displays(
    physical: vk::PhysicalDevice,
    plane: u32,
    count: *mut u32,
    out: *mut vk::DisplayKHR,
) -> vk::Result {
    guard("vkGetDisplayPlaneSupportedDisplaysKHR", || {
        // SAFETY: VUID-vkGetDisplayPlaneSupportedDisplaysKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.displays(physical) else {
            let below = state.below.display.khr.get_display_plane_supported_displays_khr;
            // SAFETY: the arguments are the application's, and the plane is not ours.
            return Ok(unsafe { below(physical, plane, count, out) });
        };
        let its: Vec<_> =
            ours.get(plane as usize).map(zerohop_layer::handle_of).into_iter().collect();
        // SAFETY: VUID-vkGetDisplayPlaneSupportedDisplaysKHR-pDisplays-parameter.
        Ok(unsafe { write_list(&its, count, out) })
    })
}

pub(crate) unsafe extern "system" fn modes(
    physical: vk::PhysicalDevice,
    display: vk::DisplayKHR,
    count: *mut u32,
    out: *mut vk::DisplayModePropertiesKHR,
) -> vk::Result {
    guard("vkGetDisplayModePropertiesKHR", || {
        // SAFETY: VUID-vkGetDisplayModePropertiesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.display(display)? else {
            let below = state.below.display.khr.get_display_mode_properties_khr;
            // SAFETY: the arguments are the application's, and the display is not ours.
            return Ok(unsafe { below(physical, display, count, out) });
        };
        // SAFETY: VUID-vkGetDisplayModePropertiesKHR-pProperties-parameter.
        Ok(unsafe { write_list(&ours.modes(), count, out) })
    })
}

pub(crate) unsafe extern "system" fn modes2(
    physical: vk::PhysicalDevice,
    display: vk::DisplayKHR,
    count: *mut u32,
    out: *mut vk::DisplayModeProperties2KHR<'_>,
) -> vk::Result {
    guard("vkGetDisplayModeProperties2KHR", || {
        // SAFETY: VUID-vkGetDisplayModeProperties2KHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.display(display)? else {
            let below = state.below.display.khr2.get_display_mode_properties2_khr;
            // SAFETY: the arguments are the application's, and the display is not ours.
            return Ok(unsafe { below(physical, display, count, out) });
        };
        let put = |to: &mut vk::DisplayModeProperties2KHR<'_>, from: &_| {
            to.display_mode_properties = *from;
        };
        // SAFETY: VUID-vkGetDisplayModeProperties2KHR-pProperties-parameter.
        Ok(unsafe { write_members(&ours.modes(), count, out, put) })
    })
}

pub(crate) unsafe extern "system" fn create_mode(
    physical: vk::PhysicalDevice,
    display: vk::DisplayKHR,
    info: *const vk::DisplayModeCreateInfoKHR<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::DisplayModeKHR,
) -> vk::Result {
    guard("vkCreateDisplayModeKHR", || {
        // SAFETY: VUID-vkCreateDisplayModeKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.display(display)? else {
            let below = state.below.display.khr.create_display_mode_khr;
            // SAFETY: the arguments are the application's, and the display is not ours.
            return Ok(unsafe { below(physical, display, info, allocator, out) });
        };
        // SAFETY: VUID-vkCreateDisplayModeKHR-pCreateInfo-parameter.
        let mode = ours.mode(unsafe { &*info }.parameters)?;
        // SAFETY: VUID-vkCreateDisplayModeKHR-pMode-parameter.
        unsafe { *out = mode };
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn plane_capabilities(
    physical: vk::PhysicalDevice,
    mode: vk::DisplayModeKHR,
    plane: u32,
    out: *mut vk::DisplayPlaneCapabilitiesKHR,
) -> vk::Result {
    guard("vkGetDisplayPlaneCapabilitiesKHR", || {
        // SAFETY: VUID-vkGetDisplayPlaneCapabilitiesKHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let Some(ours) = state.mode(mode)? else {
            let below = state.below.display.khr.get_display_plane_capabilities_khr;
            // SAFETY: the arguments are the application's, and the mode is not ours.
            return Ok(unsafe { below(physical, mode, plane, out) });
        };
        // SAFETY: VUID-vkGetDisplayPlaneCapabilitiesKHR-pCapabilities-parameter.
        unsafe { *out = ours.plane_capabilities() };
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn plane_capabilities2(
    physical: vk::PhysicalDevice,
    info: *const vk::DisplayPlaneInfo2KHR<'_>,
    out: *mut vk::DisplayPlaneCapabilities2KHR<'_>,
) -> vk::Result {
    guard("vkGetDisplayPlaneCapabilities2KHR", || {
        // SAFETY: VUID-vkGetDisplayPlaneCapabilities2KHR-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkGetDisplayPlaneCapabilities2KHR-pDisplayPlaneInfo-parameter.
        let mode = unsafe { &*info }.mode;
        let Some(ours) = state.mode(mode)? else {
            let below = state.below.display.khr2.get_display_plane_capabilities2_khr;
            // SAFETY: the arguments are the application's, and the mode is not ours.
            return Ok(unsafe { below(physical, info, out) });
        };
        // SAFETY: VUID-vkGetDisplayPlaneCapabilities2KHR-pCapabilities-parameter.
        unsafe { &mut *out }.capabilities = ours.plane_capabilities();
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn create_surface(
    instance: vk::Instance,
    info: *const vk::DisplaySurfaceCreateInfoKHR<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SurfaceKHR,
) -> vk::Result {
    guard("vkCreateDisplayPlaneSurfaceKHR", || {
        // SAFETY: VUID-vkCreateDisplayPlaneSurfaceKHR-instance-parameter.
        let state = unsafe { InstanceState::of(instance) }?;
        // SAFETY: VUID-vkCreateDisplayPlaneSurfaceKHR-pCreateInfo-parameter.
        let asked = unsafe { &*info };
        let Some(ours) = state.mode(asked.display_mode)? else {
            let below = state.below.display.khr.create_display_plane_surface_khr;
            // SAFETY: the arguments are the application's, and the mode is not ours.
            return Ok(unsafe { below(instance, info, allocator, out) });
        };
        let surface = Surface::display(ours, asked)?;
        // SAFETY: VUID-vkCreateDisplayPlaneSurfaceKHR-pSurface-parameter.
        unsafe { super::window::add(instance, surface, out) }
    })
}

pub(crate) unsafe extern "system" fn release(
    physical: vk::PhysicalDevice,
    display: vk::DisplayKHR,
) -> vk::Result {
    guard("vkReleaseDisplayEXT", || {
        // SAFETY: VUID-vkReleaseDisplayEXT-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        match (state.display(display)?, state.below.display.release) {
            // SAFETY: the arguments are the application's, and the display is not ours.
            (None, Some(below)) => Ok(unsafe { below(physical, display) }),
            // Nobody has taken it.
            _ => Ok(vk::Result::SUCCESS),
        }
    })
}

pub(crate) unsafe extern "system" fn acquire_xlib(
    physical: vk::PhysicalDevice,
    connection: *mut vk::Display,
    display: vk::DisplayKHR,
) -> vk::Result {
    guard("vkAcquireXlibDisplayEXT", || {
        // SAFETY: VUID-vkAcquireXlibDisplayEXT-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        match (state.display(display)?, state.below.display.acquire_xlib) {
            // SAFETY: the arguments are the application's, and the display is not ours.
            (None, Some(below)) => Ok(unsafe { below(physical, connection, display) }),
            _ => Err(not_to_be_had("an X server")),
        }
    })
}

pub(crate) unsafe extern "system" fn acquire_drm(
    physical: vk::PhysicalDevice,
    fd: i32,
    display: vk::DisplayKHR,
) -> vk::Result {
    guard("vkAcquireDrmDisplayEXT", || {
        // SAFETY: VUID-vkAcquireDrmDisplayEXT-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        match (state.display(display)?, state.below.display.acquire_drm) {
            // SAFETY: the arguments are the application's, and the display is not ours.
            (None, Some(below)) => Ok(unsafe { below(physical, fd, display) }),
            _ => Err(not_to_be_had("a DRM master")),
        }
    })
}

fn not_to_be_had(from: &str) -> LayerError {
    let what = format!("the display is ours, and cannot be acquired from {from}");
    LayerError::refused(vk::Result::ERROR_INITIALIZATION_FAILED, what)
}
