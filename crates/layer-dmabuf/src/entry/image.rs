//! Commands of an image.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{LayerError, chain, guard, guard_void, slice};

use crate::device::DeviceState;
use crate::image;

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Image,
) -> vk::Result {
    guard("vkCreateImage", || {
        // SAFETY: VUID-vkCreateImage-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(help) = &state.help {
            // SAFETY: VUID-vkCreateImage-pCreateInfo-parameter.
            let info = unsafe { &*info };
            // SAFETY: the arguments are the application's.
            if let Some(image) = unsafe { image::create(&state, help, info, allocator) }? {
                // SAFETY: VUID-vkCreateImage-pImage-parameter.
                unsafe { *out = image };
                return Ok(vk::Result::SUCCESS);
            }
        }
        // SAFETY: the arguments are the application's.
        Ok(unsafe { (state.raw.fp_v1_0().create_image)(device, info, allocator, out) })
    })
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    image: vk::Image,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyImage", || {
        // SAFETY: VUID-vkDestroyImage-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(help) = &state.help {
            help.images.remove(&image);
        }
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().destroy_image)(device, image, allocator) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn requirements(
    device: vk::Device,
    image: vk::Image,
    out: *mut vk::MemoryRequirements,
) {
    guard_void("vkGetImageMemoryRequirements", || {
        // SAFETY: VUID-vkGetImageMemoryRequirements-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let (Some(help), Some(ours)) = (&state.help, state.image(image)) {
            let needs = image::requirements(&state, help, image, &ours);
            // SAFETY: VUID-vkGetImageMemoryRequirements-pMemoryRequirements-parameter.
            unsafe { *out = needs };
            return Ok(());
        }
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().get_image_memory_requirements)(device, image, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn requirements2(
    device: vk::Device,
    info: *const vk::ImageMemoryRequirementsInfo2<'_>,
    out: *mut vk::MemoryRequirements2<'_>,
) {
    guard_void("vkGetImageMemoryRequirements2", || {
        // SAFETY: VUID-vkGetImageMemoryRequirements2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkGetImageMemoryRequirements2-pInfo-parameter.
        let asked = unsafe { &*info };
        if let (Some(help), Some(ours)) = (&state.help, state.image(asked.image)) {
            type Plane<'a> = vk::ImagePlaneMemoryRequirementsInfo<'a>;
            // SAFETY: VUID-VkImageMemoryRequirementsInfo2-pNext-pNext.
            let plane = unsafe { chain::get::<Plane<'_>>(asked.p_next) };
            let plane = plane.map(|it| it.plane_aspect);
            // SAFETY: VUID-vkGetImageMemoryRequirements2-pMemoryRequirements-parameter.
            let out = unsafe { &mut *out };
            // SAFETY: the chain is the application's to be filled in.
            unsafe { image::requirements2(&state, help, asked.image, &ours, plane, out) };
            return Ok(());
        }
        let below = state.raw.fp_v1_1().get_image_memory_requirements2;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(device, info, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn device_requirements(
    device: vk::Device,
    info: *const vk::DeviceImageMemoryRequirements<'_>,
    out: *mut vk::MemoryRequirements2<'_>,
) {
    guard_void("vkGetDeviceImageMemoryRequirements", || {
        // SAFETY: VUID-vkGetDeviceImageMemoryRequirements-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkGetDeviceImageMemoryRequirements-pInfo-parameter.
        let asked = unsafe { &*info };
        if let Some(help) = &state.help {
            // SAFETY: VUID-VkDeviceImageMemoryRequirements-pCreateInfo-parameter.
            let create = unsafe { &*asked.p_create_info };
            let plane = Some(asked.plane_aspect)
                .filter(|_| create.flags.contains(vk::ImageCreateFlags::DISJOINT));
            let ask = |raw, ours: &_| {
                // SAFETY: VUID-vkGetDeviceImageMemoryRequirements-pMemoryRequirements-parameter.
                let out = unsafe { &mut *out };
                // SAFETY: the chain is the application's to be filled in.
                unsafe { image::requirements2(&state, help, raw, ours, plane, out) };
            };
            // SAFETY: the arguments are the application's.
            if unsafe { image::with_sample(&state, help, create, ask) }?.is_some() {
                return Ok(());
            }
        }
        let below = state.raw.fp_v1_3().get_device_image_memory_requirements;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(device, info, out) };
        Ok(())
    });
}

/// No image of ours is sparse.
pub(crate) unsafe extern "system" fn device_sparse_requirements(
    device: vk::Device,
    info: *const vk::DeviceImageMemoryRequirements<'_>,
    count: *mut u32,
    out: *mut vk::SparseImageMemoryRequirements2<'_>,
) {
    guard_void("vkGetDeviceImageSparseMemoryRequirements", || {
        // SAFETY: VUID-vkGetDeviceImageSparseMemoryRequirements-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkGetDeviceImageSparseMemoryRequirements-pInfo-parameter.
        let asked = unsafe { &*info };
        // SAFETY: VUID-VkDeviceImageMemoryRequirements-pCreateInfo-parameter.
        let create = unsafe { &*asked.p_create_info };
        // SAFETY: the chain is the application's.
        if state.help.as_ref().is_some_and(|help| unsafe { image::is_ours(help, create) }) {
            // SAFETY: VUID-vkGetDeviceImageSparseMemoryRequirements-
            // pSparseMemoryRequirementCount-parameter.
            unsafe { *count = 0 };
            return Ok(());
        }
        let below = state.raw.fp_v1_3().get_device_image_sparse_memory_requirements;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(device, info, count, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn bind(
    device: vk::Device,
    image: vk::Image,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
) -> vk::Result {
    guard("vkBindImageMemory", || {
        // SAFETY: VUID-vkBindImageMemory-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let (Some(help), Some(ours)) = (&state.help, state.image(image)) {
            let info = vk::BindImageMemoryInfo::default().image(image).memory(memory);
            return image::bind(&state, help, &info.memory_offset(offset), &ours);
        }
        // SAFETY: the arguments are the application's.
        Ok(unsafe { (state.raw.fp_v1_0().bind_image_memory)(device, image, memory, offset) })
    })
}

pub(crate) unsafe extern "system" fn bind2(
    device: vk::Device,
    count: u32,
    infos: *const vk::BindImageMemoryInfo<'_>,
) -> vk::Result {
    guard("vkBindImageMemory2", || {
        // SAFETY: VUID-vkBindImageMemory2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkBindImageMemory2-pBindInfos-parameter.
        let all = unsafe { slice(infos, count) };
        match &state.help {
            Some(help) if all.iter().any(|one| help.images.contains(&one.image)) => {
                // SAFETY: the chains are the application's.
                unsafe { image::bind_all(&state, help, all) }
            }
            _ => {
                let below = state.raw.fp_v1_1().bind_image_memory2;
                // SAFETY: the arguments are the application's, and the next layer has the command.
                Ok(unsafe { below(device, count, infos) })
            }
        }
    })
}

pub(crate) unsafe extern "system" fn modifier(
    device: vk::Device,
    image: vk::Image,
    out: *mut vk::ImageDrmFormatModifierPropertiesEXT<'_>,
) -> vk::Result {
    guard("vkGetImageDrmFormatModifierPropertiesEXT", || {
        // SAFETY: VUID-vkGetImageDrmFormatModifierPropertiesEXT-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let help = state.help()?;
        if help.images.get(&image).is_some_and(|ours| ours.has_modifier) {
            // SAFETY: VUID-vkGetImageDrmFormatModifierPropertiesEXT-pProperties-parameter.
            unsafe { (*out).drm_format_modifier = image::LINEAR };
            return Ok(vk::Result::SUCCESS);
        }
        let Some(driver) = &help.modifiers else {
            let what = "the image was not created with a modifier";
            return Err(LayerError::refused(vk::Result::ERROR_OUT_OF_HOST_MEMORY, what));
        };
        let below = driver.get_image_drm_format_modifier_properties_ext;
        // SAFETY: the arguments are the application's.
        Ok(unsafe { below(device, image, out) })
    })
}

pub(crate) unsafe extern "system" fn layout(
    device: vk::Device,
    image: vk::Image,
    part: *const vk::ImageSubresource,
    out: *mut vk::SubresourceLayout,
) {
    guard_void("vkGetImageSubresourceLayout", || {
        // SAFETY: VUID-vkGetImageSubresourceLayout-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(ours) = state.image(image) {
            // SAFETY: VUID-vkGetImageSubresourceLayout-pSubresource-parameter.
            let found = image::layout(&state, image, &ours, unsafe { *part });
            // SAFETY: VUID-vkGetImageSubresourceLayout-pLayout-parameter.
            unsafe { *out = found };
            return Ok(());
        }
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().get_image_subresource_layout)(device, image, part, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn layout2(
    device: vk::Device,
    image: vk::Image,
    part: *const vk::ImageSubresource2KHR<'_>,
    out: *mut vk::SubresourceLayout2KHR<'_>,
) {
    guard_void("vkGetImageSubresourceLayout2", || {
        // SAFETY: VUID-vkGetImageSubresourceLayout2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let below = state.help()?.layout2.ok_or_else(absent)?;
        let Some(ours) = state.image(image) else {
            // SAFETY: the arguments are the application's.
            unsafe { below(device, image, part, out) };
            return Ok(());
        };
        // SAFETY: VUID-vkGetImageSubresourceLayout2-pSubresource-parameter.
        let part = unsafe { &*part };
        // SAFETY: VUID-vkGetImageSubresourceLayout2-pLayout-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: the chains are the application's.
        unsafe { image::layout2(&state, below, image, &ours, part, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn device_layout(
    device: vk::Device,
    info: *const vk::DeviceImageSubresourceInfoKHR<'_>,
    out: *mut vk::SubresourceLayout2KHR<'_>,
) {
    guard_void("vkGetDeviceImageSubresourceLayout", || {
        // SAFETY: VUID-vkGetDeviceImageSubresourceLayout-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let help = state.help()?;
        // SAFETY: VUID-vkGetDeviceImageSubresourceLayout-pInfo-parameter.
        let asked = unsafe { &*info };
        // SAFETY: VUID-VkDeviceImageSubresourceInfo-pCreateInfo-parameter.
        let create = unsafe { &*asked.p_create_info };
        let below = help.layout2.ok_or_else(absent)?;
        let ask = |raw, ours: &_| {
            // SAFETY: VUID-VkDeviceImageSubresourceInfo-pSubresource-parameter.
            let part = unsafe { &*asked.p_subresource };
            // SAFETY: VUID-vkGetDeviceImageSubresourceLayout-pLayout-parameter.
            let out = unsafe { &mut *out };
            // SAFETY: the chains are the application's.
            unsafe { image::layout2(&state, below, raw, ours, part, out) };
        };
        // SAFETY: the arguments are the application's.
        if unsafe { image::with_sample(&state, help, create, ask) }?.is_none() {
            let below = help.device_layout.ok_or_else(absent)?;
            // SAFETY: the arguments are the application's.
            unsafe { below(device, info, out) };
        }
        Ok(())
    });
}

fn absent() -> LayerError {
    LayerError::refused(vk::Result::ERROR_UNKNOWN, "the driver lacks this command")
}
