//! Buffers: whose memory they are for.

use ash::vk;
use zerohop_layer::{chain, guard, guard_void};

use crate::owners::Object;
use crate::state::Device;

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::BufferCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Buffer,
) -> vk::Result {
    guard("vkCreateBuffer", || {
        // SAFETY: VUID-vkCreateBuffer-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkCreateBuffer-pCreateInfo-parameter.
        let p_next = unsafe { (*info).p_next };
        // SAFETY: the chain is the caller's.
        let external = unsafe { chain::get::<vk::ExternalMemoryBufferCreateInfo<'_>>(p_next) };
        let kinds = external.map(|external| external.handle_types).unwrap_or_default();
        // SAFETY: the caller's arguments.
        let code = unsafe { (state.raw.fp_v1_0().create_buffer)(device, info, allocator, out) };
        if code == vk::Result::SUCCESS {
            // SAFETY: the driver has just written it.
            state.owners().watch(Object::Buffer(unsafe { *out }), kinds);
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
        let state = unsafe { Device::of(device) }?;
        state.owners().forget(Object::Buffer(buffer));
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().destroy_buffer)(device, buffer, allocator) };
        Ok(())
    });
}
