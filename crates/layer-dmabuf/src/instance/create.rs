//! `vkCreateInstance` and its end. An instance is made as the application asks for it.

use std::sync::Arc;

use ash::vk;
use zerohop_layer::link::{self, Next};
use zerohop_layer::{DispatchKey, Doing, LayerError, Table};

use super::{INSTANCES, InstanceState};

/// Creates an instance in the next layer and remembers it.
///
/// # Errors
///
/// What the next layer reports.
///
/// # Safety
///
/// `info` is what `vkCreateInstance` got from the loader, and so are the others.
pub(crate) unsafe fn create(
    info: &vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> Result<(), LayerError> {
    // SAFETY: the caller's promise.
    let next = unsafe { link::instance_link(info.p_next) }?;
    next.arm();
    // SAFETY: the type belongs to the name.
    let create: Option<vk::PFN_vkCreateInstance> =
        unsafe { next.instance_command(vk::Instance::null(), c"vkCreateInstance") };
    let create = create.ok_or(vk::Result::ERROR_INITIALIZATION_FAILED).doing("find the driver")?;
    // SAFETY: the arguments are the application's; `out` may hold something of the loader's.
    unsafe { create(info, allocator, out) }.result().doing("create the instance")?;
    // SAFETY: the next layer has just written it.
    remember(unsafe { *out }, &next);
    Ok(())
}

fn remember(raw: vk::Instance, next: &Next) {
    let instance = next.instance(raw);
    let has = |names: [&std::ffi::CStr; 2]| {
        names.iter().any(|name| !next.raw_command(raw, name).is_null())
    };
    let state = InstanceState {
        raw: instance,
        get_instance_proc_addr: next.get_instance_proc_addr,
        has_queries: has([
            c"vkGetPhysicalDeviceImageFormatProperties2",
            c"vkGetPhysicalDeviceImageFormatProperties2KHR",
        ]) && has([
            c"vkGetPhysicalDeviceExternalBufferProperties",
            c"vkGetPhysicalDeviceExternalBufferPropertiesKHR",
        ]),
        has_sync_queries: has([
            c"vkGetPhysicalDeviceExternalSemaphoreProperties",
            c"vkGetPhysicalDeviceExternalSemaphorePropertiesKHR",
        ]) && has([
            c"vkGetPhysicalDeviceExternalFenceProperties",
            c"vkGetPhysicalDeviceExternalFencePropertiesKHR",
        ]),
        emulations: Table::new(),
        sync_fds: Table::new(),
    };
    // SAFETY: the next layer has just made it.
    let key = unsafe { DispatchKey::of(raw) };
    INSTANCES.insert(key, Arc::new(state));
}

/// Forgets an instance and destroys it in the next layer.
///
/// # Safety
///
/// As `vkDestroyInstance`.
pub(crate) unsafe fn destroy(
    instance: vk::Instance,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    // SAFETY: the caller's promise; the handle is live until the next layer destroys it.
    let key = unsafe { DispatchKey::of(instance) };
    if let Some(state) = INSTANCES.remove(&key) {
        // SAFETY: the caller's promise.
        unsafe { (state.raw.fp_v1_0().destroy_instance)(instance, allocator) };
    }
}
