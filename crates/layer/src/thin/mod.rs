//! What a layer needs that hooks a few commands and keeps little: its instances and devices, the commands
//! that make and end them, and the look-ups.

mod hooks;

use std::ffi::c_char;
use std::sync::Arc;

use ash::{khr, vk};

use crate::link::Next;
use crate::{DispatchKey, LayerError, Table, link, read_list};

pub use hooks::{get_device_proc_addr, get_instance_proc_addr};

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
