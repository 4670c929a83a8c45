//! Commands of a swapchain.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{LayerError, guard, guard_void, write_list};

use super::slice;
use crate::device::{DeviceState, Whose};
use crate::newer::PresentWait2;
use crate::swapchain::{self, AcquireRequest, Swapchain};

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::SwapchainCreateInfoKHR<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::SwapchainKHR,
) -> vk::Result {
    guard("vkCreateSwapchainKHR", || {
        // SAFETY: VUID-vkCreateSwapchainKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: VUID-vkCreateSwapchainKHR-pCreateInfo-parameter.
        let info = unsafe { &*info };
        let Some(surface) = state.instance.surface(info.surface)? else {
            let theirs = state.foreign_swapchains.as_ref().ok_or_else(foreign)?;
            // An old one of ours is of no use to the driver.
            let ours = state.swapchains.contains(&info.old_swapchain);
            let old_swapchain = if ours { Default::default() } else { info.old_swapchain };
            let info = vk::SwapchainCreateInfoKHR { old_swapchain, ..*info };
            // SAFETY: the arguments are the application's, and the surface is not ours.
            return Ok(unsafe { (theirs.create_swapchain_khr)(device, &info, allocator, out) });
        };
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
        vk::Result::ERROR_INITIALIZATION_FAILED,
        "the driver has no swapchains for a surface that is not ours",
    )
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    handle: vk::SwapchainKHR,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroySwapchainKHR", || {
        // SAFETY: VUID-vkDestroySwapchainKHR-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(swapchain) = state.swapchains.remove(&handle) {
            let object = vk::Handle::as_raw(handle);
            state.private_data.remove_unless(|(_, named)| *named != object);
            swapchain::destroy(swapchain);
        } else if let Some(theirs) = &state.foreign_swapchains {
            // SAFETY: the arguments are the application's, and the swapchain is not ours.
            unsafe { (theirs.destroy_swapchain_khr)(device, handle, allocator) };
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
        match state.whose(handle)? {
            // SAFETY: VUID-vkGetSwapchainImagesKHR-pSwapchainImages-parameter.
            Whose::Ours(swapchain) => Ok(unsafe { write_list(swapchain.images(), count, out) }),
            Whose::Theirs(theirs) => {
                // SAFETY: the arguments are the application's, and the swapchain is not ours.
                Ok(unsafe { (theirs.get_swapchain_images_khr)(device, handle, count, out) })
            }
        }
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
        match state.whose(handle)? {
            // SAFETY: VUID-vkAcquireNextImageKHR-pImageIndex-parameter.
            Whose::Ours(swapchain) => unsafe { acquire_into(&swapchain, request, out) },
            Whose::Theirs(theirs) => {
                let acquire = theirs.acquire_next_image_khr;
                // SAFETY: the arguments are the application's, and the swapchain is not ours.
                Ok(unsafe { acquire(device, handle, timeout, semaphore, fence, out) })
            }
        }
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
        let vk::AcquireNextImageInfoKHR { timeout, semaphore, fence, .. } = *info;
        match state.whose(info.swapchain)? {
            Whose::Ours(swapchain) => {
                let request = AcquireRequest { timeout, semaphore, fence };
                // SAFETY: VUID-vkAcquireNextImage2KHR-pImageIndex-parameter.
                unsafe { acquire_into(&swapchain, request, out) }
            }
            Whose::Theirs(theirs) => {
                // SAFETY: the arguments are the application's, and the swapchain is not ours.
                Ok(unsafe { (theirs.acquire_next_image2_khr)(device, info, out) })
            }
        }
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
        let known = state.queue(queue)?;
        // SAFETY: VUID-VkPresentInfoKHR-pSwapchains-parameter.
        let handles = unsafe { slice(info.p_swapchains, info.swapchain_count) };
        match &state.foreign_swapchains {
            // Of a present to both kinds, ours are presented and the driver's are refused.
            Some(theirs) if !handles.iter().any(|handle| state.swapchains.contains(handle)) => {
                let _lock = known.lock();
                // SAFETY: the arguments are the application's, and no swapchain is ours.
                Ok(unsafe { (theirs.queue_present_khr)(queue, info) })
            }
            _ => swapchain::present(&state, &known, info),
        }
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
        match (state.instance.surface(surface)?, &state.foreign_swapchains) {
            (None, Some(theirs)) => {
                let modes = theirs.get_device_group_surface_present_modes_khr;
                // SAFETY: the arguments are the application's, and the surface is not ours.
                Ok(unsafe { modes(device, surface, out) })
            }
            _ => {
                // SAFETY: VUID-vkGetDeviceGroupSurfacePresentModesKHR-pModes-parameter.
                unsafe { *out = vk::DeviceGroupPresentModeFlagsKHR::LOCAL };
                Ok(vk::Result::SUCCESS)
            }
        }
    })
}
