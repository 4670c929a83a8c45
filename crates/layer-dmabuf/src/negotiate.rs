//! The one exported symbol, and the two look-ups that it hands to the loader.

use std::ffi::{CStr, c_char};

use ash::vk;
use zerohop_layer::abi::NegotiateLayerInterface;
use zerohop_layer::{guard_or, negotiate};

use crate::commands;

/// Agrees with the loader on an interface.
///
/// # Safety
///
/// Called by a Vulkan loader, with null or a structure that it may write.
///
/// # References
///
/// Vulkan-Loader `docs/LoaderLayerInterface.md`, "Layer Version Negotiation".
#[allow(non_snake_case, reason = "the loader looks for this name")]
#[unsafe(no_mangle)]
pub unsafe extern "system" fn vkNegotiateLoaderLayerInterfaceVersion(
    interface: *mut NegotiateLayerInterface,
) -> vk::Result {
    // SAFETY: the caller's promise.
    unsafe { negotiate(interface, get_instance_proc_addr, Some(get_device_proc_addr)) }
}

/// `vkGetInstanceProcAddr`.
///
/// # Safety
///
/// As the command's valid usage says.
pub(crate) unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetInstanceProcAddr", None, || {
        // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
        let name = unsafe { CStr::from_ptr(name) };
        commands::for_instance(instance, name)
    })
}

/// `vkGetDeviceProcAddr`.
///
/// # Safety
///
/// As the command's valid usage says.
pub(crate) unsafe extern "system" fn get_device_proc_addr(
    device: vk::Device,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetDeviceProcAddr", None, || {
        // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
        let name = unsafe { CStr::from_ptr(name) };
        commands::for_device(device, name)
    })
}
