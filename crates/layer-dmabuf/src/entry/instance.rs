//! Commands of an instance, and the lists of extensions.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::{CStr, c_char};

use ash::vk;
use zerohop_layer::extensions::layer_properties;
use zerohop_layer::{LayerError, guard, guard_void, write_list};
use zerohop_manifest::DMABUF;

use crate::device;
use crate::instance::{self, InstanceState};

pub(crate) unsafe extern "system" fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    guard("vkCreateInstance", || {
        // SAFETY: VUID-vkCreateInstance-pCreateInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: the loader called us with them.
        unsafe { instance::create(info, allocator, out) }?;
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn destroy_instance(
    instance: vk::Instance,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyInstance", || {
        if instance != vk::Instance::null() {
            // SAFETY: the command's own valid usage.
            unsafe { instance::destroy(instance, allocator) };
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn create_device(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> vk::Result {
    guard("vkCreateDevice", || {
        // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
        let instance = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkCreateDevice-pCreateInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: the loader called us with them.
        unsafe { device::create(&instance, physical, info, allocator, out) }?;
        Ok(vk::Result::SUCCESS)
    })
}

/// Our own entry. The loader asks its manifests instead.
pub(crate) unsafe extern "system" fn enumerate_layers(
    count: *mut u32,
    out: *mut vk::LayerProperties,
) -> vk::Result {
    guard("vkEnumerateInstanceLayerProperties", || {
        // SAFETY: VUID-vkEnumerateInstanceLayerProperties-pProperties-parameter.
        Ok(unsafe { write_list(&[layer_properties(&DMABUF)], count, out) })
    })
}

pub(crate) unsafe extern "system" fn enumerate_device_layers(
    _physical: vk::PhysicalDevice,
    count: *mut u32,
    out: *mut vk::LayerProperties,
) -> vk::Result {
    // SAFETY: VUID-vkEnumerateDeviceLayerProperties-pProperties-parameter.
    unsafe { enumerate_layers(count, out) }
}

/// Our own list, for our own name: we add nothing to instances.
pub(crate) unsafe extern "system" fn enumerate_instance_extensions(
    layer: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    guard("vkEnumerateInstanceExtensionProperties", || {
        // SAFETY: VUID-vkEnumerateInstanceExtensionProperties-pLayerName-parameter.
        let layer = (!layer.is_null()).then(|| unsafe { CStr::from_ptr(layer) });
        if layer.is_none_or(|name| name.to_bytes() != DMABUF.name.as_bytes()) {
            let what = format!("asked for the extensions of {layer:?}");
            return Err(LayerError::refused(vk::Result::ERROR_LAYER_NOT_PRESENT, what));
        }
        // SAFETY: VUID-vkEnumerateInstanceExtensionProperties-pProperties-parameter.
        Ok(unsafe { write_list(&[], count, out) })
    })
}

pub(crate) unsafe extern "system" fn enumerate_device_extensions(
    physical: vk::PhysicalDevice,
    layer: *const c_char,
    count: *mut u32,
    out: *mut vk::ExtensionProperties,
) -> vk::Result {
    guard("vkEnumerateDeviceExtensionProperties", || {
        // SAFETY: VUID-vkEnumerateDeviceExtensionProperties-physicalDevice-parameter.
        let instance = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkEnumerateDeviceExtensionProperties-pLayerName-parameter.
        let layer = (!layer.is_null()).then(|| unsafe { CStr::from_ptr(layer) });
        let Some(list) = instance::extensions(&instance, physical, layer)? else {
            let enumerate = instance.raw.fp_v1_0().enumerate_device_extension_properties;
            let layer = layer.map_or(std::ptr::null(), CStr::as_ptr);
            // SAFETY: another layer's list; the arguments are the application's.
            return Ok(unsafe { enumerate(physical, layer, count, out) });
        };
        // SAFETY: VUID-vkEnumerateDeviceExtensionProperties-pProperties-parameter.
        Ok(unsafe { write_list(&list, count, out) })
    })
}
