//! What a layer needs that hooks a few commands and keeps little: its instances and devices, the commands
//! that make and end them, and the look-ups.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::ffi::{CStr, c_char};
use std::sync::Arc;

use ash::{khr, vk};

use crate::link::Next;
use crate::{DispatchKey, LayerError, Table, guard, guard_or, guard_void, hooks, link, read_list};

/// A device of such a layer.
pub trait Thin: Send + Sync + Sized + 'static {
    /// Where the layer's instances and devices are.
    fn tables() -> &'static Tables<Self>;

    /// The layer's own hook of a command of instances, by its name.
    fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction;

    /// The layer's own hook of a command of devices.
    fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction;

    /// `vkCreateDevice`, by [`Tables::create_device`].
    ///
    /// # Errors
    ///
    /// What is refused, and as there.
    ///
    /// # Safety
    ///
    /// The arguments are those of a valid call.
    unsafe fn create(
        physical: vk::PhysicalDevice,
        info: &vk::DeviceCreateInfo<'_>,
        allocator: *const vk::AllocationCallbacks<'_>,
        out: *mut vk::Device,
    ) -> Result<vk::Result, LayerError>;

    /// The next layer's functions, and its `vkGetDeviceProcAddr`.
    fn below(&self) -> (&ash::Device, vk::PFN_vkGetDeviceProcAddr);

    /// The device ends now.
    fn end(&self) {}
}

/// Instances and devices.
pub struct Tables<D: 'static> {
    instances: Table<DispatchKey, Below>,
    devices: Table<DispatchKey, D>,
}

/// What is below one `VkInstance`. It is found when the instance is made, since later the loader of
/// Vulkan 1.3.239 would answer with what is on top.
pub struct Below {
    /// The next layer's functions.
    pub raw: ash::Instance,
    /// And those of `VK_KHR_surface`.
    pub surface: khr::surface::InstanceFn,
    get: vk::PFN_vkGetInstanceProcAddr,
}

fn unknown() -> LayerError {
    LayerError::refused(vk::Result::ERROR_UNKNOWN, "a handle that was made without this layer")
}

impl<D: Thin> Tables<D> {
    /// Nothing yet.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self { instances: Table::new(), devices: Table::new() }
    }

    /// What is below the instance of `handle`: an instance or a physical device.
    ///
    /// # Errors
    ///
    /// For one that was made without the layer.
    ///
    /// # Safety
    ///
    /// It is live.
    pub unsafe fn instance<H: vk::Handle>(&self, handle: H) -> Result<Arc<Below>, LayerError> {
        // SAFETY: the caller's promise.
        self.instances.get(&unsafe { DispatchKey::of(handle) }).ok_or_else(unknown)
    }

    /// The device of `handle`: a device, a queue or a command buffer.
    ///
    /// # Errors
    ///
    /// As [`instance`](Self::instance).
    ///
    /// # Safety
    ///
    /// As [`instance`](Self::instance).
    pub unsafe fn device<H: vk::Handle>(&self, handle: H) -> Result<Arc<D>, LayerError> {
        // SAFETY: the caller's promise.
        self.devices.get(&unsafe { DispatchKey::of(handle) }).ok_or_else(unknown)
    }

    /// `vkCreateDevice`, as far as it is the same for all: `own` makes what the layer keeps of a device.
    ///
    /// # Errors
    ///
    /// The loader's chain is not one; an instance of somebody else's.
    ///
    /// # Safety
    ///
    /// The arguments are those of a valid call.
    pub unsafe fn create_device(
        &self,
        physical: vk::PhysicalDevice,
        info: &vk::DeviceCreateInfo<'_>,
        allocator: *const vk::AllocationCallbacks<'_>,
        out: *mut vk::Device,
        own: impl FnOnce(&Next, ash::Device, vk::PFN_vkGetDeviceProcAddr) -> D,
    ) -> Result<vk::Result, LayerError> {
        // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
        let instance = unsafe { self.instance(physical) }?;
        // SAFETY: the chain is the loader's.
        let next = unsafe { link::device_link(info.p_next) }?;
        next.arm();
        // SAFETY: the type belongs to the name.
        let create: Option<vk::PFN_vkCreateDevice> =
            unsafe { next.instance_command(instance.raw.handle(), c"vkCreateDevice") };
        let create = create.ok_or_else(unknown)?;
        let get = next.get_device_proc_addr.ok_or_else(unknown)?;
        // SAFETY: the caller's arguments.
        let code = unsafe { create(physical, info, allocator, out) };
        if code == vk::Result::SUCCESS {
            // SAFETY: the next layer has just written it.
            let raw = unsafe { *out };
            // SAFETY: and just made it.
            let key = unsafe { DispatchKey::of(raw) };
            self.devices.insert(key, Arc::new(own(&next, next.device(raw), get)));
        }
        Ok(code)
    }
}

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

impl Below {
    /// The extensions that the next layer lists.
    ///
    /// # Errors
    ///
    /// What it says.
    ///
    /// # Safety
    ///
    /// The arguments are those of a valid call of `vkEnumerateDeviceExtensionProperties`.
    pub unsafe fn extensions(
        &self,
        physical: vk::PhysicalDevice,
        layer: *const c_char,
    ) -> Result<Vec<vk::ExtensionProperties>, LayerError> {
        let ask = self.raw.fp_v1_0().enumerate_device_extension_properties;
        // SAFETY: the caller's promise; `read_list` gives a count and room for as many.
        let all = read_list(|count, out| unsafe { ask(physical, layer, count, out) });
        all.map_err(|code| LayerError::refused(code, "no list of extensions"))
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
