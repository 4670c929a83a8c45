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

/// `entry! { vkNegotiateLoaderLayerInterfaceVersion, for_instance, for_device }`: the one exported
/// symbol of a layer, under a name that its manifest tells where it is another, and the two look-ups
/// that it hands to the loader: `get_instance_proc_addr` and `get_device_proc_addr`, over functions
/// from a handle and a name to a command.
///
/// `entry! { zerohop_hide_negotiate: Device }`: the same of a [thin](crate::thin) layer, whose look-ups
/// are those of all of them.
#[macro_export]
macro_rules! entry {
    ($symbol:ident: $thin:ty) => {
        $crate::entry! {
            @symbol $symbol,
            $crate::thin::get_instance_proc_addr::<$thin>,
            $crate::thin::get_device_proc_addr::<$thin>
        }
    };
    (@symbol $symbol:ident, $get_instance_proc_addr:expr, $get_device_proc_addr:expr) => {
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
        pub unsafe extern "system" fn $symbol(
            interface: *mut $crate::abi::NegotiateLayerInterface,
        ) -> ::ash::vk::Result {
            // SAFETY: the caller's promise.
            unsafe {
                $crate::negotiate(interface, $get_instance_proc_addr, Some($get_device_proc_addr))
            }
        }
    };
    ($symbol:ident, $for_instance:expr, $for_device:expr) => {
        $crate::entry! { @symbol $symbol, get_instance_proc_addr, get_device_proc_addr }

        /// `vkGetInstanceProcAddr`.
        ///
        /// # Safety
        ///
        /// As the command's valid usage says.
        pub(crate) unsafe extern "system" fn get_instance_proc_addr(
            instance: ::ash::vk::Instance,
            name: *const ::std::ffi::c_char,
        ) -> ::ash::vk::PFN_vkVoidFunction {
            $crate::guard_or("vkGetInstanceProcAddr", None, || {
                // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
                $for_instance(instance, unsafe { ::std::ffi::CStr::from_ptr(name) })
            })
        }

        /// `vkGetDeviceProcAddr`.
        ///
        /// # Safety
        ///
        /// As the command's valid usage says.
        pub(crate) unsafe extern "system" fn get_device_proc_addr(
            device: ::ash::vk::Device,
            name: *const ::std::ffi::c_char,
        ) -> ::ash::vk::PFN_vkVoidFunction {
            $crate::guard_or("vkGetDeviceProcAddr", None, || {
                // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
                $for_device(device, unsafe { ::std::ffi::CStr::from_ptr(name) })
            })
        }
    };
}
