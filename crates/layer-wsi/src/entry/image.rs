//! Commands of an image that can name a swapchain.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Doing as _, chain, guard, guard_void};

use super::slice;
use crate::device::DeviceState;
use crate::swapchain;

pub(crate) unsafe extern "system" fn create_image(
    device: vk::Device,
    info: *const vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Image,
) -> vk::Result {
    guard("vkCreateImage", || {
        // SAFETY: VUID-vkCreateImage-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateImage-pCreateInfo-parameter.
        let p_next = unsafe { &*info }.p_next;
        // SAFETY: VUID-VkImageCreateInfo-pNext-pNext.
        let like = unsafe { chain::get::<vk::ImageSwapchainCreateInfoKHR<'_>>(p_next) };
        let ours = |it: &vk::SwapchainKHR| state.swapchains.contains(it);
        let Some(swapchain) = like.map(|it| it.swapchain).filter(ours) else {
            let create = state.raw.fp_v1_0().create_image;
            // SAFETY: the arguments are the application's.
            return unsafe { create(device, info, allocator, out) }.doing("create an image");
        };
        // SAFETY: VUID-vkCreateImage-pCreateInfo-parameter.
        let image = state.swapchain(swapchain)?.create_image(unsafe { &*info }, allocator)?;
        // SAFETY: VUID-vkCreateImage-pImage-parameter.
        unsafe { *out = image };
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn destroy_image(
    device: vk::Device,
    image: vk::Image,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyImage", || {
        // SAFETY: VUID-vkDestroyImage-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let alias = swapchain::forget_image(&state, image);
        let destroy = state.raw.fp_v1_0().destroy_image;
        // SAFETY: the arguments are the application's.
        unsafe { destroy(device, image, allocator) };
        drop(alias);
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn bind_image_memory2(
    device: vk::Device,
    count: u32,
    infos: *const vk::BindImageMemoryInfo<'_>,
) -> vk::Result {
    guard("vkBindImageMemory2", || {
        // SAFETY: VUID-vkBindImageMemory2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkBindImageMemory2-pBindInfos-parameter.
        let infos = unsafe { slice(infos, count) };
        swapchain::bind_image_memory(&state, infos)
    })
}
