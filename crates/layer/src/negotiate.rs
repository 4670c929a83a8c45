//! Agreeing with the loader on an interface.

use ash::vk;

use crate::abi::{INTERFACE_VERSION, NEGOTIATE_INTERFACE, NegotiateLayerInterface};

/// What `vkNegotiateLoaderLayerInterfaceVersion` does: agrees on version 2 of the layer interface,
/// the one that hands the look-ups over in this call. A layer without commands of devices has
/// no `get_device_proc_addr`, and loaders leave it out of the chains of devices.
///
/// # Safety
///
/// `interface` is null or a structure that may be written.
///
/// # References
///
/// Vulkan-Loader `docs/LoaderLayerInterface.md`, "Layer Version Negotiation".
pub unsafe fn negotiate(
    interface: *mut NegotiateLayerInterface,
    get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
) -> vk::Result {
    // SAFETY: the caller's promise.
    let Some(interface) = (unsafe { interface.as_mut() }) else {
        return vk::Result::ERROR_INITIALIZATION_FAILED;
    };
    if interface.s_type != NEGOTIATE_INTERFACE || interface.interface_version < INTERFACE_VERSION {
        return vk::Result::ERROR_INITIALIZATION_FAILED;
    }
    interface.interface_version = INTERFACE_VERSION;
    interface.get_instance_proc_addr = Some(get_instance_proc_addr);
    interface.get_device_proc_addr = get_device_proc_addr;
    interface.get_physical_device_proc_addr = None;
    vk::Result::SUCCESS
}
