//! `vkCreateDevice` and its end: what goes down, and what stays here.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::sync::Arc;

use ash::{ext, khr, vk};
use zerohop_kernel::Memfd;
use zerohop_layer::extensions::{ExtensionSet, names};
use zerohop_layer::link::{self, Next};
use zerohop_layer::{DispatchKey, Doing, LayerError, Level, Table, log};
use zerohop_manifest::DMABUF;

use super::{DEVICES, DeviceState, Help};
use crate::instance::{Emulation, InstanceState};
use crate::memory::host_memory_types;

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
    let plan = Plan::new(&asked, emulation.as_ref().as_ref());
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
    // SAFETY: the next layer has just made it.
    let key = unsafe { DispatchKey::of(device.handle()) };
    let state = DeviceState {
        raw: device,
        get_device_proc_addr: next.get_device_proc_addr,
        enabled: plan.ours,
        help,
    };
    DEVICES.insert(key, Arc::new(state));
    Ok(())
}

/// Which extension goes where.
struct Plan {
    /// Those that the application enabled and the driver never hears of.
    ours: ExtensionSet,
    /// What goes down, each name once.
    down: BTreeSet<CString>,
    /// Whether the application enabled any of our extensions, whoever has it.
    helps: bool,
}

impl Plan {
    fn new(asked: &[&CStr], emulation: Option<&Emulation>) -> Self {
        let (mut ours, mut down) = (ExtensionSet::of(DMABUF.device_extensions), BTreeSet::new());
        let mut any = ExtensionSet::of(DMABUF.device_extensions);
        let mut helps = false;
        for name in asked {
            helps |= emulation.is_some() && any.insert(name);
            if emulation.is_some_and(|it| it.owns(name)) {
                ours.insert(name);
            } else {
                down.insert((*name).to_owned());
            }
        }
        if helps {
            down.insert(ext::external_memory_host::NAME.to_owned());
        }
        Self { ours, down, helps }
    }
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
        device_layout: unsafe {
            next.device_command(
                handle,
                &[c"vkGetDeviceImageSubresourceLayout", c"vkGetDeviceImageSubresourceLayoutKHR"],
            )
        },
        memory_types,
        memory: Table::new(),
        images: Table::new(),
        buffers: Table::new(),
    })
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
        // SAFETY: the caller's promise. What memory the application forgot stays mapped until here.
        unsafe { (state.raw.fp_v1_0().destroy_device)(device, allocator) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DMA_BUF: &CStr = ext::external_memory_dma_buf::NAME;
    const FD: &CStr = khr::external_memory_fd::NAME;

    fn emulation(ours: &[&'static CStr]) -> Emulation {
        let ours = ours.iter().copied().collect();
        Emulation { ours, alignment: 4096, wide_features: true }
    }

    #[test]
    fn what_is_ours_stays_here_and_host_memory_is_added() {
        let plan = Plan::new(&[DMA_BUF, FD, FD], Some(&emulation(&[DMA_BUF])));
        let down: Vec<_> = plan.down.iter().map(|name| name.as_c_str()).collect();
        assert_eq!(down, [ext::external_memory_host::NAME, FD]);
        assert!(plan.helps && plan.ours.contains(DMA_BUF) && !plan.ours.contains(FD));
    }

    #[test]
    fn nothing_is_added_where_nothing_of_ours_is_asked_for() {
        let plan = Plan::new(&[khr::swapchain::NAME], Some(&emulation(&[DMA_BUF])));
        assert!(!plan.helps && plan.down.len() == 1);
        let plan = Plan::new(&[DMA_BUF], None);
        assert!(!plan.helps && plan.down.contains(DMA_BUF));
    }
}
