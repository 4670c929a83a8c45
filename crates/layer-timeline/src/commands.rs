//! The commands of instances.

use std::ffi::{CStr, c_char};

use ash::{khr, vk};
use zerohop_layer::link::Next;
use zerohop_layer::thin::Thin as _;
use zerohop_layer::{LayerError, chain, guard, guard_void, hooks, slice, write_list};

use crate::state::Device;
use crate::{DISGUISE, device as d};

const NAME: &CStr = khr::external_semaphore_fd::NAME;

hooks! {
    /// Of instances.
    pub(crate) instance:
    b"vkEnumerateDeviceExtensionProperties" => extensions,
        vk::PFN_vkEnumerateDeviceExtensionProperties;
    b"vkGetPhysicalDeviceProperties" => properties, vk::PFN_vkGetPhysicalDeviceProperties;
    b"vkGetPhysicalDeviceProperties2" | b"vkGetPhysicalDeviceProperties2KHR" => properties2,
        vk::PFN_vkGetPhysicalDeviceProperties2;
    b"vkGetPhysicalDeviceExternalSemaphoreProperties"
    | b"vkGetPhysicalDeviceExternalSemaphorePropertiesKHR" => semaphore_properties,
        vk::PFN_vkGetPhysicalDeviceExternalSemaphoreProperties;
}

hooks! {
    /// Of devices.
    pub(crate) device:
    b"vkCreateSemaphore" => d::create_semaphore, vk::PFN_vkCreateSemaphore;
    b"vkDestroySemaphore" => d::destroy_semaphore, vk::PFN_vkDestroySemaphore;
    b"vkGetSemaphoreFdKHR" => d::get_semaphore_fd, vk::PFN_vkGetSemaphoreFdKHR;
    b"vkImportSemaphoreFdKHR" => d::import_semaphore_fd, vk::PFN_vkImportSemaphoreFdKHR;
}

fn has(all: &[vk::ExtensionProperties]) -> bool {
    all.iter().any(|one| one.extension_name_as_c_str() == Ok(NAME))
}

unsafe extern "system" fn extensions(
    physical: vk::PhysicalDevice,
    layer: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    guard("vkEnumerateDeviceExtensionProperties", || {
        // SAFETY: VUID-vkEnumerateDeviceExtensionProperties-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        // SAFETY: the caller's arguments.
        let mut all = unsafe { instance.extensions(physical, layer) }?;
        if layer.is_null() && !has(&all) {
            let mut ours = vk::ExtensionProperties { spec_version: 1, ..Default::default() };
            for (to, from) in ours.extension_name.iter_mut().zip(NAME.to_bytes()) {
                *to = *from as c_char;
            }
            all.push(ours);
        }
        // SAFETY: the caller's arguments.
        Ok(unsafe { write_list(&all, count, out) })
    })
}

unsafe extern "system" fn semaphore_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalSemaphoreInfo<'_>,
    out: *mut vk::ExternalSemaphoreProperties<'_>,
) {
    guard_void("vkGetPhysicalDeviceExternalSemaphoreProperties", || {
        // SAFETY: VUID-vkGetPhysicalDeviceExternalSemaphoreProperties-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        let ask = instance.raw.fp_v1_1().get_physical_device_external_semaphore_properties;
        // SAFETY: the caller's arguments.
        unsafe { ask(physical, info, out) };
        // SAFETY: VUID-...-pExternalSemaphoreInfo-parameter.
        let info = unsafe { &*info };
        let opaque = vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;
        // SAFETY: the chain is the application's.
        let kind = unsafe { chain::get::<vk::SemaphoreTypeCreateInfo<'_>>(info.p_next) };
        if info.handle_type == opaque
            && kind.is_some_and(|kind| kind.semaphore_type == vk::SemaphoreType::TIMELINE)
        {
            // SAFETY: VUID-...-pExternalSemaphoreProperties-parameter.
            let out = unsafe { &mut *out };
            out.export_from_imported_handle_types = opaque;
            out.compatible_handle_types = opaque;
            out.external_semaphore_features = vk::ExternalSemaphoreFeatureFlags::EXPORTABLE
                | vk::ExternalSemaphoreFeatureFlags::IMPORTABLE;
        }
        Ok(())
    });
}

/// Keeps our extension from a driver that lacks it.
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
    // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
    let instance = unsafe { Device::tables().instance(physical) }?;
    // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
    let drivers = has(&unsafe { instance.extensions(physical, std::ptr::null()) }?);
    // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
    let asked = unsafe { slice(info.pp_enabled_extension_names, info.enabled_extension_count) };
    // SAFETY: as above.
    let ours = |name: &*const c_char| unsafe { CStr::from_ptr(*name) } == NAME;
    let names: Vec<_> = asked.iter().filter(|name| drivers || !ours(name)).copied().collect();
    let down = info.enabled_extension_names(&names);
    let enabled = drivers && asked.iter().any(ours);
    let own = |next: &Next, raw: ash::Device, get| {
        let find = |name: &CStr| next.raw_device_command(raw.handle(), name);
        let theirs = enabled.then(|| khr::external_semaphore_fd::DeviceFn::load(find));
        Device::new(raw, get, theirs)
    };
    // SAFETY: the caller's arguments, with names that live in this function.
    unsafe { Device::tables().create_device(physical, &down, allocator, out, own) }
}

/// The device's kind, as far as the environment says that it is another.
fn disguise(found: &mut vk::PhysicalDeviceProperties) {
    if std::env::var_os(DISGUISE).is_some_and(|it| it == "1") {
        found.device_type = vk::PhysicalDeviceType::INTEGRATED_GPU;
    }
}

unsafe extern "system" fn properties(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties,
) {
    guard_void("vkGetPhysicalDeviceProperties", || {
        // SAFETY: VUID-vkGetPhysicalDeviceProperties-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        // SAFETY: the caller's arguments.
        unsafe { (instance.raw.fp_v1_0().get_physical_device_properties)(physical, out) };
        // SAFETY: it is filled in now.
        disguise(unsafe { &mut *out });
        Ok(())
    });
}

unsafe extern "system" fn properties2(
    physical: vk::PhysicalDevice,
    out: *mut vk::PhysicalDeviceProperties2<'_>,
) {
    guard_void("vkGetPhysicalDeviceProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceProperties2-physicalDevice-parameter.
        let instance = unsafe { Device::tables().instance(physical) }?;
        // SAFETY: the caller's arguments.
        unsafe { (instance.raw.fp_v1_1().get_physical_device_properties2)(physical, out) };
        // SAFETY: it is filled in now.
        disguise(unsafe { &mut (*out).properties });
        Ok(())
    });
}
