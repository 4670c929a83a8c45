//! The fake driver with the commands that name layouts: it writes down which ones came.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::mem;

use ash::vk;
use zerohop_testkit::fake_driver;

thread_local! {
    static SEEN: RefCell<Vec<vk::ImageLayout>> = const { RefCell::new(Vec::new()) };
}

/// The layouts that came down on this thread since the last time.
pub(crate) fn seen() -> Vec<vk::ImageLayout> {
    SEEN.take()
}

fn see(layouts: &[vk::ImageLayout]) {
    SEEN.with(|seen| seen.borrow_mut().extend(layouts));
}

/// # Safety
///
/// As the valid usage of the command whose array it is.
unsafe fn slice<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}

macro_rules! commands {
    ($name:expr; $($text:literal: $kind:ty = $function:path,)*) => {
        match $name {
            $($text => {
                let function: $kind = $function;
                // SAFETY: who asks by name knows the type.
                Some(unsafe { mem::transmute::<$kind, unsafe extern "system" fn()>(function) })
            })*
            _ => None,
        }
    };
}

fn own(name: &[u8]) -> vk::PFN_vkVoidFunction {
    commands! { name;
        b"vkCmdPipelineBarrier": vk::PFN_vkCmdPipelineBarrier = pipeline_barrier,
        b"vkCmdPipelineBarrier2": vk::PFN_vkCmdPipelineBarrier2 = pipeline_barrier2,
        b"vkCmdWaitEvents": vk::PFN_vkCmdWaitEvents = wait_events,
        b"vkCmdWaitEvents2": vk::PFN_vkCmdWaitEvents2 = wait_events2,
        b"vkCmdSetEvent2": vk::PFN_vkCmdSetEvent2 = set_event2,
        b"vkCreateRenderPass": vk::PFN_vkCreateRenderPass = create_render_pass,
        b"vkCreateRenderPass2": vk::PFN_vkCreateRenderPass2 = create_render_pass2,
        b"vkTransitionImageLayoutEXT": vk::PFN_vkTransitionImageLayoutEXT = transition,
        b"vkCopyMemoryToImageEXT": vk::PFN_vkCopyMemoryToImageEXT = memory_to_image,
        b"vkCopyImageToMemoryEXT": vk::PFN_vkCopyImageToMemoryEXT = image_to_memory,
        b"vkCopyImageToImageEXT": vk::PFN_vkCopyImageToImageEXT = image_to_image,
    }
}

pub(crate) unsafe extern "system" fn get_device_proc_addr(
    device: vk::Device,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: VUID-vkGetDeviceProcAddr-pName-parameter.
    own(unsafe { CStr::from_ptr(name) }.to_bytes()).or_else(|| {
        // SAFETY: the caller's arguments.
        unsafe { fake_driver::get_device_proc_addr(device, name) }
    })
}

unsafe extern "system" fn pipeline_barrier(
    _: vk::CommandBuffer,
    _: vk::PipelineStageFlags,
    _: vk::PipelineStageFlags,
    _: vk::DependencyFlags,
    _: u32,
    _: *const vk::MemoryBarrier<'_>,
    _: u32,
    _: *const vk::BufferMemoryBarrier<'_>,
    count: u32,
    images: *const vk::ImageMemoryBarrier<'_>,
) {
    // SAFETY: VUID-vkCmdPipelineBarrier-pImageMemoryBarriers-parameter.
    for one in unsafe { slice(images, count) } {
        see(&[one.old_layout, one.new_layout]);
    }
}

unsafe extern "system" fn wait_events(
    _: vk::CommandBuffer,
    _: u32,
    _: *const vk::Event,
    _: vk::PipelineStageFlags,
    _: vk::PipelineStageFlags,
    _: u32,
    _: *const vk::MemoryBarrier<'_>,
    _: u32,
    _: *const vk::BufferMemoryBarrier<'_>,
    count: u32,
    images: *const vk::ImageMemoryBarrier<'_>,
) {
    // SAFETY: VUID-vkCmdWaitEvents-pImageMemoryBarriers-parameter.
    for one in unsafe { slice(images, count) } {
        see(&[one.old_layout, one.new_layout]);
    }
}

fn see_dependencies(infos: &[vk::DependencyInfo<'_>]) {
    for info in infos {
        // SAFETY: VUID-VkDependencyInfo-pImageMemoryBarriers-parameter.
        let images =
            unsafe { slice(info.p_image_memory_barriers, info.image_memory_barrier_count) };
        images.iter().for_each(|one| see(&[one.old_layout, one.new_layout]));
    }
}

unsafe extern "system" fn pipeline_barrier2(
    _: vk::CommandBuffer,
    info: *const vk::DependencyInfo<'_>,
) {
    // SAFETY: VUID-vkCmdPipelineBarrier2-pDependencyInfo-parameter.
    see_dependencies(unsafe { slice(info, 1) });
}

unsafe extern "system" fn set_event2(
    _: vk::CommandBuffer,
    _: vk::Event,
    info: *const vk::DependencyInfo<'_>,
) {
    // SAFETY: VUID-vkCmdSetEvent2-pDependencyInfo-parameter.
    see_dependencies(unsafe { slice(info, 1) });
}

unsafe extern "system" fn wait_events2(
    _: vk::CommandBuffer,
    count: u32,
    _: *const vk::Event,
    infos: *const vk::DependencyInfo<'_>,
) {
    // SAFETY: VUID-vkCmdWaitEvents2-pDependencyInfos-parameter.
    see_dependencies(unsafe { slice(infos, count) });
}

unsafe extern "system" fn create_render_pass(
    _: vk::Device,
    info: *const vk::RenderPassCreateInfo<'_>,
    _: *const vk::AllocationCallbacks<'_>,
    _: *mut vk::RenderPass,
) -> vk::Result {
    // SAFETY: VUID-vkCreateRenderPass-pCreateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: VUID-VkRenderPassCreateInfo-pAttachments-parameter.
    for one in unsafe { slice(info.p_attachments, info.attachment_count) } {
        see(&[one.initial_layout, one.final_layout]);
    }
    vk::Result::SUCCESS
}

unsafe extern "system" fn create_render_pass2(
    _: vk::Device,
    info: *const vk::RenderPassCreateInfo2<'_>,
    _: *const vk::AllocationCallbacks<'_>,
    _: *mut vk::RenderPass,
) -> vk::Result {
    // SAFETY: VUID-vkCreateRenderPass2-pCreateInfo-parameter.
    let info = unsafe { &*info };
    // SAFETY: VUID-VkRenderPassCreateInfo2-pAttachments-parameter.
    for one in unsafe { slice(info.p_attachments, info.attachment_count) } {
        see(&[one.initial_layout, one.final_layout]);
    }
    vk::Result::SUCCESS
}

unsafe extern "system" fn transition(
    _: vk::Device,
    count: u32,
    infos: *const vk::HostImageLayoutTransitionInfoEXT<'_>,
) -> vk::Result {
    // SAFETY: VUID-vkTransitionImageLayout-pTransitions-parameter.
    for one in unsafe { slice(infos, count) } {
        see(&[one.old_layout, one.new_layout]);
    }
    vk::Result::SUCCESS
}

unsafe extern "system" fn memory_to_image(
    _: vk::Device,
    info: *const vk::CopyMemoryToImageInfoEXT<'_>,
) -> vk::Result {
    // SAFETY: VUID-vkCopyMemoryToImage-pCopyMemoryToImageInfo-parameter.
    see(&[unsafe { (*info).dst_image_layout }]);
    vk::Result::SUCCESS
}

unsafe extern "system" fn image_to_memory(
    _: vk::Device,
    info: *const vk::CopyImageToMemoryInfoEXT<'_>,
) -> vk::Result {
    // SAFETY: VUID-vkCopyImageToMemory-pCopyImageToMemoryInfo-parameter.
    see(&[unsafe { (*info).src_image_layout }]);
    vk::Result::SUCCESS
}

unsafe extern "system" fn image_to_image(
    _: vk::Device,
    info: *const vk::CopyImageToImageInfoEXT<'_>,
) -> vk::Result {
    // SAFETY: VUID-vkCopyImageToImage-pCopyImageToImageInfo-parameter.
    let info = unsafe { &*info };
    see(&[info.src_image_layout, info.dst_image_layout]);
    vk::Result::SUCCESS
}
