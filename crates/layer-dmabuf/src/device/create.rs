//! `vkCreateDevice` and its end: what goes down, and what stays here.

use std::ffi::{CStr, c_void};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use ash::{ext, khr, vk};
use zerohop_kernel::Memfd;
use zerohop_layer::extensions::names;
use zerohop_layer::link::{self, Next};
use zerohop_layer::{DispatchKey, Doing, LayerError, Level, Table, log};

use super::plan::Plan;
use super::{DEVICES, DeviceState, Help};
use crate::instance::{Emulation, InstanceState};
use crate::memory::host_memory_types;
use crate::sync::{Sync, SyncFd};

/// Creates a device in the next layer, without what is ours, and remembers it.
///
/// # Errors
///
/// What the next layer reports.
///
/// # Safety
///
/// `info` is what `vkCreateDevice` got from the loader, and so are the others.
pub(crate) unsafe fn create(
    instance: &Arc<InstanceState>,
    physical: vk::PhysicalDevice,
    info: &vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> Result<(), LayerError> {
    // SAFETY: the caller's promise.
    let next = unsafe { link::device_link(info.p_next) }?;
    // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
    let asked = unsafe { names(info.pp_enabled_extension_names, info.enabled_extension_count) };
    let emulation = instance.emulation(physical)?;
    let sync_fd = instance.sync_fd(physical)?;
    let plan = Plan::new(&asked, emulation.as_ref().as_ref(), &sync_fd);
    let pointers: Vec<_> = plan.down.iter().map(|name| name.as_ptr()).collect();
    let copy = info.enabled_extension_names(&pointers);
    next.arm();
    // SAFETY: the type belongs to the name.
    let create: Option<vk::PFN_vkCreateDevice> =
        unsafe { next.instance_command(instance.raw.handle(), c"vkCreateDevice") };
    let create = create.ok_or(vk::Result::ERROR_INITIALIZATION_FAILED).doing("find the driver")?;
    // SAFETY: `copy` is the application's with names that live in this function; `out` may hold
    // something of the loader's.
    unsafe { create(physical, &copy, allocator, out) }.result().doing("create the device")?;
    // SAFETY: the next layer has just written it.
    let device = next.device(unsafe { *out });
    let helped = emulation.as_ref().as_ref().filter(|_| plan.helps);
    let help = helped.map(|emulation| help(instance, physical, emulation, &next, &device));
    let help = help.transpose().inspect_err(|_| {
        // SAFETY: nobody else has seen it.
        unsafe { (device.fp_v1_0().destroy_device)(device.handle(), allocator) };
    })?;
    // SAFETY: the caller's promise, and the next layer has just made the device.
    let sync = plan.syncs.then(|| unsafe { sync(*sync_fd, info, &next, &device) });
    // SAFETY: as above.
    let key = unsafe { DispatchKey::of(device.handle()) };
    let state = DeviceState {
        raw: device,
        get_device_proc_addr: next.get_device_proc_addr,
        enabled: plan.ours,
        help,
        sync,
    };
    DEVICES.insert(key, Arc::new(state));
    Ok(())
}

fn help(
    instance: &Arc<InstanceState>,
    physical: vk::PhysicalDevice,
    emulation: &Emulation,
    next: &Next,
    device: &ash::Device,
) -> Result<Help, LayerError> {
    let handle = device.handle();
    let find = |name: &CStr| next.raw_device_command(handle, name);
    let host = ext::external_memory_host::DeviceFn::load(find);
    let theirs = |name| !emulation.owns(name);
    let memory_types = sample(device, &host, emulation.alignment)?;
    let ours: Vec<_> = emulation.ours.iter().map(|name| name.to_string_lossy()).collect();
    let what = format_args!("dma-bufs are memory of the process: ours are {}", ours.join(", "));
    log(Level::Info, what);
    Ok(Help {
        emulation: emulation.clone(),
        instance: Arc::clone(instance),
        physical,
        host,
        memory_fd: theirs(khr::external_memory_fd::NAME)
            .then(|| khr::external_memory_fd::DeviceFn::load(find)),
        modifiers: theirs(ext::image_drm_format_modifier::NAME)
            .then(|| ext::image_drm_format_modifier::DeviceFn::load(find)),
        // SAFETY: the type belongs to the names.
        layout2: unsafe {
            next.device_command(
                handle,
                &[
                    c"vkGetImageSubresourceLayout2",
                    c"vkGetImageSubresourceLayout2KHR",
                    c"vkGetImageSubresourceLayout2EXT",
                ],
            )
        },
        // SAFETY: the type belongs to the names.
        map2: unsafe { next.device_command(handle, &[c"vkMapMemory2", c"vkMapMemory2KHR"]) },
        // SAFETY: the type belongs to the names.
        device_layout: unsafe {
            next.device_command(
                handle,
                &[c"vkGetDeviceImageSubresourceLayout", c"vkGetDeviceImageSubresourceLayoutKHR"],
            )
        },
        memory_types,
        memory: Table::new(),
        strangers: AtomicUsize::new(0),
        images: Table::new(),
        buffers: Table::new(),
    })
}

/// What is kept for a device whose `SYNC_FD` is ours.
///
/// # Safety
///
/// `info` is what `vkCreateDevice` got from the loader.
unsafe fn sync(
    ours: SyncFd,
    info: &vk::DeviceCreateInfo<'_>,
    next: &Next,
    device: &ash::Device,
) -> Sync {
    let what = "SYNC_FD is ours: exports and imports of it wait on the CPU";
    log(Level::Info, format_args!("{what}"));
    // SAFETY: the caller's promise.
    let queue = unsafe { first_queue(info, device) };
    Sync::new(ours, queue).over(next, device.handle())
}

/// The first queue that takes work of ours, if there is one.
///
/// # Safety
///
/// `info` is what `vkCreateDevice` got from the loader for `device`.
unsafe fn first_queue(info: &vk::DeviceCreateInfo<'_>, device: &ash::Device) -> Option<vk::Queue> {
    // SAFETY: VUID-VkDeviceCreateInfo-pQueueCreateInfos-parameter.
    let families = unsafe {
        std::slice::from_raw_parts(info.p_queue_create_infos, info.queue_create_info_count as usize)
    };
    let plain = families.iter().find(|one| one.flags.is_empty() && one.queue_count > 0)?;
    // SAFETY: the device was made with a queue of this family.
    let queue = unsafe { device.get_device_queue(plain.queue_family_index, 0) };
    // SAFETY: the caller's promise.
    if let Some(set) = unsafe { link::set_device_loader_data(info.p_next) } {
        let object = vk::Handle::as_raw(queue) as usize as *mut c_void;
        // SAFETY: the loader gave us this function for objects of this device.
        let set = unsafe { set(device.handle(), object) };
        return (set == vk::Result::SUCCESS).then_some(queue);
    }
    Some(queue)
}

/// The memory types that take a mapped memfd.
fn sample(
    device: &ash::Device,
    host: &ext::external_memory_host::DeviceFn,
    alignment: u64,
) -> Result<u32, LayerError> {
    let code = vk::Result::ERROR_INITIALIZATION_FAILED;
    let failed = |err| LayerError::outside("map a memfd for a try", code, err);
    let memfd = Memfd::create("zerohop", alignment).map_err(failed)?;
    let bits = host_memory_types(device, host, &memfd, alignment)?;
    match bits {
        0 => Err(LayerError::refused(code, "no memory type of the driver takes a mapped memfd")),
        bits => Ok(bits),
    }
}

/// Forgets a device and destroys it in the next layer.
///
/// # Safety
///
/// As `vkDestroyDevice`.
pub(crate) unsafe fn destroy(device: vk::Device, allocator: *const vk::AllocationCallbacks<'_>) {
    // SAFETY: the caller's promise; the handle is live until the next layer destroys it.
    let key = unsafe { DispatchKey::of(device) };
    if let Some(state) = DEVICES.remove(&key) {
        if let Some(sync) = &state.sync {
            sync.sweep(&state.raw);
        }
        // SAFETY: the caller's promise. What memory the application forgot stays mapped until here.
        unsafe { (state.raw.fp_v1_0().destroy_device)(device, allocator) };
    }
}
