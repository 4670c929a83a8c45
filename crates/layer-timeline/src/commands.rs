//! The commands of instances, and those that find commands.

use std::ffi::{CStr, c_char};
use std::mem;

use ash::{khr, vk};
use zerohop_layer::{LayerError, chain, guard, guard_or, guard_void, link, read_list, write_list};

use crate::DISGUISE;
use crate::device;
use crate::state::{Device, Instance};

const NAME: &CStr = khr::external_semaphore_fd::NAME;

pub(crate) fn unknown() -> LayerError {
    LayerError::refused(vk::Result::ERROR_UNKNOWN, "a handle that was made without this layer")
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
        b"vkGetPhysicalDeviceExternalSemaphoreProperties":
            vk::PFN_vkGetPhysicalDeviceExternalSemaphoreProperties = semaphore_properties,
        b"vkGetPhysicalDeviceExternalSemaphorePropertiesKHR":
            vk::PFN_vkGetPhysicalDeviceExternalSemaphoreProperties = semaphore_properties,
    }
}

fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    hooks! { name;
        b"vkGetDeviceProcAddr": vk::PFN_vkGetDeviceProcAddr = get_device_proc_addr,
        b"vkDestroyDevice": vk::PFN_vkDestroyDevice = device::destroy_device,
        b"vkCreateSemaphore": vk::PFN_vkCreateSemaphore = device::create_semaphore,
        b"vkDestroySemaphore": vk::PFN_vkDestroySemaphore = device::destroy_semaphore,
        b"vkGetSemaphoreFdKHR": vk::PFN_vkGetSemaphoreFdKHR = device::get_semaphore_fd,
        b"vkImportSemaphoreFdKHR": vk::PFN_vkImportSemaphoreFdKHR = device::import_semaphore_fd,
    }
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
            Instance { raw: next.instance(raw), get: next.get_instance_proc_addr }.keep();
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

/// What the next layer lists.
fn below(
    instance: &Instance,
    physical: vk::PhysicalDevice,
    layer: *const c_char,
) -> Result<Vec<vk::ExtensionProperties>, LayerError> {
    let ask = instance.raw.fp_v1_0().enumerate_device_extension_properties;
    // SAFETY: `read_list` gives a count and room for as many.
    let all = read_list(|count, out| unsafe { ask(physical, layer, count, out) });
    all.map_err(|code| LayerError::refused(code, "no list of extensions"))
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
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        let mut all = below(&instance, physical, layer)?;
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
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
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
        let info = unsafe { &*info };
        let drivers = has(&below(&instance, physical, std::ptr::null())?);
        // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
        let asked = unsafe {
            zerohop_layer::slice(info.pp_enabled_extension_names, info.enabled_extension_count)
        };
        // SAFETY: as above.
        let ours = |name: &*const c_char| unsafe { CStr::from_ptr(*name) } == NAME;
        let names: Vec<_> = asked.iter().filter(|name| drivers || !ours(name)).copied().collect();
        let down = info.enabled_extension_names(&names);
        // SAFETY: the chain is the loader's.
        let next = unsafe { link::device_link(info.p_next) }?;
        next.arm();
        // SAFETY: the type belongs to the name.
        let create: Option<vk::PFN_vkCreateDevice> =
            unsafe { next.instance_command(instance.raw.handle(), c"vkCreateDevice") };
        let create = create.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments, with names that live in this function.
        let code = unsafe { create(physical, &down, allocator, out) };
        if code == vk::Result::SUCCESS {
            // SAFETY: the next layer has just written it.
            let raw = unsafe { *out };
            let get = next.get_device_proc_addr.ok_or_else(unknown)?;
            let find = |name: &CStr| next.raw_device_command(raw, name);
            let enabled = drivers && asked.iter().any(ours);
            let below = enabled.then(|| khr::external_semaphore_fd::DeviceFn::load(find));
            Device::new(next.device(raw), get, below).keep();
        }
        Ok(code)
    })
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
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
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
        let instance = unsafe { Instance::of(physical) }.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        unsafe { (instance.raw.fp_v1_1().get_physical_device_properties2)(physical, out) };
        // SAFETY: it is filled in now.
        disguise(unsafe { &mut (*out).properties });
        Ok(())
    });
}
