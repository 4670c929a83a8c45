//! What every thin layer hooks.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::{CStr, c_char};
use std::sync::Arc;

use ash::{khr, vk};

use super::{Below, Tables, Thin, unknown};
use crate::{DispatchKey, guard, guard_or, guard_void, hooks, link};

impl<D: Thin> Tables<D> {
    hooks! {
        /// What every such layer hooks of instances.
        instance_hook:
        b"vkGetInstanceProcAddr" => get_instance_proc_addr::<D>, vk::PFN_vkGetInstanceProcAddr;
        b"vkCreateInstance" => create_instance::<D>, vk::PFN_vkCreateInstance;
        b"vkDestroyInstance" => destroy_instance::<D>, vk::PFN_vkDestroyInstance;
        b"vkCreateDevice" => create_device::<D>, vk::PFN_vkCreateDevice;
    }

    hooks! {
        /// And of devices.
        device_hook:
        b"vkGetDeviceProcAddr" => get_device_proc_addr::<D>, vk::PFN_vkGetDeviceProcAddr;
        b"vkDestroyDevice" => destroy_device::<D>, vk::PFN_vkDestroyDevice;
    }
}

/// `vkGetInstanceProcAddr`.
pub unsafe extern "system" fn get_instance_proc_addr<D: Thin>(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetInstanceProcAddr", None, || {
        // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
        let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
        let ours = Tables::<D>::instance_hook(bytes).or_else(|| D::instance_hook(bytes));
        let ours = ours.or_else(|| device_command::<D>(bytes));
        if ours.is_some() || instance == vk::Instance::null() {
            return ours;
        }
        // SAFETY: VUID-vkGetInstanceProcAddr-instance-parameter.
        let below = unsafe { D::tables().instance(instance) }.ok()?;
        // SAFETY: the instance is live, and `name` ends with a NUL.
        unsafe { (below.get)(instance, name) }
    })
}

/// `vkGetDeviceProcAddr`.
pub unsafe extern "system" fn get_device_proc_addr<D: Thin>(
    device: vk::Device,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    guard_or("vkGetDeviceProcAddr", None, || {
        // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
        device_command::<D>(unsafe { CStr::from_ptr(name) }.to_bytes()).or_else(|| {
            // SAFETY: VUID-vkGetDeviceProcAddr-device-parameter.
            let state = unsafe { D::tables().device(device) }.ok()?;
            // SAFETY: the device is live, and `name` ends with a NUL.
            unsafe { (state.below().1)(device, name) }
        })
    })
}

/// A command of devices that the layer hooks.
fn device_command<D: Thin>(name: &[u8]) -> vk::PFN_vkVoidFunction {
    Tables::<D>::device_hook(name).or_else(|| D::device_hook(name))
}

/// `vkCreateInstance`.
unsafe extern "system" fn create_instance<D: Thin>(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    guard("vkCreateInstance", || {
        // SAFETY: the loader called us with them.
        let (code, next) = unsafe { link::create_instance(info, allocator, out) }?;
        if code == vk::Result::SUCCESS {
            // SAFETY: the next layer has just written it.
            let raw = unsafe { *out };
            let surface = khr::surface::InstanceFn::load(|name| next.raw_command(raw, name));
            let get = next.get_instance_proc_addr;
            // SAFETY: and just made it.
            let key = unsafe { DispatchKey::of(raw) };
            let below = Below { raw: next.instance(raw), surface, get };
            D::tables().instances.insert(key, Arc::new(below));
        }
        Ok(code)
    })
}

/// `vkDestroyInstance`.
unsafe extern "system" fn destroy_instance<D: Thin>(
    instance: vk::Instance,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyInstance", || {
        if instance == vk::Instance::null() {
            return Ok(());
        }
        // SAFETY: VUID-vkDestroyInstance-instance-parameter.
        let key = unsafe { DispatchKey::of(instance) };
        let below = D::tables().instances.remove(&key).ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        unsafe { (below.raw.fp_v1_0().destroy_instance)(instance, allocator) };
        Ok(())
    });
}

/// `vkCreateDevice`.
unsafe extern "system" fn create_device<D: Thin>(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> vk::Result {
    guard("vkCreateDevice", || {
        // SAFETY: VUID-vkCreateDevice-pCreateInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: the caller's arguments.
        unsafe { D::create(physical, info, allocator, out) }
    })
}

/// `vkDestroyDevice`.
unsafe extern "system" fn destroy_device<D: Thin>(
    device: vk::Device,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyDevice", || {
        if device == vk::Device::null() {
            return Ok(());
        }
        // SAFETY: VUID-vkDestroyDevice-device-parameter.
        let key = unsafe { DispatchKey::of(device) };
        let state = D::tables().devices.remove(&key).ok_or_else(unknown)?;
        state.end();
        // SAFETY: the caller's arguments.
        unsafe { (state.below().0.fp_v1_0().destroy_device)(device, allocator) };
        Ok(())
    });
}
