//! Commands of a buffer.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{guard, guard_void};

use crate::buffer;
use crate::device::DeviceState;

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::BufferCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Buffer,
) -> vk::Result {
    guard("vkCreateBuffer", || {
        // SAFETY: VUID-vkCreateBuffer-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let below = state.raw.fp_v1_0().create_buffer;
        let Some(help) = &state.help else {
            // SAFETY: the arguments are the application's.
            return Ok(unsafe { below(device, info, allocator, out) });
        };
        // SAFETY: VUID-vkCreateBuffer-pCreateInfo-parameter.
        let asked = unsafe { &*info };
        // SAFETY: the arguments are the application's, or as good.
        let create =
            |info: &vk::BufferCreateInfo<'_>| unsafe { below(device, info, allocator, out) };
        // SAFETY: the chain is the application's.
        let (code, ours) = unsafe { buffer::as_host_memory(asked, create) }?;
        if ours && code == vk::Result::SUCCESS {
            // SAFETY: the driver has just written it.
            help.buffers.insert(unsafe { *out }, ().into());
        }
        Ok(code)
    })
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    buffer: vk::Buffer,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyBuffer", || {
        // SAFETY: VUID-vkDestroyBuffer-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        if let Some(help) = &state.help {
            help.buffers.remove(&buffer);
        }
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().destroy_buffer)(device, buffer, allocator) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn requirements(
    device: vk::Device,
    buffer: vk::Buffer,
    out: *mut vk::MemoryRequirements,
) {
    guard_void("vkGetBufferMemoryRequirements", || {
        // SAFETY: VUID-vkGetBufferMemoryRequirements-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the arguments are the application's.
        unsafe { (state.raw.fp_v1_0().get_buffer_memory_requirements)(device, buffer, out) };
        // SAFETY: VUID-vkGetBufferMemoryRequirements-pMemoryRequirements-parameter.
        buffer::adjust(&state, buffer, unsafe { &mut *out });
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn requirements2(
    device: vk::Device,
    info: *const vk::BufferMemoryRequirementsInfo2<'_>,
    out: *mut vk::MemoryRequirements2<'_>,
) {
    guard_void("vkGetBufferMemoryRequirements2", || {
        // SAFETY: VUID-vkGetBufferMemoryRequirements2-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { (state.raw.fp_v1_1().get_buffer_memory_requirements2)(device, info, out) };
        // SAFETY: VUID-vkGetBufferMemoryRequirements2-pInfo-parameter.
        let buffer = unsafe { &*info }.buffer;
        // SAFETY: VUID-vkGetBufferMemoryRequirements2-pMemoryRequirements-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: the chain is the application's to be filled in.
        unsafe { buffer::adjust2(&state, buffer, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn device_requirements(
    device: vk::Device,
    info: *const vk::DeviceBufferMemoryRequirements<'_>,
    out: *mut vk::MemoryRequirements2<'_>,
) {
    guard_void("vkGetDeviceBufferMemoryRequirements", || {
        // SAFETY: VUID-vkGetDeviceBufferMemoryRequirements-device-parameter.
        let state = unsafe { DeviceState::of(device) }?;
        let below = state.raw.fp_v1_3().get_device_buffer_memory_requirements;
        // SAFETY: VUID-vkGetDeviceBufferMemoryRequirements-pInfo-parameter.
        let asked = unsafe { &*info };
        // SAFETY: VUID-VkDeviceBufferMemoryRequirements-pCreateInfo-parameter.
        let create = unsafe { &*asked.p_create_info };
        let ask = |create: &vk::BufferCreateInfo<'_>| {
            let info = vk::DeviceBufferMemoryRequirements { p_create_info: create, ..*asked };
            // SAFETY: the arguments are the application's, and the next layer has the command.
            unsafe { below(device, &info, out) };
            vk::Result::SUCCESS
        };
        // SAFETY: the chain is the application's.
        let (_, ours) = unsafe { buffer::as_host_memory(create, ask) }?;
        if let Some(help) = state.help.as_ref().filter(|_| ours) {
            // SAFETY: VUID-vkGetDeviceBufferMemoryRequirements-pMemoryRequirements-parameter.
            crate::image::adjust(help, unsafe { &mut (*out).memory_requirements });
        }
        Ok(())
    });
}
