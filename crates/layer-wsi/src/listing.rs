//! `VK_LAYER_ZEROHOP_listing`: lets applications see the instance extensions of
//! `VK_LAYER_ZEROHOP_wsi` before they have an instance, and does nothing else.
//!
//! Loaders list what implicit layers add, but not what explicit ones do, and put implicit layers
//! above all others. So where the user has explicit layers, which want to be nearer to the
//! application than ours, this one lists and the explicit one below them works.

use std::ffi::{CStr, c_char};
use std::mem;

use ash::vk;
use zerohop_layer::abi::NegotiateLayerInterface;
use zerohop_layer::{DispatchKey, LayerError, Table, guard, guard_or, guard_void, link, negotiate};

/// What each instance has below.
static INSTANCES: Table<DispatchKey, vk::PFN_vkGetInstanceProcAddr> = Table::new();

/// Agrees with the loader on an interface: without device commands this layer is in no device's way
/// (the loader leaves it out of the chain).
///
/// # Safety
///
/// Called by a Vulkan loader, with null or a structure that it may write.
///
/// # References
///
/// Vulkan-Loader `docs/LoaderLayerInterface.md`, "Layer Version Negotiation".
#[unsafe(no_mangle)]
pub unsafe extern "system" fn zerohop_listing_negotiate(
    interface: *mut NegotiateLayerInterface,
) -> vk::Result {
    // SAFETY: the caller's promise.
    unsafe { negotiate(interface, get_instance_proc_addr, None) }
}

/// `vkGetInstanceProcAddr`: what makes and ends instances is ours, the rest that of whoever is below.
///
/// # Safety
///
/// As the command's valid usage says.
unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetInstanceProcAddr", None, || {
        // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
        let command = unsafe { CStr::from_ptr(name) };
        let ours = ours(command.to_bytes());
        if ours.is_some() || instance == vk::Instance::null() {
            return ours;
        }
        // SAFETY: VUID-vkGetInstanceProcAddr-instance-parameter.
        let below = INSTANCES.get(&unsafe { DispatchKey::of(instance) })?;
        // SAFETY: the caller's arguments.
        unsafe { below(instance, name) }
    })
}

fn ours(name: &[u8]) -> vk::PFN_vkVoidFunction {
    type Any = unsafe extern "system" fn();
    // SAFETY, of all: function pointers have one size; the caller casts back by name.
    match name {
        b"vkGetInstanceProcAddr" => {
            // SAFETY: as said.
            Some(unsafe {
                mem::transmute::<vk::PFN_vkGetInstanceProcAddr, Any>(get_instance_proc_addr)
            })
        }
        b"vkCreateInstance" => {
            // SAFETY: as said.
            Some(unsafe { mem::transmute::<vk::PFN_vkCreateInstance, Any>(create_instance) })
        }
        b"vkDestroyInstance" => {
            // SAFETY: as said.
            Some(unsafe { mem::transmute::<vk::PFN_vkDestroyInstance, Any>(destroy_instance) })
        }
        _ => None,
    }
}

/// # Safety
///
/// As the command's valid usage says; called by a loader.
unsafe extern "system" fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    guard("vkCreateInstance", || {
        // SAFETY: the loader called us with them.
        let (code, next) = unsafe { link::create_instance(info, allocator, out) }?;
        if code == vk::Result::SUCCESS {
            // SAFETY: the next layer has just written it.
            let made = unsafe { *out };
            // SAFETY: it is live.
            let key = unsafe { DispatchKey::of(made) };
            INSTANCES.insert(key, next.get_instance_proc_addr.into());
        }
        Ok(code)
    })
}

/// # Safety
///
/// As the command's valid usage says.
unsafe extern "system" fn destroy_instance(
    instance: vk::Instance,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyInstance", || {
        if instance == vk::Instance::null() {
            return Ok(());
        }
        // SAFETY: VUID-vkDestroyInstance-instance-parameter.
        let key = unsafe { DispatchKey::of(instance) };
        let below = INSTANCES.remove(&key).ok_or_else(unknown)?;
        // SAFETY: `below` is the next layer's, for this instance.
        let destroy = unsafe { below(instance, c"vkDestroyInstance".as_ptr()) };
        let destroy = destroy.ok_or_else(unknown)?;
        // SAFETY: the type belongs to the name.
        let destroy: vk::PFN_vkDestroyInstance = unsafe { mem::transmute(destroy) };
        // SAFETY: the caller's arguments.
        unsafe { destroy(instance, allocator) };
        Ok(())
    });
}

fn unknown() -> LayerError {
    LayerError::refused(vk::Result::ERROR_UNKNOWN, "an instance that was made without this layer")
}
