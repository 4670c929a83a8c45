//! What a physical device can do with images, buffers and formats.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use ash::vk;
use zerohop_layer::{guard, guard_void};

use crate::instance::{self, InstanceState};

pub(crate) unsafe extern "system" fn format_properties2(
    physical: vk::PhysicalDevice,
    format: vk::Format,
    out: *mut vk::FormatProperties2<'_>,
) {
    guard_void("vkGetPhysicalDeviceFormatProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceFormatProperties2-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let emulation = state.emulation(physical)?;
        let Some(emulation) = emulation.as_ref().as_ref().filter(|it| it.owns_modifiers()) else {
            let below = state.raw.fp_v1_1().get_physical_device_format_properties2;
            // SAFETY: the arguments are the application's, and the next layer has the command.
            unsafe { below(physical, format, out) };
            return Ok(());
        };
        // SAFETY: VUID-vkGetPhysicalDeviceFormatProperties2-pFormatProperties-parameter.
        let out = unsafe { &mut *out };
        // SAFETY: the chain is the application's to be filled in.
        unsafe { instance::format_properties(&state, emulation, physical, format, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn image_format_properties2(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceImageFormatInfo2<'_>,
    out: *mut vk::ImageFormatProperties2<'_>,
) -> vk::Result {
    guard("vkGetPhysicalDeviceImageFormatProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceImageFormatProperties2-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        if let Some(emulation) = state.emulation(physical)?.as_ref() {
            // SAFETY: VUID-vkGetPhysicalDeviceImageFormatProperties2-pImageFormatInfo-parameter.
            let info = unsafe { &*info };
            // SAFETY: VUID-vkGetPhysicalDeviceImageFormatProperties2-pImageFormatProperties-
            // parameter.
            let out = unsafe { &mut *out };
            // SAFETY: the chains are the application's.
            let answer = unsafe {
                instance::image_format_properties(&state, emulation, physical, info, out)
            };
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
        let below = state.raw.fp_v1_1().get_physical_device_image_format_properties2;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        Ok(unsafe { below(physical, info, out) })
    })
}

pub(crate) unsafe extern "system" fn sparse_image_format_properties2(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceSparseImageFormatInfo2<'_>,
    count: *mut u32,
    out: *mut vk::SparseImageFormatProperties2<'_>,
) {
    guard_void("vkGetPhysicalDeviceSparseImageFormatProperties2", || {
        // SAFETY: VUID-vkGetPhysicalDeviceSparseImageFormatProperties2-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceSparseImageFormatProperties2-pFormatInfo-parameter.
        let has_modifier = unsafe { (*info).tiling } == vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT;
        let owns = |emulation: &instance::Emulation| emulation.owns_modifiers();
        if has_modifier && state.emulation(physical)?.as_ref().as_ref().is_some_and(owns) {
            // An image of ours is bound whole.
            // SAFETY: VUID-vkGetPhysicalDeviceSparseImageFormatProperties2-pPropertyCount-parameter.
            unsafe { *count = 0 };
            return Ok(());
        }
        let below = state.raw.fp_v1_1().get_physical_device_sparse_image_format_properties2;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(physical, info, count, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn external_buffer_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalBufferInfo<'_>,
    out: *mut vk::ExternalBufferProperties<'_>,
) {
    guard_void("vkGetPhysicalDeviceExternalBufferProperties", || {
        // SAFETY: VUID-vkGetPhysicalDeviceExternalBufferProperties-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceExternalBufferProperties-pExternalBufferInfo-parameter.
        let asked = unsafe { &*info };
        let dma_buf = asked.handle_type == vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
        if let Some(emulation) = &*state.emulation(physical)?
            && (dma_buf || emulation.has_no(asked.handle_type))
        {
            // SAFETY: VUID-vkGetPhysicalDeviceExternalBufferProperties-
            // pExternalBufferProperties-parameter.
            let out = unsafe { &mut *out };
            if dma_buf {
                instance::buffer_properties(&state, physical, asked, out);
            } else {
                out.external_memory_properties = vk::ExternalMemoryProperties::default();
            }
            return Ok(());
        }
        let below = state.raw.fp_v1_1().get_physical_device_external_buffer_properties;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(physical, info, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn external_semaphore_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalSemaphoreInfo<'_>,
    out: *mut vk::ExternalSemaphoreProperties<'_>,
) {
    guard_void("vkGetPhysicalDeviceExternalSemaphoreProperties", || {
        // SAFETY: VUID-vkGetPhysicalDeviceExternalSemaphoreProperties-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        let sync_fd = state.sync_fd(physical)?;
        // SAFETY: VUID-vkGetPhysicalDeviceExternalSemaphoreProperties-pExternalSemaphoreInfo-
        // parameter.
        let asked = unsafe { &*info };
        // SAFETY: the call is valid.
        if let Some(answer) = unsafe { sync_fd.semaphore_properties(asked) } {
            // SAFETY: VUID-vkGetPhysicalDeviceExternalSemaphoreProperties-
            // pExternalSemaphoreProperties-parameter.
            let out = unsafe { &mut *out };
            *out = vk::ExternalSemaphoreProperties { p_next: out.p_next, ..answer };
            return Ok(());
        }
        let below = state.raw.fp_v1_1().get_physical_device_external_semaphore_properties;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(physical, info, out) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn external_fence_properties(
    physical: vk::PhysicalDevice,
    info: *const vk::PhysicalDeviceExternalFenceInfo<'_>,
    out: *mut vk::ExternalFenceProperties<'_>,
) {
    guard_void("vkGetPhysicalDeviceExternalFenceProperties", || {
        // SAFETY: VUID-vkGetPhysicalDeviceExternalFenceProperties-physicalDevice-parameter.
        let state = unsafe { InstanceState::of(physical) }?;
        // SAFETY: VUID-vkGetPhysicalDeviceExternalFenceProperties-pExternalFenceInfo-parameter.
        let asked = unsafe { (*info).handle_type };
        if let Some(answer) = state.sync_fd(physical)?.fence(asked) {
            // SAFETY: VUID-vkGetPhysicalDeviceExternalFenceProperties-pExternalFenceProperties-
            // parameter.
            let out = unsafe { &mut *out };
            *out = vk::ExternalFenceProperties { p_next: out.p_next, ..answer };
            return Ok(());
        }
        let below = state.raw.fp_v1_1().get_physical_device_external_fence_properties;
        // SAFETY: the arguments are the application's, and the next layer has the command.
        unsafe { below(physical, info, out) };
        Ok(())
    });
}
