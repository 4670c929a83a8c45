//! Finding the next layer in what the loader hands to `vkCreateInstance` and `vkCreateDevice`.

use std::ffi::{CStr, c_void};
use std::mem;

use ash::vk;

use crate::abi::{
    DeviceCreate, DeviceLink, InstanceCreate, InstanceLink, LINK_INFO, LOADER_DATA_CALLBACK,
    SetDeviceLoaderData,
};
use crate::{LayerError, chain};

/// The next layer, as the loader names it.
#[derive(Clone, Copy)]
pub struct Next {
    /// `vkGetInstanceProcAddr` of the next layer.
    pub get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    /// `vkGetDeviceProcAddr` of the next layer. Only for a device.
    pub get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
    /// Where the loader keeps the link of whoever is called next, and what belongs there.
    slot: *mut *mut c_void,
    after: *mut c_void,
}

impl Next {
    /// Makes the chain ready for a call of the next layer. Needed before every attempt to create
    /// something, since each layer takes its link off.
    pub fn arm(&self) {
        // SAFETY: the loader owns the slot, keeps it for the whole `vkCreate*` call that we are
        // in, and expects each layer to advance it (LoaderLayerInterface.md, "Example Code for
        // CreateInstance").
        unsafe { *self.slot = self.after };
    }

    /// The next layer's command `name` as `F`.
    ///
    /// # Safety
    ///
    /// `F` is the `PFN_*` type of that command.
    pub unsafe fn instance_command<F: Copy>(
        &self,
        instance: vk::Instance,
        name: &CStr,
    ) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<fn()>()) };
        // SAFETY: `name` ends with a NUL; the instance is null or live.
        let found = unsafe { (self.get_instance_proc_addr)(instance, name.as_ptr()) }?;
        // SAFETY: the caller's promise; function pointers have one size.
        Some(unsafe { mem::transmute_copy(&found) })
    }

    /// The next layer's command `name`, null when there is none.
    pub fn raw_command(&self, instance: vk::Instance, name: &CStr) -> *const c_void {
        // SAFETY: `name` ends with a NUL; the instance is null or live.
        let found = unsafe { (self.get_instance_proc_addr)(instance, name.as_ptr()) };
        found.map_or(std::ptr::null(), |found| found as *const c_void)
    }

    /// The next layer's functions for `instance`. A command that it has only under the name of
    /// the extension it comes from is found there.
    pub fn instance(&self, instance: vk::Instance) -> ash::Instance {
        let find = |name: &CStr| or_alias(name, |name| self.raw_command(instance, name));
        // SAFETY: the next layer's answers for the commands that ash asks by name.
        unsafe { ash::Instance::load_with(find, instance) }
    }

    /// The next layer's device command `name`, null when there is none.
    pub fn raw_device_command(&self, device: vk::Device, name: &CStr) -> *const c_void {
        let Some(get) = self.get_device_proc_addr else { return std::ptr::null() };
        // SAFETY: `name` ends with a NUL; the device is live.
        let found = unsafe { get(device, name.as_ptr()) };
        found.map_or(std::ptr::null(), |found| found as *const c_void)
    }

    /// The next layer's device command as `F`, by the first of `names` that it knows.
    ///
    /// # Safety
    ///
    /// `F` is the `PFN_*` type of a command with these names.
    pub unsafe fn device_command<F: Copy>(&self, device: vk::Device, names: &[&CStr]) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<fn()>()) };
        let mut found = names.iter().map(|name| self.raw_device_command(device, name));
        let found = found.find(|found| !found.is_null())?;
        // SAFETY: the caller's promise; function pointers have one size.
        Some(unsafe { mem::transmute_copy(&found) })
    }

    /// An instance of which only `vkGetDeviceProcAddr` may be used: the next layer's. ash's
    /// extension tables take one.
    pub fn device_finder(&self, instance: vk::Instance) -> ash::Instance {
        let get = self.get_device_proc_addr.map_or(std::ptr::null(), |get| get as *const c_void);
        let find = |name: &CStr| match name.to_bytes() {
            b"vkGetDeviceProcAddr" => get,
            _ => std::ptr::null(),
        };
        // SAFETY: the type belongs to the name.
        unsafe { ash::Instance::load_with(find, instance) }
    }

    /// As [`Next::instance`], for a device.
    pub fn device(&self, device: vk::Device) -> ash::Device {
        let find = |name: &CStr| or_alias(name, |name| self.raw_device_command(device, name));
        // SAFETY: the next layer's answers for the commands that ash asks by name.
        unsafe { ash::Device::load_with(find, device) }
    }
}

/// Looks for `name`, and then for `nameKHR` and `nameEXT`: commands keep their meaning when they
/// become core.
fn or_alias(name: &CStr, find: impl Fn(&CStr) -> *const c_void) -> *const c_void {
    let suffixes: [&[u8]; 3] = [b"\0", b"KHR\0", b"EXT\0"];
    let names = suffixes.map(|suffix| [name.to_bytes(), suffix].concat());
    let names = names.iter().filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    names.map(find).find(|found| !found.is_null()).unwrap_or(std::ptr::null())
}

/// Has the next layer make an instance as the application asks for it: what it answers, and who it is.
///
/// # Errors
///
/// As [`instance_link`]; a next layer without the command.
///
/// # Safety
///
/// The arguments are those that a loader called `vkCreateInstance` with.
pub unsafe fn create_instance(
    info: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Instance,
) -> Result<(vk::Result, Next), LayerError> {
    // SAFETY: VUID-vkCreateInstance-pCreateInfo-parameter.
    let p_next = unsafe { (*info).p_next };
    // SAFETY: the chain is the loader's.
    let next = unsafe { instance_link(p_next) }?;
    next.arm();
    // SAFETY: the type belongs to the name.
    let create: Option<vk::PFN_vkCreateInstance> =
        unsafe { next.instance_command(vk::Instance::null(), c"vkCreateInstance") };
    let unknown =
        || LayerError::refused(vk::Result::ERROR_UNKNOWN, "the next layer has no vkCreateInstance");
    let create = create.ok_or_else(unknown)?;
    // SAFETY: the caller's arguments.
    Ok((unsafe { create(info, allocator, out) }, next))
}

/// The next layer, from the chain that starts at `p_next`.
///
/// # Errors
///
/// [`LayerError::Refused`] when a loader of another kind called us.
///
/// # Safety
///
/// `p_next` is the chain of the `VkInstanceCreateInfo` that `vkCreateInstance` got.
pub unsafe fn instance_link(p_next: *const c_void) -> Result<Next, LayerError> {
    let is_link = |base: *const vk::BaseInStructure<'_>| {
        // SAFETY: `sType` names the structure (`VkLayerInstanceCreateInfo`).
        unsafe { (*base.cast::<InstanceCreate>()).function == LINK_INFO }
    };
    let s_type = vk::StructureType::LOADER_INSTANCE_CREATE_INFO;
    // SAFETY: the caller's promise.
    let found = unsafe { chain::find(p_next, |base, kind| kind == s_type && is_link(base)) };
    let missing = || LayerError::no_link("vkCreateInstance");
    let info = found.ok_or_else(missing)?.cast_mut().cast::<InstanceCreate>();
    // SAFETY: the loader keeps the structure for the whole call.
    let slot: *mut *mut InstanceLink = unsafe { &raw mut (*info).u.link };
    // SAFETY: `function` says that the union holds the link.
    let ours = unsafe { *slot };
    // SAFETY: the loader made one link for every layer.
    let ours = unsafe { ours.as_ref() }.ok_or_else(missing)?;
    Ok(Next {
        get_instance_proc_addr: ours.get_instance_proc_addr.ok_or_else(missing)?,
        get_device_proc_addr: None,
        slot: slot.cast(),
        after: ours.next.cast(),
    })
}

/// As [`instance_link`], for `vkCreateDevice`.
///
/// # Errors
///
/// As [`instance_link`].
///
/// # Safety
///
/// `p_next` is the chain of the `VkDeviceCreateInfo` that `vkCreateDevice` got.
pub unsafe fn device_link(p_next: *const c_void) -> Result<Next, LayerError> {
    let missing = || LayerError::no_link("vkCreateDevice");
    // SAFETY: the caller's promise.
    let info = unsafe { device_create(p_next, LINK_INFO) }.ok_or_else(missing)?;
    // SAFETY: the loader keeps the structure for the whole call.
    let slot: *mut *mut DeviceLink = unsafe { &raw mut (*info.cast_mut()).u.link };
    // SAFETY: `function` says that the union holds the link.
    let ours = unsafe { *slot };
    // SAFETY: the loader made one link for every layer.
    let ours = unsafe { ours.as_ref() }.ok_or_else(missing)?;
    Ok(Next {
        get_instance_proc_addr: ours.get_instance_proc_addr.ok_or_else(missing)?,
        get_device_proc_addr: ours.get_device_proc_addr,
        slot: slot.cast(),
        after: ours.next.cast(),
    })
}

/// The loader's `PFN_vkSetDeviceLoaderData`.
///
/// # Safety
///
/// As [`device_link`].
pub unsafe fn set_device_loader_data(p_next: *const c_void) -> Option<SetDeviceLoaderData> {
    // SAFETY: the caller's promise.
    let info = unsafe { device_create(p_next, LOADER_DATA_CALLBACK) }?;
    // SAFETY: the loader keeps the structure for the whole call.
    let member = unsafe { (*info).u };
    // SAFETY: `function` says that this is the member.
    unsafe { member.set_loader_data }
}

/// # Safety
///
/// As [`device_link`].
unsafe fn device_create(p_next: *const c_void, function: i32) -> Option<*const DeviceCreate> {
    let is_it = |base: *const vk::BaseInStructure<'_>| {
        // SAFETY: `sType` names the structure (`VkLayerDeviceCreateInfo`).
        unsafe { (*base.cast::<DeviceCreate>()).function == function }
    };
    let s_type = vk::StructureType::LOADER_DEVICE_CREATE_INFO;
    // SAFETY: the caller's promise.
    let found = unsafe { chain::find(p_next, |base, kind| kind == s_type && is_it(base)) };
    found.map(|base| base.cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_command_is_found_under_the_name_of_its_extension() {
        let marks = [0u8; 2];
        let (core, alias) = ((&raw const marks[0]).cast(), (&raw const marks[1]).cast());
        let extension = |name: &CStr| -> *const c_void {
            match name.to_bytes() {
                b"vkSetPrivateDataEXT" | b"vkQueueSubmit2KHR" => alias,
                _ => std::ptr::null(),
            }
        };
        assert_eq!(or_alias(c"vkSetPrivateData", extension), alias);
        assert_eq!(or_alias(c"vkQueueSubmit2", extension), alias);
        assert_eq!(or_alias(c"vkSetPrivateData", |_| core), core);
        assert!(or_alias(c"vkCmdDraw", extension).is_null());
    }
}
