//! Which commands we hook, and who may see the hook.

use std::ffi::CStr;

use ash::ext::queue_family_foreign;
use ash::vk;
use zerohop_layer::{Barriers, hooks};
use zerohop_manifest::DMABUF;

use crate::device::DeviceState;
use crate::entry::{
    buffer as b, coherence as c, device as d, fence as f, image as m, instance as i, memory as a,
    physical as p, queue as q, semaphore as s,
};
use crate::instance::InstanceState;
use crate::negotiate::{get_device_proc_addr, get_instance_proc_addr};

hooks! {
    /// Commands that need no instance, and the one that layers above ask for without (Mesa's
    /// overlay does). Applications never see this: the loader answers them.
    global:
    b"vkGetInstanceProcAddr" => get_instance_proc_addr, vk::PFN_vkGetInstanceProcAddr;
    b"vkCreateInstance" => i::create_instance, vk::PFN_vkCreateInstance;
    b"vkCreateDevice" => i::create_device, vk::PFN_vkCreateDevice;
    b"vkEnumerateInstanceLayerProperties" => i::enumerate_layers,
        vk::PFN_vkEnumerateInstanceLayerProperties;
    b"vkEnumerateInstanceExtensionProperties" => i::enumerate_instance_extensions,
        vk::PFN_vkEnumerateInstanceExtensionProperties;
}

hooks! {
    /// Commands of an instance or a physical device.
    instance:
    b"vkDestroyInstance" => i::destroy_instance, vk::PFN_vkDestroyInstance;
    b"vkEnumerateDeviceLayerProperties" => i::enumerate_device_layers,
        vk::PFN_vkEnumerateDeviceLayerProperties;
    b"vkEnumerateDeviceExtensionProperties" => i::enumerate_device_extensions,
        vk::PFN_vkEnumerateDeviceExtensionProperties;
    b"vkGetPhysicalDeviceFormatProperties2"
    | b"vkGetPhysicalDeviceFormatProperties2KHR" => p::format_properties2,
        vk::PFN_vkGetPhysicalDeviceFormatProperties2;
    b"vkGetPhysicalDeviceImageFormatProperties2"
    | b"vkGetPhysicalDeviceImageFormatProperties2KHR" => p::image_format_properties2,
        vk::PFN_vkGetPhysicalDeviceImageFormatProperties2;
    b"vkGetPhysicalDeviceExternalBufferProperties"
    | b"vkGetPhysicalDeviceExternalBufferPropertiesKHR" => p::external_buffer_properties,
        vk::PFN_vkGetPhysicalDeviceExternalBufferProperties;
    b"vkGetPhysicalDeviceExternalSemaphoreProperties"
    | b"vkGetPhysicalDeviceExternalSemaphorePropertiesKHR" => p::external_semaphore_properties,
        vk::PFN_vkGetPhysicalDeviceExternalSemaphoreProperties;
    b"vkGetPhysicalDeviceExternalFenceProperties"
    | b"vkGetPhysicalDeviceExternalFencePropertiesKHR" => p::external_fence_properties,
        vk::PFN_vkGetPhysicalDeviceExternalFenceProperties;
    b"vkGetPhysicalDeviceSparseImageFormatProperties2"
    | b"vkGetPhysicalDeviceSparseImageFormatProperties2KHR" => p::sparse_image_format_properties2,
        vk::PFN_vkGetPhysicalDeviceSparseImageFormatProperties2;
}

hooks! {
    /// Commands of any device.
    device:
    b"vkGetDeviceProcAddr" => get_device_proc_addr, vk::PFN_vkGetDeviceProcAddr;
    b"vkDestroyDevice" => d::destroy_device, vk::PFN_vkDestroyDevice;
}

hooks! {
    /// Commands of a device that we help.
    helped:
    b"vkAllocateMemory" => a::allocate, vk::PFN_vkAllocateMemory;
    b"vkFreeMemory" => a::free, vk::PFN_vkFreeMemory;
    b"vkGetMemoryFdKHR" => a::get_fd, vk::PFN_vkGetMemoryFdKHR;
    b"vkGetMemoryFdPropertiesKHR" => a::get_fd_properties, vk::PFN_vkGetMemoryFdPropertiesKHR;
    b"vkCreateBuffer" => b::create, vk::PFN_vkCreateBuffer;
    b"vkDestroyBuffer" => b::destroy, vk::PFN_vkDestroyBuffer;
    b"vkGetBufferMemoryRequirements" => b::requirements, vk::PFN_vkGetBufferMemoryRequirements;
    b"vkGetBufferMemoryRequirements2" | b"vkGetBufferMemoryRequirements2KHR" => b::requirements2,
        vk::PFN_vkGetBufferMemoryRequirements2;
    b"vkGetDeviceBufferMemoryRequirements"
    | b"vkGetDeviceBufferMemoryRequirementsKHR" => b::device_requirements,
        vk::PFN_vkGetDeviceBufferMemoryRequirements;
    b"vkCreateImage" => m::create, vk::PFN_vkCreateImage;
    b"vkDestroyImage" => m::destroy, vk::PFN_vkDestroyImage;
    b"vkGetImageMemoryRequirements" => m::requirements, vk::PFN_vkGetImageMemoryRequirements;
    b"vkGetImageMemoryRequirements2" | b"vkGetImageMemoryRequirements2KHR" => m::requirements2,
        vk::PFN_vkGetImageMemoryRequirements2;
    b"vkGetDeviceImageMemoryRequirements"
    | b"vkGetDeviceImageMemoryRequirementsKHR" => m::device_requirements,
        vk::PFN_vkGetDeviceImageMemoryRequirements;
    b"vkGetDeviceImageSparseMemoryRequirements"
    | b"vkGetDeviceImageSparseMemoryRequirementsKHR" => m::device_sparse_requirements,
        vk::PFN_vkGetDeviceImageSparseMemoryRequirements;
    b"vkBindImageMemory" => m::bind, vk::PFN_vkBindImageMemory;
    b"vkBindImageMemory2" | b"vkBindImageMemory2KHR" => m::bind2, vk::PFN_vkBindImageMemory2;
    b"vkGetImageDrmFormatModifierPropertiesEXT" => m::modifier,
        vk::PFN_vkGetImageDrmFormatModifierPropertiesEXT;
    b"vkGetImageSubresourceLayout" => m::layout, vk::PFN_vkGetImageSubresourceLayout;
    b"vkGetImageSubresourceLayout2"
    | b"vkGetImageSubresourceLayout2KHR"
    | b"vkGetImageSubresourceLayout2EXT" => m::layout2,
        vk::PFN_vkGetImageSubresourceLayout2KHR;
    b"vkGetDeviceImageSubresourceLayout"
    | b"vkGetDeviceImageSubresourceLayoutKHR" => m::device_layout,
        vk::PFN_vkGetDeviceImageSubresourceLayoutKHR;
}

hooks! {
    /// Commands of a device whose `SYNC_FD` is ours.
    synced:
    b"vkCreateSemaphore" => s::create, vk::PFN_vkCreateSemaphore;
    b"vkDestroySemaphore" => s::destroy, vk::PFN_vkDestroySemaphore;
    b"vkImportSemaphoreFdKHR" => s::import, vk::PFN_vkImportSemaphoreFdKHR;
    b"vkGetSemaphoreFdKHR" => s::export, vk::PFN_vkGetSemaphoreFdKHR;
    b"vkCreateFence" => f::create, vk::PFN_vkCreateFence;
    b"vkDestroyFence" => f::destroy, vk::PFN_vkDestroyFence;
    b"vkImportFenceFdKHR" => f::import, vk::PFN_vkImportFenceFdKHR;
    b"vkGetFenceFdKHR" => f::export, vk::PFN_vkGetFenceFdKHR;
    b"vkGetFenceStatus" => f::status, vk::PFN_vkGetFenceStatus;
    b"vkWaitForFences" => f::wait, vk::PFN_vkWaitForFences;
    b"vkResetFences" => f::reset, vk::PFN_vkResetFences;
    b"vkQueueSubmit" => q::submit, vk::PFN_vkQueueSubmit;
    b"vkQueueSubmit2" | b"vkQueueSubmit2KHR" => q::submit2, vk::PFN_vkQueueSubmit2;
    b"vkQueueBindSparse" => q::bind_sparse, vk::PFN_vkQueueBindSparse;
    b"vkQueuePresentKHR" => q::present, vk::PFN_vkQueuePresentKHR;
    b"vkQueueWaitIdle" => q::wait_idle, vk::PFN_vkQueueWaitIdle;
    b"vkDeviceWaitIdle" => q::device_wait_idle, vk::PFN_vkDeviceWaitIdle;
    b"vkQueueBeginDebugUtilsLabelEXT" => q::begin_label, vk::PFN_vkQueueBeginDebugUtilsLabelEXT;
    b"vkQueueEndDebugUtilsLabelEXT" => q::end_label, vk::PFN_vkQueueEndDebugUtilsLabelEXT;
    b"vkQueueInsertDebugUtilsLabelEXT" => q::insert_label, vk::PFN_vkQueueInsertDebugUtilsLabelEXT;
}

hooks! {
    /// Commands of a device that we help, around which a dma-buf of a stranger's changes hands.
    turning:
    b"vkQueueSubmit" => q::submit, vk::PFN_vkQueueSubmit;
    b"vkQueueSubmit2" | b"vkQueueSubmit2KHR" => q::submit2, vk::PFN_vkQueueSubmit2;
    b"vkQueueWaitIdle" => q::wait_idle, vk::PFN_vkQueueWaitIdle;
    b"vkDeviceWaitIdle" => q::device_wait_idle, vk::PFN_vkDeviceWaitIdle;
    b"vkWaitForFences" => f::wait, vk::PFN_vkWaitForFences;
    b"vkGetFenceStatus" => f::status, vk::PFN_vkGetFenceStatus;
    b"vkWaitSemaphores" | b"vkWaitSemaphoresKHR" => c::wait_semaphores, vk::PFN_vkWaitSemaphores;
    b"vkGetSemaphoreCounterValue" | b"vkGetSemaphoreCounterValueKHR" => c::counter_value,
        vk::PFN_vkGetSemaphoreCounterValue;
    b"vkMapMemory" => c::map, vk::PFN_vkMapMemory;
    b"vkMapMemory2" | b"vkMapMemory2KHR" => c::map2, vk::PFN_vkMapMemory2KHR;
    b"vkFlushMappedMemoryRanges" => c::flush, vk::PFN_vkFlushMappedMemoryRanges;
    b"vkInvalidateMappedMemoryRanges" => c::invalidate, vk::PFN_vkInvalidateMappedMemoryRanges;
}

/// What `vkGetInstanceProcAddr` answers.
pub(crate) fn for_instance(handle: vk::Instance, name: &CStr) -> vk::PFN_vkVoidFunction {
    let bytes = name.to_bytes();
    if let Some(hook) = global(bytes) {
        return Some(hook);
    }
    if handle == vk::Instance::null() {
        return None;
    }
    // SAFETY: VUID-vkGetInstanceProcAddr-instance-parameter.
    let state = unsafe { InstanceState::of(handle) }.ok()?;
    let hook = instance(bytes).or_else(|| device(bytes)).or_else(|| helped(bytes));
    let hook = hook.or_else(|| turning(bytes)).or_else(|| synced(bytes));
    let next = state.next(name);
    hook.filter(|_| next.is_some() || is_ours(bytes)).or(next)
}

/// Whether a device may have the command by an extension of ours: an instance cannot know.
fn is_ours(name: &[u8]) -> bool {
    let has = |command: &&str| command.as_bytes() == name;
    DMABUF.device_extensions.iter().any(|one| one.commands.iter().any(has))
}

/// What `vkGetDeviceProcAddr` answers.
pub(crate) fn for_device(handle: vk::Device, name: &CStr) -> vk::PFN_vkVoidFunction {
    let bytes = name.to_bytes();
    if handle == vk::Device::null() {
        return None;
    }
    // SAFETY: VUID-vkGetDeviceProcAddr-device-parameter.
    let state = unsafe { DeviceState::of(handle) }.ok()?;
    if instance(bytes).is_some() {
        return None;
    }
    let help = state.help.as_ref();
    let lacks_foreign = help.is_some_and(|help| help.emulation.owns(queue_family_foreign::NAME));
    let hook = device(bytes)
        .or_else(|| helped(bytes).or_else(|| turning(bytes)).filter(|_| help.is_some()))
        .or_else(|| Barriers::<DeviceState>::hook(bytes).filter(|_| lacks_foreign));
    let hook = hook.or_else(|| synced(bytes).filter(|_| state.sync.is_some()));
    match (hook, state.enabled.provides(name)) {
        (Some(hook), Some(true)) => Some(hook),
        (hook, _) => {
            let next = state.next(name);
            hook.filter(|_| next.is_some()).or(next)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that the manifest promises has a hook.
    #[test]
    fn what_the_manifest_promises_is_there() {
        for extension in DMABUF.device_extensions {
            for name in extension.commands {
                let hook = helped(name.as_bytes()).or_else(|| synced(name.as_bytes()));
                assert!(hook.is_some(), "{name}");
            }
        }
    }
}
