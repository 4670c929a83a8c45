//! The commands that tell less than the driver does.

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::AtomicU64;

use ash::vk;
use zerohop_layer::link::Next;
use zerohop_layer::thin::Thin as _;
use zerohop_layer::{LayerError, guard, guard_void, hooks, slice, write_list};

use crate::hidden::Hidden;
use crate::state::{Device, below};
use crate::{lost, memory, name};

type Xcb = unsafe extern "system" fn(vk::PhysicalDevice, u32, *mut c_void, u32) -> vk::Bool32;

hooks! {
    /// Always.
    instance:
    b"vkEnumerateDeviceExtensionProperties" => extensions,
        vk::PFN_vkEnumerateDeviceExtensionProperties;
    b"vkGetPhysicalDeviceProperties" => properties, vk::PFN_vkGetPhysicalDeviceProperties;
    b"vkGetPhysicalDeviceProperties2" | b"vkGetPhysicalDeviceProperties2KHR" => properties2,
        vk::PFN_vkGetPhysicalDeviceProperties2;
}

hooks! {
    /// Where no queue presents.
    presents:
    b"vkGetPhysicalDeviceSurfaceSupportKHR" => surface_support,
        vk::PFN_vkGetPhysicalDeviceSurfaceSupportKHR;
    b"vkGetPhysicalDeviceXcbPresentationSupportKHR"
    | b"vkGetPhysicalDeviceXlibPresentationSupportKHR" => window_support,
        Xcb;
}

hooks! {
    /// Where the device gets lost.
    lost:
    b"vkQueueSubmit" => lost::submit, vk::PFN_vkQueueSubmit;
    b"vkQueueSubmit2" => lost::submit2, vk::PFN_vkQueueSubmit2;
    b"vkQueueSubmit2KHR" => lost::submit2_khr, vk::PFN_vkQueueSubmit2;
    b"vkQueueWaitIdle" => lost::queue_idle, vk::PFN_vkQueueWaitIdle;
    b"vkDeviceWaitIdle" => lost::device_idle, vk::PFN_vkDeviceWaitIdle;
    b"vkWaitForFences" => lost::fences, vk::PFN_vkWaitForFences;
    b"vkGetFenceStatus" => lost::fence, vk::PFN_vkGetFenceStatus;
    b"vkWaitSemaphores" | b"vkWaitSemaphoresKHR" => lost::semaphores, vk::PFN_vkWaitSemaphores;
}

hooks! {
    /// Where memory ends.
    memory:
    b"vkAllocateMemory" => memory::allocate, vk::PFN_vkAllocateMemory;
}

pub(crate) fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    instance(name).or_else(|| Hidden::get().present.then(|| presents(name)).flatten())
}

pub(crate) fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    let hidden = Hidden::get();
    hidden.lost.and_then(|_| lost(name)).or_else(|| hidden.memory.and_then(|_| memory(name)))
}

/// Refuses what is hidden.
///
/// # Safety
///
/// The arguments are those of a valid call of `vkCreateDevice`.
pub(crate) unsafe fn create_device(
    physical: vk::PhysicalDevice,
    info: &vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> Result<vk::Result, LayerError> {
    // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
    let asked = unsafe { slice(info.pp_enabled_extension_names, info.enabled_extension_count) };
    for name in asked {
        // SAFETY: as above.
        let name = unsafe { CStr::from_ptr(*name) };
        if Hidden::get().has(name) {
            let what = format!("{} is hidden", name.to_string_lossy());
            return Err(LayerError::refused(vk::Result::ERROR_EXTENSION_NOT_PRESENT, what));
        }
    }
    let own = |next: &Next, raw: ash::Device, get| {
        let find = |name: &CStr| next.raw_device_command(raw.handle(), name);
        let synchronization2 = ash::khr::synchronization2::DeviceFn::load(find);
        let [submissions, allocations] = [const { AtomicU64::new(0) }; 2];
        Device { raw, get, synchronization2, submissions, allocations }
    };
    // SAFETY: the caller's arguments.
    unsafe { Device::tables().create_device(physical, info, allocator, out, own) }
}

unsafe extern "system" fn extensions(
    physical: vk::PhysicalDevice,
    layer: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    guard("vkEnumerateDeviceExtensionProperties", || {
        // SAFETY: VUID-vkEnumerateDeviceExtensionProperties-physicalDevice-parameter.
        let instance = unsafe { below(physical) }?;
        // SAFETY: the caller's arguments.
        let mut all = unsafe { instance.extensions(physical, layer) }?;
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
        let instance = unsafe { below(physical) }?;
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
        let instance = unsafe { below(physical) }?;
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
        let instance = unsafe { below(physical) }?;
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
