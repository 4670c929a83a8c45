//! Commands of a swapchain, and those that can name one.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{Doing as _, LayerError, chain, guard, guard_void, write_list};

use super::slice;
use crate::device::DeviceState;
use crate::newer::PresentWait2;
use crate::swapchain::{self, AcquireRequest, Swapchain};

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::SwapchainCreateInfoKHR<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SwapchainKHR,
) -> vk::Result {
    guard("vkCreateSwapchainKHR", || {
        // SAFETY: VUID-vkCreateSwapchainKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateSwapchainKHR-pCreateInfo-parameter.
        let info = unsafe { &*info };
        let surface = state.instance.surface(info.surface)?.ok_or_else(foreign)?;
        let old = state.swapchains.get(&info.old_swapchain);
        let swapchain = swapchain::create(&state, &surface, info, old)?;
        let handle = zerohop_layer::handle_of(&swapchain);
        state.swapchains.insert(handle, swapchain);
        // SAFETY: VUID-vkCreateSwapchainKHR-pSwapchain-parameter.
        unsafe { *out = handle };
        Ok(vk::Result::SUCCESS)
    })
}

fn foreign() -> LayerError {
    LayerError::refused(
        vk::Result::ERROR_NATIVE_WINDOW_IN_USE_KHR,
        "no swapchain of this layer's for a surface of another kind",
    )
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    handle: vk::SwapchainKHR,
    _allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroySwapchainKHR", || {
        // SAFETY: VUID-vkDestroySwapchainKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(swapchain) = state.swapchains.remove(&handle) {
            let object = vk::Handle::as_raw(handle);
            state.private_data.remove_unless(|(_, named)| *named != object);
            swapchain::destroy(swapchain);
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn images(
    device: vk::Device,
    handle: vk::SwapchainKHR,
    count: *mut u32,
    out: *mut vk::Image,
) -> vk::Result {
    guard("vkGetSwapchainImagesKHR", || {
        // SAFETY: VUID-vkGetSwapchainImagesKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let swapchain = state.swapchain(handle)?;
        // SAFETY: VUID-vkGetSwapchainImagesKHR-pSwapchainImages-parameter.
        Ok(unsafe { write_list(swapchain.images(), count, out) })
    })
}

pub(crate) unsafe extern "system" fn acquire(
    device: vk::Device,
    handle: vk::SwapchainKHR,
    timeout: u64,
    semaphore: vk::Semaphore,
    fence: vk::Fence,
    out: *mut u32,
) -> vk::Result {
    guard("vkAcquireNextImageKHR", || {
        // SAFETY: VUID-vkAcquireNextImageKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let request = AcquireRequest { timeout, semaphore, fence };
        // SAFETY: VUID-vkAcquireNextImageKHR-pImageIndex-parameter.
        unsafe { acquire_into(&*state.swapchain(handle)?, request, out) }
    })
}

pub(crate) unsafe extern "system" fn acquire2(
    device: vk::Device,
    info: *const vk::AcquireNextImageInfoKHR<'_>,
    out: *mut u32,
) -> vk::Result {
    guard("vkAcquireNextImage2KHR", || {
        // SAFETY: VUID-vkAcquireNextImage2KHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkAcquireNextImage2KHR-pAcquireInfo-parameter.
        let info = unsafe { &*info };
        let request =
            AcquireRequest { timeout: info.timeout, semaphore: info.semaphore, fence: info.fence };
        // SAFETY: VUID-vkAcquireNextImage2KHR-pImageIndex-parameter.
        unsafe { acquire_into(&*state.swapchain(info.swapchain)?, request, out) }
    })
}

/// # Safety
///
/// `out` may be written.
unsafe fn acquire_into(
    swapchain: &Swapchain,
    request: AcquireRequest,
    out: *mut u32,
) -> Result<vk::Result, LayerError> {
    let (index, code) = swapchain.acquire(request)?;
    if let Some(index) = index {
        // SAFETY: the caller's promise.
        unsafe { *out = index };
    }
    Ok(code)
}

pub(crate) unsafe extern "system" fn present(
    queue: vk::Queue,
    info: *const vk::PresentInfoKHR<'_>,
) -> vk::Result {
    guard("vkQueuePresentKHR", || {
        // SAFETY: VUID-vkQueuePresentKHR-queue-parameter.
        let state = unsafe { DeviceState::of(queue) }?;
        // SAFETY: VUID-vkQueuePresentKHR-pPresentInfo-parameter.
        let info = unsafe { &*info };
        swapchain::present(&state, &state.queue(queue)?, info)
    })
}

pub(crate) unsafe extern "system" fn release_images(
    device: vk::Device,
    info: *const vk::ReleaseSwapchainImagesInfoEXT<'_>,
) -> vk::Result {
    guard("vkReleaseSwapchainImagesEXT", || {
        // SAFETY: VUID-vkReleaseSwapchainImagesEXT-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkReleaseSwapchainImagesEXT-pReleaseInfo-parameter.
        let info = unsafe { &*info };
        // SAFETY: VUID-VkReleaseSwapchainImagesInfoEXT-pImageIndices-parameter.
        let indices = unsafe { slice(info.p_image_indices, info.image_index_count) };
        state.swapchain(info.swapchain)?.release_images(indices)?;
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn wait_for_present(
    device: vk::Device,
    handle: vk::SwapchainKHR,
    id: u64,
    timeout: u64,
) -> vk::Result {
    guard("vkWaitForPresentKHR", || {
        // SAFETY: VUID-vkWaitForPresentKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        state.swapchain(handle)?.wait_for_present(id, timeout)
    })
}

pub(crate) unsafe extern "system" fn wait_for_present2(
    device: vk::Device,
    handle: vk::SwapchainKHR,
    info: *const PresentWait2<'_>,
) -> vk::Result {
    // SAFETY: VUID-vkWaitForPresent2KHR-pPresentWait2Info-parameter.
    let PresentWait2 { present_id, timeout, .. } = unsafe { *info };
    // SAFETY: the other arguments are the application's.
    unsafe { wait_for_present(device, handle, present_id, timeout) }
}

pub(crate) unsafe extern "system" fn group_capabilities(
    _device: vk::Device,
    out: *mut vk::DeviceGroupPresentCapabilitiesKHR<'_>,
) -> vk::Result {
    guard("vkGetDeviceGroupPresentCapabilitiesKHR", || {
        // SAFETY: VUID-vkGetDeviceGroupPresentCapabilitiesKHR-pDeviceGroupPresentCapabilities-parameter.
        let out = unsafe { &mut *out };
        out.present_mask = [0; vk::MAX_DEVICE_GROUP_SIZE];
        out.present_mask[0] = 1;
        out.modes = vk::DeviceGroupPresentModeFlagsKHR::LOCAL;
        Ok(vk::Result::SUCCESS)
    })
}

pub(crate) unsafe extern "system" fn group_modes(
    device: vk::Device,
    surface: vk::SurfaceKHR,
    out: *mut vk::DeviceGroupPresentModeFlagsKHR,
) -> vk::Result {
    guard("vkGetDeviceGroupSurfacePresentModesKHR", || {
        // SAFETY: VUID-vkGetDeviceGroupSurfacePresentModesKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        state.instance.surface(surface)?;
        // SAFETY: VUID-vkGetDeviceGroupSurfacePresentModesKHR-pModes-parameter.
        unsafe { *out = vk::DeviceGroupPresentModeFlagsKHR::LOCAL };
        Ok(vk::Result::SUCCESS)
    })
}

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
        let Some(swapchain) = like.map(|it| it.swapchain).filter(|it| *it != Default::default())
        else {
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
