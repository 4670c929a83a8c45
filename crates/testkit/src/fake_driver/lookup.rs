//! Names to commands.

use std::ffi::{CStr, c_char};
use std::mem;

use ash::vk::{self, Handle};

use super::handles::state_of;
use super::{buffer, compute, device, instance, memory, physical, submit, sync};

/// Finds a command by its name; the type of each is checked against its name's.
macro_rules! commands {
    ($name:expr; $($text:literal: $kind:ty = $function:path,)*) => {
        match $name {
            $($text => {
                let function: $kind = $function;
                // SAFETY: `PFN_vkVoidFunction` stands for every command; who asks by name knows
                // its type.
                Some(unsafe { mem::transmute::<$kind, unsafe extern "system" fn()>(function) })
            })*
            _ => None,
        }
    };
}

/// `vkGetInstanceProcAddr` of the driver.
///
/// # Safety
///
/// As the command's valid usage says.
pub unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: VUID-vkGetInstanceProcAddr-pName-parameter.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if !instance.is_null() && is_ours_to_refuse(name) {
        return surface_command();
    }
    instance_command(name).or_else(|| device_command(name))
}

fn instance_command(name: &[u8]) -> vk::PFN_vkVoidFunction {
    commands! { name;
        b"vkGetInstanceProcAddr": vk::PFN_vkGetInstanceProcAddr = get_instance_proc_addr,
        b"vkCreateInstance": vk::PFN_vkCreateInstance = instance::create_instance,
        b"vkDestroyInstance": vk::PFN_vkDestroyInstance = instance::destroy_instance,
        b"vkEnumeratePhysicalDevices": vk::PFN_vkEnumeratePhysicalDevices =
            instance::enumerate_physical_devices,
        b"vkEnumerateDeviceExtensionProperties": vk::PFN_vkEnumerateDeviceExtensionProperties =
            physical::enumerate_extensions,
        b"vkGetPhysicalDeviceProperties": vk::PFN_vkGetPhysicalDeviceProperties =
            physical::properties,
        b"vkGetPhysicalDeviceProperties2": vk::PFN_vkGetPhysicalDeviceProperties2 =
            physical::properties2,
        b"vkGetPhysicalDeviceFeatures": vk::PFN_vkGetPhysicalDeviceFeatures = physical::features,
        b"vkGetPhysicalDeviceFeatures2": vk::PFN_vkGetPhysicalDeviceFeatures2 =
            physical::features2,
        b"vkGetPhysicalDeviceMemoryProperties": vk::PFN_vkGetPhysicalDeviceMemoryProperties =
            physical::memory_properties,
        b"vkGetPhysicalDeviceQueueFamilyProperties":
            vk::PFN_vkGetPhysicalDeviceQueueFamilyProperties = physical::queue_families,
        b"vkGetPhysicalDeviceFormatProperties": vk::PFN_vkGetPhysicalDeviceFormatProperties =
            physical::format_properties,
        b"vkGetPhysicalDeviceFormatProperties2": vk::PFN_vkGetPhysicalDeviceFormatProperties2 =
            physical::format_properties2,
        b"vkGetPhysicalDeviceImageFormatProperties":
            vk::PFN_vkGetPhysicalDeviceImageFormatProperties = physical::image_format_properties,
        b"vkGetPhysicalDeviceImageFormatProperties2":
            vk::PFN_vkGetPhysicalDeviceImageFormatProperties2 = physical::image_format_properties2,
        b"vkGetPhysicalDeviceExternalBufferProperties":
            vk::PFN_vkGetPhysicalDeviceExternalBufferProperties =
            physical::external_buffer_properties,
        b"vkGetPhysicalDeviceExternalSemaphoreProperties":
            vk::PFN_vkGetPhysicalDeviceExternalSemaphoreProperties =
            physical::external_semaphore_properties,
        b"vkGetPhysicalDeviceExternalFenceProperties":
            vk::PFN_vkGetPhysicalDeviceExternalFenceProperties =
            physical::external_fence_properties,
        b"vkCreateDevice": vk::PFN_vkCreateDevice = device::create_device,
    }
}

/// `vkGetDeviceProcAddr` of the driver.
///
/// # Safety
///
/// As the command's valid usage says.
pub unsafe extern "system" fn get_device_proc_addr(
    _: vk::Device,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if is_ours_to_refuse(name) { surface_command() } else { device_command(name) }
}

// Long because there are so many commands.
fn device_command(name: &[u8]) -> vk::PFN_vkVoidFunction {
    commands! { name;
        b"vkGetDeviceProcAddr": vk::PFN_vkGetDeviceProcAddr = get_device_proc_addr,
        b"vkDestroyDevice": vk::PFN_vkDestroyDevice = device::destroy_device,
        b"vkGetDeviceQueue": vk::PFN_vkGetDeviceQueue = device::get_device_queue,
        b"vkDeviceWaitIdle": vk::PFN_vkDeviceWaitIdle = device::device_wait_idle,
        b"vkQueueWaitIdle": vk::PFN_vkQueueWaitIdle = device::queue_wait_idle,
        b"vkQueueSubmit": vk::PFN_vkQueueSubmit = submit::queue_submit,
        b"vkCreateImage": vk::PFN_vkCreateImage = device::create_image,
        b"vkDestroyImage": vk::PFN_vkDestroyImage = device::destroy_image,
        b"vkGetImageMemoryRequirements": vk::PFN_vkGetImageMemoryRequirements =
            device::image_requirements,
        b"vkGetImageMemoryRequirements2": vk::PFN_vkGetImageMemoryRequirements2 =
            device::image_requirements2,
        b"vkGetImageSubresourceLayout": vk::PFN_vkGetImageSubresourceLayout =
            device::subresource_layout,
        b"vkGetImageDrmFormatModifierPropertiesEXT":
            vk::PFN_vkGetImageDrmFormatModifierPropertiesEXT = device::image_modifier,
        b"vkCreateBuffer": vk::PFN_vkCreateBuffer = buffer::create_buffer,
        b"vkDestroyBuffer": vk::PFN_vkDestroyBuffer = buffer::destroy_buffer,
        b"vkGetBufferMemoryRequirements": vk::PFN_vkGetBufferMemoryRequirements =
            buffer::buffer_requirements,
        b"vkBindBufferMemory": vk::PFN_vkBindBufferMemory = buffer::bind_buffer_memory,
        b"vkMapMemory": vk::PFN_vkMapMemory = buffer::map_memory,
        b"vkInvalidateMappedMemoryRanges": vk::PFN_vkInvalidateMappedMemoryRanges =
            buffer::invalidate,
        b"vkGetMemoryHostPointerPropertiesEXT": vk::PFN_vkGetMemoryHostPointerPropertiesEXT =
            buffer::host_pointer_properties,
        b"vkCmdCopyImageToBuffer": vk::PFN_vkCmdCopyImageToBuffer = buffer::copy_image_to_buffer,
        b"vkAllocateMemory": vk::PFN_vkAllocateMemory = memory::allocate_memory,
        b"vkFreeMemory": vk::PFN_vkFreeMemory = memory::free_memory,
        b"vkBindImageMemory": vk::PFN_vkBindImageMemory = memory::bind_image_memory,
        b"vkBindImageMemory2": vk::PFN_vkBindImageMemory2 = memory::bind_image_memory2,
        b"vkGetMemoryFdKHR": vk::PFN_vkGetMemoryFdKHR = memory::get_memory_fd,
        b"vkCreateSemaphore": vk::PFN_vkCreateSemaphore = sync::create_semaphore,
        b"vkDestroySemaphore": vk::PFN_vkDestroySemaphore = sync::destroy_semaphore,
        b"vkImportSemaphoreFdKHR": vk::PFN_vkImportSemaphoreFdKHR = sync::import_semaphore_fd,
        b"vkGetSemaphoreFdKHR": vk::PFN_vkGetSemaphoreFdKHR = sync::get_semaphore_fd,
        b"vkCreateFence": vk::PFN_vkCreateFence = sync::create_fence,
        b"vkDestroyFence": vk::PFN_vkDestroyFence = sync::destroy_fence,
        b"vkResetFences": vk::PFN_vkResetFences = sync::reset_fences,
        b"vkWaitForFences": vk::PFN_vkWaitForFences = sync::wait_for_fences,
        b"vkGetFenceStatus": vk::PFN_vkGetFenceStatus = sync::fence_status,
        b"vkImportFenceFdKHR": vk::PFN_vkImportFenceFdKHR = sync::import_fence_fd,
        b"vkGetFenceFdKHR": vk::PFN_vkGetFenceFdKHR = sync::get_fence_fd,
        b"vkCreateCommandPool": vk::PFN_vkCreateCommandPool = submit::create_command_pool,
        b"vkDestroyCommandPool": vk::PFN_vkDestroyCommandPool = submit::destroy_command_pool,
        b"vkAllocateCommandBuffers": vk::PFN_vkAllocateCommandBuffers =
            submit::allocate_command_buffers,
        b"vkFreeCommandBuffers": vk::PFN_vkFreeCommandBuffers = submit::free_command_buffers,
        b"vkBeginCommandBuffer": vk::PFN_vkBeginCommandBuffer = submit::begin_command_buffer,
        b"vkEndCommandBuffer": vk::PFN_vkEndCommandBuffer = submit::end_command_buffer,
        b"vkCmdPipelineBarrier": vk::PFN_vkCmdPipelineBarrier = submit::pipeline_barrier,
        b"vkCreateImageView": vk::PFN_vkCreateImageView = compute::create_image_view,
        b"vkDestroyImageView": vk::PFN_vkDestroyImageView = compute::destroy_image_view,
        b"vkCreateDescriptorSetLayout": vk::PFN_vkCreateDescriptorSetLayout =
            compute::create_set_layout,
        b"vkDestroyDescriptorSetLayout": vk::PFN_vkDestroyDescriptorSetLayout =
            compute::destroy_set_layout,
        b"vkCreatePipelineLayout": vk::PFN_vkCreatePipelineLayout = compute::create_pipeline_layout,
        b"vkDestroyPipelineLayout": vk::PFN_vkDestroyPipelineLayout =
            compute::destroy_pipeline_layout,
        b"vkCreateShaderModule": vk::PFN_vkCreateShaderModule = compute::create_shader_module,
        b"vkDestroyShaderModule": vk::PFN_vkDestroyShaderModule = compute::destroy_shader_module,
        b"vkCreateComputePipelines": vk::PFN_vkCreateComputePipelines =
            compute::create_compute_pipelines,
        b"vkDestroyPipeline": vk::PFN_vkDestroyPipeline = compute::destroy_pipeline,
        b"vkCreateDescriptorPool": vk::PFN_vkCreateDescriptorPool = compute::create_descriptor_pool,
        b"vkDestroyDescriptorPool": vk::PFN_vkDestroyDescriptorPool =
            compute::destroy_descriptor_pool,
        b"vkAllocateDescriptorSets": vk::PFN_vkAllocateDescriptorSets =
            compute::allocate_descriptor_sets,
        b"vkUpdateDescriptorSets": vk::PFN_vkUpdateDescriptorSets = compute::update_descriptor_sets,
        b"vkCmdBindPipeline": vk::PFN_vkCmdBindPipeline = compute::bind_pipeline,
        b"vkCmdBindDescriptorSets": vk::PFN_vkCmdBindDescriptorSets = compute::bind_descriptor_sets,
        b"vkCmdDispatch": vk::PFN_vkCmdDispatch = compute::dispatch,
    }
}

/// Commands that take a surface or a swapchain. The driver has never made one.
fn is_ours_to_refuse(name: &[u8]) -> bool {
    let text = str::from_utf8(name).unwrap_or("");
    ["Surface", "Swapchain", "vkAcquireNextImage", "vkQueuePresent"]
        .iter()
        .any(|part| text.contains(part))
}

/// Stands for all of them: every one has a handle with a dispatch pointer first.
unsafe extern "system" fn surface(first: vk::Device) -> vk::Result {
    // SAFETY: the handle is live and ours, whichever of ours it is.
    let state = unsafe { state_of(first) };
    let mut inner = state.lock();
    inner.count("a surface or swapchain command");
    inner.complain("a surface or swapchain command reached the driver".to_owned());
    vk::Result::ERROR_SURFACE_LOST_KHR
}

fn surface_command() -> vk::PFN_vkVoidFunction {
    type Command = unsafe extern "system" fn(vk::Device) -> vk::Result;
    // SAFETY: in the C calling convention of this platform the caller removes what it passed, so
    // a command that looks at its first argument only can stand for one of more.
    Some(unsafe { mem::transmute::<Command, unsafe extern "system" fn()>(surface) })
}
