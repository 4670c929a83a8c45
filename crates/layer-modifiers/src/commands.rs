//! The commands that are hooked.

use ash::vk;
use zerohop_layer::hooks;

use crate::{buffer, image, memory, physical, recording};

hooks! {
    /// Of instances.
    pub(crate) instance:
    b"vkGetPhysicalDeviceProperties2"
    | b"vkGetPhysicalDeviceProperties2KHR" => physical::properties,
        vk::PFN_vkGetPhysicalDeviceProperties2;
    b"vkGetPhysicalDeviceFormatProperties2"
    | b"vkGetPhysicalDeviceFormatProperties2KHR" => physical::format_properties,
        vk::PFN_vkGetPhysicalDeviceFormatProperties2;
    b"vkGetPhysicalDeviceImageFormatProperties2"
    | b"vkGetPhysicalDeviceImageFormatProperties2KHR" => physical::image_format_properties,
        vk::PFN_vkGetPhysicalDeviceImageFormatProperties2;
}

hooks! {
    /// Of devices.
    pub(crate) device:
    b"vkAllocateMemory" => memory::allocate, vk::PFN_vkAllocateMemory;
    b"vkFreeMemory" => memory::free, vk::PFN_vkFreeMemory;
    b"vkCreateImage" => image::create, vk::PFN_vkCreateImage;
    b"vkDestroyImage" => image::destroy, vk::PFN_vkDestroyImage;
    b"vkGetImageMemoryRequirements" => image::requirements, vk::PFN_vkGetImageMemoryRequirements;
    b"vkGetImageMemoryRequirements2" | b"vkGetImageMemoryRequirements2KHR" => image::requirements2,
        vk::PFN_vkGetImageMemoryRequirements2;
    b"vkBindImageMemory" => image::bind, vk::PFN_vkBindImageMemory;
    b"vkBindImageMemory2" | b"vkBindImageMemory2KHR" => image::bind2, vk::PFN_vkBindImageMemory2;
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
