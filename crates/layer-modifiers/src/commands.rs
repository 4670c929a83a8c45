//! The commands that are hooked, and those that begin a device.

use ash::vk;
use zerohop_layer::{guard, hooks, thin};

use crate::state::Device;
use crate::{
    buffer, get_device_proc_addr, get_instance_proc_addr, image, memory, physical, recording,
};

hooks! {
    /// Of instances.
    instance:
    b"vkGetInstanceProcAddr" => get_instance_proc_addr, vk::PFN_vkGetInstanceProcAddr;
    b"vkCreateInstance" => thin::create_instance::<Device>, vk::PFN_vkCreateInstance;
    b"vkDestroyInstance" => thin::destroy_instance::<Device>, vk::PFN_vkDestroyInstance;
    b"vkCreateDevice" => create_device, vk::PFN_vkCreateDevice;
    b"vkGetPhysicalDeviceProperties2" => physical::properties,
        vk::PFN_vkGetPhysicalDeviceProperties2;
    b"vkGetPhysicalDeviceProperties2KHR" => physical::properties,
        vk::PFN_vkGetPhysicalDeviceProperties2;
    b"vkGetPhysicalDeviceFormatProperties2" => physical::format_properties,
        vk::PFN_vkGetPhysicalDeviceFormatProperties2;
    b"vkGetPhysicalDeviceFormatProperties2KHR" => physical::format_properties,
        vk::PFN_vkGetPhysicalDeviceFormatProperties2;
    b"vkGetPhysicalDeviceImageFormatProperties2" => physical::image_format_properties,
        vk::PFN_vkGetPhysicalDeviceImageFormatProperties2;
    b"vkGetPhysicalDeviceImageFormatProperties2KHR" => physical::image_format_properties,
        vk::PFN_vkGetPhysicalDeviceImageFormatProperties2;
}

hooks! {
    /// Of devices.
    device:
    b"vkGetDeviceProcAddr" => get_device_proc_addr, vk::PFN_vkGetDeviceProcAddr;
    b"vkDestroyDevice" => thin::destroy_device::<Device>, vk::PFN_vkDestroyDevice;
    b"vkAllocateMemory" => memory::allocate, vk::PFN_vkAllocateMemory;
    b"vkFreeMemory" => memory::free, vk::PFN_vkFreeMemory;
    b"vkCreateImage" => image::create, vk::PFN_vkCreateImage;
    b"vkDestroyImage" => image::destroy, vk::PFN_vkDestroyImage;
    b"vkGetImageMemoryRequirements" => image::requirements, vk::PFN_vkGetImageMemoryRequirements;
    b"vkGetImageMemoryRequirements2" => image::requirements2,
        vk::PFN_vkGetImageMemoryRequirements2;
    b"vkGetImageMemoryRequirements2KHR" => image::requirements2,
        vk::PFN_vkGetImageMemoryRequirements2;
    b"vkBindImageMemory" => image::bind, vk::PFN_vkBindImageMemory;
    b"vkBindImageMemory2" => image::bind2, vk::PFN_vkBindImageMemory2;
    b"vkBindImageMemory2KHR" => image::bind2, vk::PFN_vkBindImageMemory2;
    b"vkCreateBuffer" => buffer::create, vk::PFN_vkCreateBuffer;
    b"vkDestroyBuffer" => buffer::destroy, vk::PFN_vkDestroyBuffer;
    b"vkBeginCommandBuffer" => recording::begin, vk::PFN_vkBeginCommandBuffer;
    b"vkEndCommandBuffer" => recording::end, vk::PFN_vkEndCommandBuffer;
    b"vkCmdPipelineBarrier" => recording::pipeline_barrier, vk::PFN_vkCmdPipelineBarrier;
    b"vkCmdFillBuffer" => recording::fill, vk::PFN_vkCmdFillBuffer;
    b"vkCmdCopyBuffer" => recording::copy, vk::PFN_vkCmdCopyBuffer;
    b"vkCmdCopyBufferToImage" => recording::copy_in, vk::PFN_vkCmdCopyBufferToImage;
    b"vkCmdCopyImageToBuffer" => recording::copy_out, vk::PFN_vkCmdCopyImageToBuffer;
}

pub(crate) fn instance_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    instance(name)
}

pub(crate) fn device_hook(name: &[u8]) -> vk::PFN_vkVoidFunction {
    device(name)
}

unsafe extern "system" fn create_device(
    physical: vk::PhysicalDevice,
    info: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Device,
) -> vk::Result {
    guard("vkCreateDevice", || {
        let tables = <Device as thin::Thin>::tables();
        // SAFETY: VUID-vkCreateDevice-physicalDevice-parameter.
        let instance = unsafe { tables.instance(physical) }?;
        // SAFETY: VUID-vkCreateDevice-pCreateInfo-parameter.
        let info = unsafe { &*info };
        let own =
            |_: &zerohop_layer::link::Next, raw, get| Device::new(raw, get, instance, physical);
        // SAFETY: the caller's arguments.
        unsafe { tables.create_device(physical, info, allocator, out, own) }
    })
}
