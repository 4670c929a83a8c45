//! Devices, queues and images.

use std::ffi::CStr;

use ash::vk::{self, Handle};

use super::chain::{array, get, kinds};
use super::handles::{self, Kind, Object, make, state_of};
use super::instance::{child_of, with_child};
use super::physical;

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

/// Structures that no driver should see that has not listed their extension.
const FOREIGN: [vk::StructureType; 5] = [
    vk::StructureType::PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT,
    vk::StructureType::PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR,
    vk::StructureType::PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR,
    vk::StructureType::IMAGE_SWAPCHAIN_CREATE_INFO_KHR,
    vk::StructureType::BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR,
];

/// Structures that only a driver with modifiers may see.
const OF_MODIFIERS: [vk::StructureType; 2] = [
    vk::StructureType::IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT,
    vk::StructureType::IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT,
];

/// Complains of structures that lead to handles of others, or that are of no extension here.
///
/// # Safety
///
/// `p_next` is a chain of live structures.
pub(super) unsafe fn look(state: &super::State, command: &str, p_next: *const std::ffi::c_void) {
    // SAFETY: the caller's promise.
    for (kind, _) in unsafe { kinds(p_next) } {
        let modifiers = OF_MODIFIERS.contains(&kind) && !state.options.modifiers;
        if FOREIGN.contains(&kind) || modifiers {
            state.lock().complain(format!("{command} got {kind:?}"));
        }
    }
}

pub(super) unsafe extern "system" fn create_device(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Device,
) -> vk::Result {
    // SAFETY: the physical device is live.
    let state = unsafe { state_of(physical) };
    if let Err(code) = state.lock().attempt("vkCreateDevice") {
        return code;
    }
    // SAFETY: VUID-vkCreateDevice-pCreateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: as above, with its chain.
    unsafe { look(&state, "vkCreateDevice", info.p_next) };
    // SAFETY: VUID-VkDeviceCreateInfo-ppEnabledExtensionNames-parameter.
    let names = unsafe { array(info.pp_enabled_extension_names, info.enabled_extension_count) };
    for name in names {
        // SAFETY: as above.
        let name = unsafe { CStr::from_ptr(*name) };
        if !physical::has(&state, name) {
            state.lock().complain(format!("vkCreateDevice: {name:?} is not listed"));
        }
    }
    let raw = with_child(&state, Kind::Device);
    // SAFETY: VUID-vkCreateDevice-pDevice-parameter.
    unsafe { out.write(vk::Device::from_raw(raw)) };
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn destroy_device(device: vk::Device, _: Allocator<'_>) {
    // SAFETY: VUID-vkDestroyDevice-device-parameter.
    let state = unsafe { state_of(device) };
    let gone = state.lock().take("vkDestroyDevice", Kind::Device, device.as_raw());
    if gone.is_some() {
        // SAFETY: it was alive until now, and is the application's no more.
        unsafe { handles::free(device.as_raw()) };
    }
}

pub(super) unsafe extern "system" fn get_device_queue(
    device: vk::Device,
    _: u32,
    _: u32,
    out: *mut vk::Queue,
) {
    // SAFETY: the device is live.
    let queue = unsafe { child_of(device) };
    // SAFETY: VUID-vkGetDeviceQueue-pQueue-parameter.
    unsafe { out.write(vk::Queue::from_raw(queue)) };
}

pub(super) unsafe extern "system" fn device_wait_idle(device: vk::Device) -> vk::Result {
    // SAFETY: the device is live.
    unsafe { state_of(device) }.lock().count("vkDeviceWaitIdle");
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn queue_wait_idle(queue: vk::Queue) -> vk::Result {
    // SAFETY: the queue is live.
    unsafe { state_of(queue) }.lock().count("vkQueueWaitIdle");
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn create_image(
    device: vk::Device,
    info: *const vk::ImageCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Image,
) -> vk::Result {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkCreateImage-pCreateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: as above, with its chain.
    unsafe { look(&state, "vkCreateImage", info.p_next) };
    if info.tiling == vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT && !state.options.modifiers {
        state.lock().complain("vkCreateImage: there are no modifiers".to_owned());
    }
    let vk::Extent3D { width, height, .. } = info.extent;
    let bytes = u64::from(width) * u64::from(height) * u64::from(info.array_layers) * 8;
    // SAFETY: as above.
    let list = unsafe { get::<vk::ImageDrmFormatModifierListCreateInfoEXT<'_>>(info.p_next) };
    let modifier = list.and_then(|list| {
        // SAFETY: the list has so many (VUID-VkImageDrmFormatModifierListCreateInfoEXT-*).
        let all = unsafe { array(list.p_drm_format_modifiers, list.drm_format_modifier_count) };
        all.iter().copied().max()
    });
    let (bytes, pitch) = (bytes.next_multiple_of(4096), u64::from(width) * 8);
    let image = Object::Image { bytes, pitch, modifier, bound: false };
    // SAFETY: VUID-vkCreateImage-pImage-parameter.
    unsafe { make(&state, "vkCreateImage", Kind::Image, image, out) }
}

pub(super) unsafe extern "system" fn destroy_image(
    device: vk::Device,
    image: vk::Image,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    state.lock().take("vkDestroyImage", Kind::Image, image.as_raw());
}

pub(super) unsafe extern "system" fn image_requirements(
    device: vk::Device,
    image: vk::Image,
    out: *mut vk::MemoryRequirements,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    let found = inner.get("vkGetImageMemoryRequirements", Kind::Image, image.as_raw());
    let size = if let Some(Object::Image { bytes, .. }) = found { *bytes } else { 4096 };
    let needs = vk::MemoryRequirements { size, alignment: 4096, memory_type_bits: 1 };
    // SAFETY: VUID-vkGetImageMemoryRequirements-pMemoryRequirements-parameter.
    unsafe { out.write(needs) };
}

pub(super) unsafe extern "system" fn image_requirements2(
    device: vk::Device,
    info: *const vk::ImageMemoryRequirementsInfo2<'_>,
    out: *mut vk::MemoryRequirements2<'_>,
) {
    // SAFETY: VUID-vkGetImageMemoryRequirements2-pInfo-parameter.
    let image = unsafe { (*info).image };
    // SAFETY: VUID-vkGetImageMemoryRequirements2-pMemoryRequirements-parameter.
    let out = unsafe { &mut *out };
    // SAFETY: as above.
    unsafe { image_requirements(device, image, &raw mut out.memory_requirements) };
}

pub(super) unsafe extern "system" fn image_modifier(
    device: vk::Device,
    image: vk::Image,
    out: *mut vk::ImageDrmFormatModifierPropertiesEXT<'_>,
) -> vk::Result {
    const COMMAND: &str = "vkGetImageDrmFormatModifierPropertiesEXT";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    match inner.get(COMMAND, Kind::Image, image.as_raw()) {
        Some(Object::Image { modifier: Some(modifier), .. }) => {
            // SAFETY: the structure is the caller's to be filled in.
            unsafe { (*out).drm_format_modifier = *modifier };
        }
        _ => inner.complain(format!("{COMMAND}: {image:?} has none")),
    }
    vk::Result::SUCCESS
}

pub(super) unsafe extern "system" fn subresource_layout(
    device: vk::Device,
    image: vk::Image,
    subresource: *const vk::ImageSubresource,
    out: *mut vk::SubresourceLayout,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkGetImageSubresourceLayout-pSubresource-parameter.
    let aspect = unsafe { (*subresource).aspect_mask };
    let mut inner = state.lock();
    let found = inner.get("vkGetImageSubresourceLayout", Kind::Image, image.as_raw());
    let Some(Object::Image { bytes, pitch, modifier, .. }) = found else { return };
    let layout = vk::SubresourceLayout { size: *bytes, row_pitch: *pitch, ..Default::default() };
    let known = match modifier {
        Some(_) => vk::ImageAspectFlags::MEMORY_PLANE_0_EXT,
        None => vk::ImageAspectFlags::COLOR,
    };
    if aspect != known {
        inner.complain(format!("vkGetImageSubresourceLayout: {aspect:?}, not {known:?}"));
    }
    // SAFETY: VUID-vkGetImageSubresourceLayout-pLayout-parameter.
    unsafe { out.write(layout) };
}
