//! What is there, and what is not when it was not asked for.

use std::ffi::{CStr, CString, c_char};

use ash::{khr, vk};
use zerohop_testkit::rig::{Device, DeviceOptions, Instance};

use super::Case;
use crate::bench::{Bench, Outcome, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("procedures::extensions_are_listed_once", extensions_are_listed_once),
    Case::new("procedures::extensions_with_little_room", extensions_with_little_room),
    Case::new("procedures::disabled_commands_are_null", disabled_commands_are_null),
    Case::new("procedures::enabled_commands_are_there", enabled_commands_are_there),
    Case::new("procedures::device_without_swapchains", device_without_swapchains),
    Case::new("procedures::extension_named_twice", extension_named_twice),
    Case::new("procedures::features_follow_extensions", features_follow_extensions),
    Case::new("procedures::private_data_of_vulkan_1_2", private_data_of_vulkan_1_2),
    Case::new("procedures::two_instances", two_instances),
    Case::new("procedures::instance_without_surfaces", instance_without_surfaces),
    Case::new("procedures::many_instances_in_turn", many_instances_in_turn),
];

fn extensions_are_listed_once(bench: &Bench) -> Outcome {
    let listed = Device::listed(bench.instance(), bench.physical()?)?;
    ensure!(listed.iter().any(|name| name.as_c_str() == khr::swapchain::NAME), "no swapchain");
    for (i, name) in listed.iter().enumerate() {
        ensure!(!listed[..i].contains(name), "{name:?} is listed twice");
    }
    Ok(())
}

fn extensions_with_little_room(bench: &Bench) -> Outcome {
    let query = bench.instance().raw().fp_v1_0().enumerate_device_extension_properties;
    let physical = bench.physical()?;
    let mut total = 0;
    let no_layer: *const c_char = std::ptr::null();
    // SAFETY: only the count is asked for.
    unsafe { query(physical, no_layer, &raw mut total, std::ptr::null_mut()) }.result()?;
    for room in [0, 1, total / 2, total - 1, total, total + 3] {
        let mut list = vec![vk::ExtensionProperties::default(); total as usize + 4];
        let mut count = room;
        // SAFETY: the list has more room than `count`.
        let code = unsafe { query(physical, no_layer, &raw mut count, list.as_mut_ptr()) };
        let want = if room < total { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS };
        ensure!(code == want, "{code:?} with room for {room} of {total}");
        ensure!(count == room.min(total), "count {count} with room for {room} of {total}");
        let beyond = &list[count as usize];
        ensure!(beyond.spec_version == 0, "written beyond {count}");
    }
    Ok(())
}

/// The command of a device, if there is one.
fn command(bench: &Bench, device: vk::Device, name: &CStr) -> vk::PFN_vkVoidFunction {
    let get = bench.instance().raw().fp_v1_0().get_device_proc_addr;
    // SAFETY: the device lives.
    unsafe { get(device, name.as_ptr()) }
}

const SWAPCHAIN_COMMANDS: [&CStr; 6] = [
    c"vkCreateSwapchainKHR",
    c"vkDestroySwapchainKHR",
    c"vkGetSwapchainImagesKHR",
    c"vkAcquireNextImageKHR",
    c"vkQueuePresentKHR",
    c"vkAcquireNextImage2KHR",
];

/// A device with `extensions` and no features.
fn bare_device(bench: &Bench, extensions: &[&CStr]) -> Outcome<ash::Device> {
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let names: Vec<_> = extensions.iter().map(|name| name.as_ptr()).collect();
    let info =
        vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
    let physical = bench.physical()?;
    // SAFETY: family 0 exists; the extensions are listed.
    Ok(unsafe { bench.instance().raw().create_device(physical, &info, None) }?)
}

fn destroy(device: &ash::Device) {
    // SAFETY: nobody else has it, and nothing was made on it.
    unsafe { device.destroy_device(None) };
}

fn disabled_commands_are_null(bench: &Bench) -> Outcome {
    let device = bare_device(bench, &[])?;
    let mut left = Vec::new();
    for name in SWAPCHAIN_COMMANDS {
        if command(bench, device.handle(), name).is_some() {
            left.push(name);
        }
    }
    destroy(&device);
    ensure!(left.is_empty(), "without VK_KHR_swapchain there are {left:?}");
    let device = bench.device()?;
    for name in [
        c"vkWaitForPresentKHR",
        c"vkReleaseSwapchainImagesEXT",
        c"vkReleaseSwapchainImagesKHR",
        c"vkCreateSharedSwapchainsKHR",
        c"vkSetHdrMetadataEXT",
    ] {
        let found = command(bench, device.raw().handle(), name);
        ensure!(found.is_none(), "{name:?} without its extension");
    }
    Ok(())
}

fn enabled_commands_are_there(bench: &Bench) -> Outcome {
    let device = bench.device()?;
    for name in SWAPCHAIN_COMMANDS {
        let found = command(bench, device.raw().handle(), name);
        ensure!(found.is_some(), "no {name:?}");
    }
    let get = bench.instance().entry().static_fn().get_instance_proc_addr;
    for name in SWAPCHAIN_COMMANDS {
        // SAFETY: the instance lives.
        let found = unsafe { get(bench.instance().raw().handle(), name.as_ptr()) };
        ensure!(found.is_some(), "no {name:?} from the instance");
    }
    Ok(())
}

/// An application that never shows anything.
fn device_without_swapchains(bench: &Bench) -> Outcome {
    let device = bare_device(bench, &[])?;
    // SAFETY: a queue of family 0 was asked for.
    let queue = unsafe { device.get_device_queue(0, 0) };
    // SAFETY: the queue is ours alone.
    let done =
        unsafe { device.queue_submit(queue, &[vk::SubmitInfo::default()], vk::Fence::null()) };
    // SAFETY: as above.
    let idle = unsafe { device.device_wait_idle() };
    destroy(&device);
    done?;
    idle?;
    Ok(())
}

/// Real applications do so.
fn extension_named_twice(bench: &Bench) -> Outcome {
    let device = bare_device(bench, &[khr::swapchain::NAME, khr::swapchain::NAME])?;
    let found = command(bench, device.handle(), c"vkCreateSwapchainKHR");
    destroy(&device);
    ensure!(found.is_some(), "no swapchains");
    Ok(())
}

/// An extension that is listed has its feature.
fn features_follow_extensions(bench: &Bench) -> Outcome {
    let physical = bench.physical()?;
    let listed = Device::listed(bench.instance(), physical)?;
    let lists = |name: &CStr| listed.iter().any(|one| one.as_c_str() == name);
    let mut id = vk::PhysicalDevicePresentIdFeaturesKHR::default();
    let mut wait = vk::PhysicalDevicePresentWaitFeaturesKHR::default();
    let mut maintenance = vk::PhysicalDeviceSwapchainMaintenance1FeaturesEXT::default();
    let mut all = vk::PhysicalDeviceFeatures2::default();
    let (has_id, has_wait) = (lists(khr::present_id::NAME), lists(khr::present_wait::NAME));
    let has_maintenance = lists(ash::ext::swapchain_maintenance1::NAME);
    if has_id {
        all = all.push_next(&mut id);
    }
    if has_wait {
        all = all.push_next(&mut wait);
    }
    if has_maintenance {
        all = all.push_next(&mut maintenance);
    }
    // SAFETY: the chain is of listed extensions.
    unsafe { bench.instance().raw().get_physical_device_features2(physical, &mut all) };
    ensure!(has_id == (id.present_id == vk::TRUE), "presentId {}", id.present_id);
    ensure!(has_wait == (wait.present_wait == vk::TRUE), "presentWait {}", wait.present_wait);
    let feature = maintenance.swapchain_maintenance1;
    ensure!(has_maintenance == (feature == vk::TRUE), "swapchainMaintenance1 {feature}");
    Ok(())
}

/// Before Vulkan 1.3 the commands have the names of their extension only.
fn private_data_of_vulkan_1_2(bench: &Bench) -> Outcome {
    let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_2);
    let info = vk::InstanceCreateInfo::default().application_info(&application);
    // SAFETY: nothing is enabled.
    let instance = unsafe { bench.instance().entry().create_instance(&info, None) }?;
    let done = private_data_on(&instance);
    // SAFETY: what was made from it is gone.
    unsafe { instance.destroy_instance(None) };
    ensure!(done? == 7, "another value");
    Ok(())
}

/// The value that a device gives back.
fn private_data_on(instance: &ash::Instance) -> Outcome<u64> {
    let names = [ash::ext::private_data::NAME.as_ptr()];
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let mut feature = vk::PhysicalDevicePrivateDataFeatures::default().private_data(true);
    let info = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&names)
        .push_next(&mut feature);
    // SAFETY: the instance lives.
    let all = unsafe { instance.enumerate_physical_devices() }?;
    let physical = *all.first().ok_or(Verdict::Failed("no device".to_owned()))?;
    // SAFETY: family 0 exists.
    let device = match unsafe { instance.create_device(physical, &info, None) } {
        Err(vk::Result::ERROR_EXTENSION_NOT_PRESENT) => {
            return Err(Verdict::Unsupported("VK_EXT_private_data".to_owned()));
        }
        other => other?,
    };
    let data = ash::ext::private_data::Device::new(instance, &device);
    let info = vk::PrivateDataSlotCreateInfo::default();
    // SAFETY: the extension is enabled.
    let slot = unsafe { data.create_private_data_slot(&info, None) }?;
    // SAFETY: the device is an object of its own.
    let set = unsafe { data.set_private_data(device.handle(), slot, 7) };
    // SAFETY: as above.
    let value = unsafe { data.get_private_data(device.handle(), slot) };
    // SAFETY: nobody else has the slot.
    unsafe { data.destroy_private_data_slot(slot, None) };
    destroy(&device);
    set?;
    Ok(value)
}

fn two_instances(bench: &Bench) -> Outcome {
    let other = Bench::new(bench.platform())?;
    let (one, two) = (bench.stage()?, other.stage()?);
    let (a, b) = (one.swapchain()?, two.swapchain()?);
    let (mut left, mut right) = (one.easel(&a)?, two.easel(&b)?);
    for frame in 0..3 {
        left.show(&a, frame)?;
        right.show(&b, frame)?;
    }
    Ok(())
}

fn instance_without_surfaces(bench: &Bench) -> Outcome {
    let info = vk::InstanceCreateInfo::default();
    // SAFETY: the info has no chain.
    let raw = unsafe { bench.instance().entry().create_instance(&info, None) }?;
    let get = bench.instance().entry().static_fn().get_instance_proc_addr;
    let names = [c"vkDestroySurfaceKHR", c"vkCreateHeadlessSurfaceEXT", c"vkCreateXcbSurfaceKHR"];
    let found = names.map(|name: &CStr| {
        // SAFETY: the instance lives.
        unsafe { get(raw.handle(), name.as_ptr()) }.map(|_| CString::from(name))
    });
    // SAFETY: the instance lives.
    let devices = unsafe { raw.enumerate_physical_devices() };
    // SAFETY: nothing was made from it.
    unsafe { raw.destroy_instance(None) };
    ensure!(!devices?.is_empty(), "no devices");
    ensure!(found.iter().all(Option::is_none), "without their extension: {found:?}");
    Ok(())
}

fn many_instances_in_turn(bench: &Bench) -> Outcome {
    let fds = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let turn = || -> Outcome {
        let instance = Instance::new()?;
        let device = Device::new(&instance, &DeviceOptions::default())?;
        drop(device);
        Ok(())
    };
    turn()?;
    let before = fds();
    for _ in 0..5 {
        turn()?;
    }
    let after = fds();
    ensure!(after <= before, "{before} descriptors before, {after} after");
    if bench.instance().messages().is_empty() {
        return Ok(());
    }
    Err(Verdict::Failed("the validation layer spoke".to_owned()))
}
