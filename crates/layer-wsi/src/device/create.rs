//! `vkCreateDevice` and its end.

use std::sync::Arc;

use ash::{ext, khr, vk};
use zerohop_layer::link::{self, Next};
use zerohop_layer::{DispatchKey, Doing, LayerError, Level, Table, chain, log};

use super::features::{self, Features};
use super::plan::{OURS, Plan};
use super::{Below, DEVICES, DeviceState, HostMemory, Timelines, extensions, query};
use crate::entry::slice;
use crate::extensions::{name, names};
use crate::instance::InstanceState;
use crate::swapchain;

/// Creates a device in the next layer, with what we need besides, and remembers it.
///
/// # Errors
///
/// What the next layer reports.
///
/// # Safety
///
/// `info` is what `vkCreateDevice` got from the loader, and so are the others.
// Long because each step looks at the chain that the one before has left.
pub(crate) unsafe fn create(
    instance: &Arc<InstanceState>,
    physical: vk::PhysicalDevice,
    info: &vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> Result<(), LayerError> {
    // SAFETY: the caller's promise.
    let next = unsafe { link::device_link(info.p_next) }?;
    // SAFETY: the caller's promise.
    let set_device_loader_data = unsafe { link::set_device_loader_data(info.p_next) };
    // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
    let asked = unsafe { names(info.pp_enabled_extension_names, info.enabled_extension_count) };
    // SAFETY: VUID-VkDeviceCreateInfo-pQueueCreateInfos-parameter.
    let queues = unsafe { slice(info.p_queue_create_infos, info.queue_create_info_count) };
    let first = queues.iter().find(|queues| queues.flags.is_empty());
    let first_family = first.map(|queues| queues.queue_family_index);
    let driver = extensions::below(instance, physical)?;
    let driver = driver.iter().map(|entry| name(entry).to_owned()).collect();
    let plan = match instance.passes {
        true => Plan::passing(&asked),
        false => Plan::new(&asked, &driver, instance.has_properties2)?,
    };

    let down = plan.names();
    // Before the copy: the loader's own structures are copied along.
    next.arm();
    let ours = if instance.passes { &[] } else { OURS };
    let timelines = plan.presents() && shares_timelines(instance, physical, &plan);
    let extra = if timelines { &features::KINDS[..] } else { &[] };
    // SAFETY: `p_next` is a chain of live structures.
    let stripped = unsafe { chain::without(info.p_next, &[ours, extra].concat()) };
    if let Some(kind) = stripped.stuck_at() {
        let what = format_args!("cannot copy the unknown structure {kind:?} of vkCreateDevice");
        log(Level::Warn, what);
    }
    let mut features = Features::default();
    // SAFETY: as above; both outlive the call below.
    let head =
        timelines.then(|| unsafe { features.before(info.p_next, stripped.head()) }).flatten();
    let p_next = head.unwrap_or(stripped.head());
    let mut copy = vk::DeviceCreateInfo { p_next, ..*info };
    copy = copy.enabled_extension_names(&down);
    // SAFETY: the type belongs to the name.
    let create: Option<vk::PFN_vkCreateDevice> =
        unsafe { next.instance_command(instance.raw.handle(), c"vkCreateDevice") };
    let create = create.ok_or(vk::Result::ERROR_INITIALIZATION_FAILED).doing("find the driver")?;
    // `out` itself goes down: the loader's end of the chain finds something of its own in it.
    // SAFETY: `copy` is the application's, with names and a chain that live in this function.
    unsafe { create(physical, &copy, allocator, out) }.result().doing("create the device")?;
    // SAFETY: the next layer has just written it.
    let raw = unsafe { *out };

    let state = DeviceState {
        set_device_loader_data,
        first_family,
        ..describe(instance, physical, &next, next.device(raw), (&plan, head.is_some()))
    };
    if state.presents {
        instance.tell_decision(physical, None);
        log(Level::Info, format_args!("a device that presents: {}", abilities(&state)));
    }
    // SAFETY: the next layer has just made it.
    let key = unsafe { DispatchKey::of(raw) };
    DEVICES.insert(key, Arc::new(state));
    Ok(())
}

/// What a device can do for pictures of ours, for people.
fn abilities(state: &DeviceState) -> String {
    let memory = match (&state.memory_fd, &state.modifiers) {
        (None, _) => "no memory leaves the process, so pictures are copied",
        (Some(_), None) => "memory leaves as OPAQUE_FD",
        (Some(_), Some(_)) => "memory leaves as OPAQUE_FD or dma-buf",
    };
    let semaphores = match (&state.semaphore_fd, &state.timelines) {
        (Some(_), Some(_)) => "SYNC_FD and timeline",
        (Some(_), None) => "SYNC_FD",
        (None, Some(_)) => "timeline",
        (None, None) => "no",
    };
    let fences = if state.fence_fd.is_some() { "SYNC_FD" } else { "no" };
    format!("{memory}, {semaphores} semaphores, {fences} fences")
}

/// Whether timelines can be shared with a host.
fn shares_timelines(instance: &InstanceState, physical: vk::PhysicalDevice, plan: &Plan) -> bool {
    [khr::timeline_semaphore::NAME, khr::external_semaphore_fd::NAME].iter().all(|it| plan.has(it))
        && query::shares_timelines(instance, physical)
}

/// The state of a new device. Long because it has many fields.
fn describe(
    instance: &Arc<InstanceState>,
    physical: vk::PhysicalDevice,
    next: &Next,
    raw: ash::Device,
    (plan, timelines): (&Plan, bool),
) -> DeviceState {
    // ash finds extension commands through an instance's `vkGetDeviceProcAddr`.
    let finder = next.device_finder(instance.raw.handle());
    // The application may enable them by itself, and our queries need more than Vulkan 1.0.
    let has = |name| instance.has_properties2 && plan.has(name);
    let has_semaphore =
        has(khr::external_semaphore_fd::NAME) && query::semaphore_takes_sync_fd(instance, physical);
    let has_fence =
        has(khr::external_fence_fd::NAME) && query::fence_takes_sync_fd(instance, physical);
    // SAFETY: the handle is the instance's.
    let memory_properties = unsafe { instance.raw.get_physical_device_memory_properties(physical) };
    DeviceState {
        physical,
        instance: Arc::clone(instance),
        memory_properties,
        memory_fd: has(khr::external_memory_fd::NAME)
            .then(|| khr::external_memory_fd::Device::new(&finder, &raw)),
        modifiers: has(ext::image_drm_format_modifier::NAME)
            .then(|| ext::image_drm_format_modifier::Device::new(&finder, &raw)),
        host_memory: has(ext::external_memory_host::NAME).then(|| HostMemory {
            commands: ext::external_memory_host::Device::new(&finder, &raw),
            alignment: query::host_alignment(instance, physical),
        }),
        presents: plan.presents(),
        present_layout: plan.present_layout(),
        semaphore_fd: has_semaphore.then(|| khr::external_semaphore_fd::Device::new(&finder, &raw)),
        sync_fd_waits: Default::default(),
        timelines: timelines.then(|| Timelines::new(&finder, &raw)),
        fence_fd: has_fence.then(|| khr::external_fence_fd::Device::new(&finder, &raw)),
        id: query::device_id(instance, physical),
        enabled: plan.ours,
        set_device_loader_data: None,
        first_family: None,
        queues: Table::new(),
        swapchains: Table::new(),
        aliases: Table::new(),
        foreign_swapchains: (instance.foreign_surfaces && plan.has(khr::swapchain::NAME)).then(
            || khr::swapchain::DeviceFn::load(|name| next.raw_device_command(raw.handle(), name)),
        ),
        private_data: Table::new(),
        below: Below::load(next, raw.handle()),
        raw,
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
        // The application should have; what it forgot must not outlive the device.
        state.swapchains.remove_unless(|_| false).into_iter().for_each(swapchain::destroy);
        swapchain::Host::get().forget(&state.end_timelines());
        // SAFETY: the caller's promise.
        unsafe { (state.raw.fp_v1_0().destroy_device)(device, allocator) };
    }
}
