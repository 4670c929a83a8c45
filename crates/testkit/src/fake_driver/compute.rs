//! What compute shaders take: views, sets, pipelines. No shader runs, so none writes anything.

use ash::vk::{self, Handle};

use super::chain::array;
use super::handles::{Kind, Object, make, state_of};

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

/// Objects that are made of nothing that is looked at.
macro_rules! plain {
    ($($create:ident, $destroy:ident: $text:literal, $end:literal, $kind:ident, $info:ty, $handle:ty;)*) => {$(
        pub(super) unsafe extern "system" fn $create(
            device: vk::Device,
            _: *const $info,
            _: Allocator<'_>,
            out: *mut $handle,
        ) -> vk::Result {
            // SAFETY: the device is live.
            let state = unsafe { state_of(device) };
            // SAFETY: the handle is the caller's to be written.
            unsafe { make(&state, $text, Kind::$kind, Object::Plain, out) }
        }

        pub(super) unsafe extern "system" fn $destroy(
            device: vk::Device,
            gone: $handle,
            _: Allocator<'_>,
        ) {
            // SAFETY: the device is live.
            let state = unsafe { state_of(device) };
            state.lock().take($end, Kind::$kind, gone.as_raw());
        }
    )*};
}

plain! {
    create_set_layout, destroy_set_layout: "vkCreateDescriptorSetLayout",
        "vkDestroyDescriptorSetLayout", SetLayout,
        vk::DescriptorSetLayoutCreateInfo<'_>, vk::DescriptorSetLayout;
    create_pipeline_layout, destroy_pipeline_layout: "vkCreatePipelineLayout",
        "vkDestroyPipelineLayout", PipelineLayout,
        vk::PipelineLayoutCreateInfo<'_>, vk::PipelineLayout;
    create_shader_module, destroy_shader_module: "vkCreateShaderModule",
        "vkDestroyShaderModule", ShaderModule,
        vk::ShaderModuleCreateInfo<'_>, vk::ShaderModule;
    create_descriptor_pool, destroy_descriptor_pool: "vkCreateDescriptorPool",
        "vkDestroyDescriptorPool", DescriptorPool,
        vk::DescriptorPoolCreateInfo<'_>, vk::DescriptorPool;
}

/// Looks that the image is there.
pub(super) unsafe extern "system" fn create_image_view(
    device: vk::Device,
    info: *const vk::ImageViewCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::ImageView,
) -> vk::Result {
    const COMMAND: &str = "vkCreateImageView";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkCreateImageView-pCreateInfo-parameter.
    let image = unsafe { &*info }.image;
    state.lock().get(COMMAND, Kind::Image, image.as_raw());
    // SAFETY: VUID-vkCreateImageView-pView-parameter.
    unsafe { make(&state, COMMAND, Kind::ImageView, Object::View(image.as_raw()), out) }
}

pub(super) unsafe extern "system" fn destroy_image_view(
    device: vk::Device,
    view: vk::ImageView,
    _: Allocator<'_>,
) {
    const COMMAND: &str = "vkDestroyImageView";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Some(Object::View(image)) = inner.take(COMMAND, Kind::ImageView, view.as_raw()) {
        // The image is destroyed after its views.
        inner.get(COMMAND, Kind::Image, image);
    }
}

/// One at a time, whose layout and module are there.
pub(super) unsafe extern "system" fn create_compute_pipelines(
    device: vk::Device,
    _: vk::PipelineCache,
    _: u32,
    infos: *const vk::ComputePipelineCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Pipeline,
) -> vk::Result {
    const COMMAND: &str = "vkCreateComputePipelines";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    // SAFETY: VUID-vkCreateComputePipelines-pCreateInfos-parameter.
    let info = unsafe { &*infos };
    state.lock().get(COMMAND, Kind::PipelineLayout, info.layout.as_raw());
    state.lock().get(COMMAND, Kind::ShaderModule, info.stage.module.as_raw());
    // SAFETY: VUID-vkCreateComputePipelines-pPipelines-parameter.
    unsafe { out.write(vk::Pipeline::null()) };
    // SAFETY: as above.
    unsafe { make(&state, COMMAND, Kind::Pipeline, Object::Plain, out) }
}

pub(super) unsafe extern "system" fn destroy_pipeline(
    device: vk::Device,
    pipeline: vk::Pipeline,
    _: Allocator<'_>,
) {
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    state.lock().take("vkDestroyPipeline", Kind::Pipeline, pipeline.as_raw());
}

/// Sets go with their pool, so they are no objects of their own: each has its pool's handle.
pub(super) unsafe extern "system" fn allocate_descriptor_sets(
    device: vk::Device,
    info: *const vk::DescriptorSetAllocateInfo<'_>,
    out: *mut vk::DescriptorSet,
) -> vk::Result {
    const COMMAND: &str = "vkAllocateDescriptorSets";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(COMMAND) {
        return code;
    }
    // SAFETY: VUID-vkAllocateDescriptorSets-pAllocateInfo-parameter.
    let info = unsafe { &*info };
    inner.get(COMMAND, Kind::DescriptorPool, info.descriptor_pool.as_raw());
    // SAFETY: VUID-VkDescriptorSetAllocateInfo-pSetLayouts-parameter.
    let layouts = unsafe { array(info.p_set_layouts, info.descriptor_set_count) };
    for (i, layout) in layouts.iter().enumerate() {
        inner.get(COMMAND, Kind::SetLayout, layout.as_raw());
        let set = vk::DescriptorSet::from_raw(info.descriptor_pool.as_raw());
        // SAFETY: VUID-vkAllocateDescriptorSets-pDescriptorSets-parameter.
        unsafe { out.wrapping_add(i).write(set) };
    }
    vk::Result::SUCCESS
}

/// Looks that what is bound is there.
pub(super) unsafe extern "system" fn update_descriptor_sets(
    device: vk::Device,
    count: u32,
    writes: *const vk::WriteDescriptorSet<'_>,
    _: u32,
    _: *const vk::CopyDescriptorSet<'_>,
) {
    const COMMAND: &str = "vkUpdateDescriptorSets";
    // SAFETY: the device is live.
    let state = unsafe { state_of(device) };
    let mut inner = state.lock();
    inner.count(COMMAND);
    // SAFETY: VUID-vkUpdateDescriptorSets-pDescriptorWrites-parameter.
    for write in unsafe { array(writes, count) } {
        inner.get(COMMAND, Kind::DescriptorPool, write.dst_set.as_raw());
        let bound = write.descriptor_count;
        if write.descriptor_type == vk::DescriptorType::SAMPLED_IMAGE {
            // SAFETY: VUID-VkWriteDescriptorSet-descriptorType-02997.
            for image in unsafe { array(write.p_image_info, bound) } {
                inner.get(COMMAND, Kind::ImageView, image.image_view.as_raw());
            }
            continue;
        }
        // SAFETY: VUID-VkWriteDescriptorSet-descriptorType-00324.
        for buffer in unsafe { array(write.p_buffer_info, bound) } {
            let found = inner.get(COMMAND, Kind::Buffer, buffer.buffer.as_raw());
            let fits = match (found, buffer.range) {
                (Some(Object::Buffer { bytes, .. }), vk::WHOLE_SIZE) => buffer.offset < *bytes,
                (Some(Object::Buffer { bytes, .. }), range) => buffer.offset + range <= *bytes,
                _ => false,
            };
            if !fits {
                inner.complain(format!("{COMMAND}: {buffer:?} is not in it"));
            }
        }
    }
}

pub(super) unsafe extern "system" fn bind_pipeline(
    commands: vk::CommandBuffer,
    _: vk::PipelineBindPoint,
    pipeline: vk::Pipeline,
) {
    const COMMAND: &str = "vkCmdBindPipeline";
    // SAFETY: the buffer is live.
    let state = unsafe { state_of(commands) };
    let mut inner = state.lock();
    inner.count(COMMAND);
    inner.get(COMMAND, Kind::Pipeline, pipeline.as_raw());
}

// The command has as many.
#[allow(clippy::too_many_arguments, reason = "the command has as many")]
pub(super) unsafe extern "system" fn bind_descriptor_sets(
    commands: vk::CommandBuffer,
    _: vk::PipelineBindPoint,
    layout: vk::PipelineLayout,
    _: u32,
    count: u32,
    sets: *const vk::DescriptorSet,
    _: u32,
    _: *const u32,
) {
    const COMMAND: &str = "vkCmdBindDescriptorSets";
    // SAFETY: the buffer is live.
    let state = unsafe { state_of(commands) };
    let mut inner = state.lock();
    inner.count(COMMAND);
    inner.get(COMMAND, Kind::PipelineLayout, layout.as_raw());
    // SAFETY: VUID-vkCmdBindDescriptorSets-pDescriptorSets-parameter.
    for set in unsafe { array(sets, count) } {
        inner.get(COMMAND, Kind::DescriptorPool, set.as_raw());
    }
}

pub(super) unsafe extern "system" fn dispatch(commands: vk::CommandBuffer, _: u32, _: u32, _: u32) {
    // SAFETY: the buffer is live.
    unsafe { state_of(commands) }.lock().count("vkCmdDispatch");
}
