//! The commands that tell less than the driver does, and those that find them.

use std::ffi::{CStr, c_char, c_void};
use std::mem;
use std::sync::atomic::AtomicU64;

use ash::vk;
use zerohop_layer::{LayerError, guard, guard_or, guard_void, link, read_list, write_list};

use crate::hidden::Hidden;
use crate::lost;
use crate::name;
use crate::state::{Device, Instance};

const UNKNOWN: vk::Result = vk::Result::ERROR_UNKNOWN;

pub(crate) fn unknown() -> LayerError {
    LayerError::refused(UNKNOWN, "a handle that was made without this layer")
}

macro_rules! hooks {
    ($name:expr; $($text:literal: $kind:ty = $hook:path,)*) => {
        match $name {
            $($text => {
                let hook: $kind = $hook;
                // SAFETY: function pointers have one size; the caller casts back by name.
                Some(unsafe { mem::transmute::<$kind, unsafe extern "system" fn()>(hook) })
            })*
            _ => None,
        }
    };
}

fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    type Xcb = unsafe extern "system" fn(vk::PhysicalDevice, u32, *mut c_void, u32) -> vk::Bool32;
    hooks! { name;
        b"vkGetInstanceProcAddr": vk::PFN_vkGetInstanceProcAddr = get_instance_proc_addr,
        b"vkCreateInstance": vk::PFN_vkCreateInstance = create_instance,
        b"vkDestroyInstance": vk::PFN_vkDestroyInstance = destroy_instance,
        b"vkCreateDevice": vk::PFN_vkCreateDevice = create_device,
        b"vkEnumerateDeviceExtensionProperties": vk::PFN_vkEnumerateDeviceExtensionProperties =
            extensions,
        b"vkGetPhysicalDeviceProperties": vk::PFN_vkGetPhysicalDeviceProperties = properties,
        b"vkGetPhysicalDeviceProperties2": vk::PFN_vkGetPhysicalDeviceProperties2 = properties2,
        b"vkGetPhysicalDeviceProperties2KHR": vk::PFN_vkGetPhysicalDeviceProperties2 = properties2,
    }
    .or_else(|| {
        if !Hidden::get().present {
            return None;
        }
        hooks! { name;
            b"vkGetPhysicalDeviceSurfaceSupportKHR": vk::PFN_vkGetPhysicalDeviceSurfaceSupportKHR =
                surface_support,
            b"vkGetPhysicalDeviceXcbPresentationSupportKHR": Xcb = window_support,
            b"vkGetPhysicalDeviceXlibPresentationSupportKHR": Xcb = window_support,
        }
    })
}

fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    hooks! { name;
        b"vkGetDeviceProcAddr": vk::PFN_vkGetDeviceProcAddr = get_device_proc_addr,
        b"vkDestroyDevice": vk::PFN_vkDestroyDevice = destroy_device,
    }
    .or_else(|| {
        Hidden::get().lost?;
        hooks! { name;
            b"vkQueueSubmit": vk::PFN_vkQueueSubmit = lost::submit,
            b"vkQueueSubmit2": vk::PFN_vkQueueSubmit2 = lost::submit2,
            b"vkQueueSubmit2KHR": vk::PFN_vkQueueSubmit2 = lost::submit2_khr,
            b"vkQueueWaitIdle": vk::PFN_vkQueueWaitIdle = lost::queue_idle,
            b"vkDeviceWaitIdle": vk::PFN_vkDeviceWaitIdle = lost::device_idle,
            b"vkWaitForFences": vk::PFN_vkWaitForFences = lost::fences,
            b"vkGetFenceStatus": vk::PFN_vkGetFenceStatus = lost::fence,
            b"vkWaitSemaphores": vk::PFN_vkWaitSemaphores = lost::semaphores,
            b"vkWaitSemaphoresKHR": vk::PFN_vkWaitSemaphores = lost::semaphores,
        }
    })
}

pub(crate) unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetInstanceProcAddr", None, || {
        // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
        let name = unsafe { CStr::from_ptr(name) };
        let ours = instance_hook(name.to_bytes()).or_else(|| device_hook(name.to_bytes()));
        if ours.is_some() || instance == vk::Instance::null() {
            return ours;
        }
        // SAFETY: VUID-vkGetInstanceProcAddr-instance-parameter.
        unsafe { Instance::of(instance) }?.next(name)
    })
}

pub(crate) unsafe extern "system" fn get_device_proc_addr(
    device: vk::Device,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetDeviceProcAddr", None, || {
        // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
        let name = unsafe { CStr::from_ptr(name) };
        device_hook(name.to_bytes()).or_else(|| {
            // SAFETY: VUID-vkGetDeviceProcAddr-device-parameter.
            unsafe { Device::of(device) }?.next(name)
        })
    })
}

unsafe extern "system" fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    guard("vkCreateInstance", || {
        // SAFETY: VUID-vkCreateInstance-pCreateInfo-parameter.
        let p_next = unsafe { (*info).p_next };
        // SAFETY: the chain is the loader's.
        let next = unsafe { link::instance_link(p_next) }?;
        next.arm();
        let null = vk::Instance::null();
        // SAFETY: the type belongs to the name.
        let create: Option<vk::PFN_vkCreateInstance> =
            unsafe { next.instance_command(null, c"vkCreateInstance") };
        let create = create.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        let code = unsafe { create(info, allocator, out) };
        if code == vk::Result::SUCCESS {
            // SAFETY: the next layer has just written it.
            let raw = unsafe { *out };
            let find = |name: &CStr| next.raw_command(raw, name);
            let surface = ash::khr::surface::InstanceFn::load(find);
            let get = next.get_instance_proc_addr;
            Instance { raw: next.instance(raw), get, surface }.keep();
        }
        Ok(code)
    })
}

unsafe extern "system" fn destroy_instance(
    instance: vk::Instance,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyInstance", || {
        if instance == vk::Instance::null() {
            return Ok(());
        }
        // SAFETY: VUID-vkDestroyInstance-instance-parameter.
        let state = unsafe { Instance::forget(instance) }.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().destroy_instance)(instance, allocator) };
        Ok(())
    });
}

/// The extensions that an application asks for.
///
/// # Safety
///
/// As the valid usage of `vkCreateDevice` says.
unsafe fn names<'a>(info: &vk::DeviceCreateInfo<'a>) -> Vec<&'a CStr> {
    let (first, count) = (info.pp_enabled_extension_names, info.enabled_extension_count);
    if count == 0 {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    let all = unsafe { std::slice::from_raw_parts(first, count as usize) };
    // SAFETY: the caller's promise.
    all.iter().map(|name| unsafe { CStr::from_ptr(*name) }).collect()
}

unsafe extern "system" fn create_device(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> vk::Result {
    guard("vkCreateDevice", || {
        // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        // SAFETY: VUID-vkCreateDevice-pCreateInfo-parameter.
        let asked = unsafe { &*info };
        // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
        for name in unsafe { names(asked) } {
            if Hidden::get().has(name) {
                let what = format!("{} is hidden", name.to_string_lossy());
                let code = vk::Result::ERROR_EXTENSION_NOT_PRESENT;
                return Err(LayerError::refused(code, what));
            }
        }
        // SAFETY: the chain is the loader's.
        let next = unsafe { link::device_link(asked.p_next) }?;
        next.arm();
        // SAFETY: the type belongs to the name.
        let create: Option<vk::PFN_vkCreateDevice> =
            unsafe { next.instance_command(instance.raw.handle(), c"vkCreateDevice") };
        let create = create.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        let code = unsafe { create(physical, info, allocator, out) };
        if code == vk::Result::SUCCESS {
            // SAFETY: the next layer has just written it.
            let raw = unsafe { *out };
            let get = next.get_device_proc_addr.ok_or_else(unknown)?;
            let find = |name: &CStr| {
                // SAFETY: the device is live, and the name ends with a NUL.
                let found = unsafe { get(raw, name.as_ptr()) };
                found.map_or(std::ptr::null(), |found| found as *const c_void)
            };
            let synchronization2 = ash::khr::synchronization2::DeviceFn::load(find);
            let submissions = AtomicU64::new(0);
            Device { raw: next.device(raw), get, synchronization2, submissions }.keep();
        }
        Ok(code)
    })
}

unsafe extern "system" fn destroy_device(
    device: vk::Device,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyDevice", || {
        if device == vk::Device::null() {
            return Ok(());
        }
        // SAFETY: VUID-vkDestroyDevice-device-parameter.
        let state = unsafe { Device::forget(device) }.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().destroy_device)(device, allocator) };
        Ok(())
    });
}

unsafe extern "system" fn extensions(
    physical: vk::PhysicalDevice,
    layer: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    guard("vkEnumerateDeviceExtensionProperties", || {
        // SAFETY: VUID-vkEnumerateDeviceExtensionProperties-physicalDevice-parameter.
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        let ask = instance.raw.fp_v1_0().enumerate_device_extension_properties;
        // SAFETY: `read_list` gives a count and room for as many.
        let all = read_list(|count, out| unsafe { ask(physical, layer, count, out) });
        let mut all = all.map_err(|code| LayerError::refused(code, "no list of extensions"))?;
        all.retain(|one| !Hidden::get().has(name(one)));
        // SAFETY: the caller's arguments.
        Ok(unsafe { write_list(&all, count, out) })
    })
}

unsafe extern "system" fn properties(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties,
) {
    guard_void("vkGetPhysicalDeviceProperties", || {
        // SAFETY: VUID-vkGetPhysicalDeviceProperties-physicalDevice-parameter.
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        unsafe { (instance.raw.fp_v1_0().get_physical_device_properties)(physical, out) };
        // SAFETY: it is filled in now.
        let out = unsafe { &mut *out };
        Hidden::get().trim(out);
        Ok(())
    });
}

unsafe extern "system" fn properties2(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties2<'_>,
) {
    guard_void("vkGetPhysicalDeviceProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceProperties2-physicalDevice-parameter.
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        unsafe { (instance.raw.fp_v1_1().get_physical_device_properties2)(physical, out) };
        // SAFETY: it is filled in now.
        let out = unsafe { &mut (*out).properties };
        Hidden::get().trim(out);
        Ok(())
    });
}

unsafe extern "system" fn surface_support(
    physical: vk::PhysicalDevice,
    family: u32,
    surface: vk::SurfaceKHR,
    out: *mut vk::Bool32,
) -> vk::Result {
    guard("vkGetPhysicalDeviceSurfaceSupportKHR", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceSupportKHR-physicalDevice-parameter.
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        let ask = instance.surface.get_physical_device_surface_support_khr;
        // SAFETY: the caller's arguments.
        let code = unsafe { ask(physical, family, surface, out) };
        // SAFETY: VUID-vkGetPhysicalDeviceSurfaceSupportKHR-pSupported-parameter.
        unsafe { *out = vk::FALSE };
        Ok(code)
    })
}

unsafe extern "system" fn window_support(
    _: vk::PhysicalDevice,
    _: u32,
    _: *mut c_void,
    _: u32,
) -> vk::Bool32 {
    vk::FALSE
}
