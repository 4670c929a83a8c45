//! The commands with barriers, for layers that replace a value in them that the driver does not know.
#![allow(clippy::missing_safety_doc, reason = "each has the valid usage of the command it hooks")]

use std::marker::PhantomData;
use std::sync::Arc;

use ash::vk;

use crate::{
    LayerError, Names, Substitution, guard_void, hooks, rewrite, rewrite_dependencies, slice,
};

/// A device of a layer that replaces a value.
pub trait Replacing: Sized {
    /// The value.
    type Value: Substitution;

    /// Whose `commands` is.
    ///
    /// # Errors
    ///
    /// For a handle of a device that was made without the layer.
    ///
    /// # Safety
    ///
    /// It is live.
    unsafe fn recording(commands: vk::CommandBuffer) -> Result<Arc<Self>, LayerError>;

    /// What is below.
    fn below(&self) -> &ash::Device;
}

/// The hooks.
pub struct Barriers<D>(PhantomData<D>);

/// An array as it goes down: the application's, or a copy that this keeps.
struct Array<T> {
    first: *const T,
    _copy: Option<Vec<T>>,
}

impl<T> Array<T> {
    /// # Safety
    ///
    /// `first` is null or points to `count`.
    unsafe fn new<S: Substitution>(first: *const T, count: u32) -> Self
    where
        T: Names<S>,
    {
        // SAFETY: the caller's promise.
        let copy = rewrite::<S, T>(unsafe { slice(first, count) });
        Self { first: copy.as_ref().map_or(first, |copy| copy.as_ptr()), _copy: copy }
    }
}

impl<D: Replacing> Barriers<D>
where
    for<'a> vk::BufferMemoryBarrier<'a>: Names<D::Value>,
    for<'a> vk::BufferMemoryBarrier2<'a>: Names<D::Value>,
    for<'a> vk::ImageMemoryBarrier<'a>: Names<D::Value>,
    for<'a> vk::ImageMemoryBarrier2<'a>: Names<D::Value>,
{
    hooks! {
        /// The hook of a command with barriers.
        pub hook:
        b"vkCmdPipelineBarrier" => Self::pipeline_barrier, vk::PFN_vkCmdPipelineBarrier;
        b"vkCmdPipelineBarrier2" | b"vkCmdPipelineBarrier2KHR" => Self::pipeline_barrier2,
            vk::PFN_vkCmdPipelineBarrier2;
        b"vkCmdWaitEvents" => Self::wait_events, vk::PFN_vkCmdWaitEvents;
        b"vkCmdWaitEvents2" | b"vkCmdWaitEvents2KHR" => Self::wait_events2,
            vk::PFN_vkCmdWaitEvents2;
        b"vkCmdSetEvent2" | b"vkCmdSetEvent2KHR" => Self::set_event2, vk::PFN_vkCmdSetEvent2;
    }

    /// `vkCmdPipelineBarrier`.
    #[allow(clippy::too_many_arguments, reason = "as many as the command has")]
    unsafe extern "system" fn pipeline_barrier(
        commands: vk::CommandBuffer,
        src: vk::PipelineStageFlags,
        dst: vk::PipelineStageFlags,
        flags: vk::DependencyFlags,
        memory_count: u32,
        memory: *const vk::MemoryBarrier<'_>,
        buffer_count: u32,
        buffers: *const vk::BufferMemoryBarrier<'_>,
        image_count: u32,
        images: *const vk::ImageMemoryBarrier<'_>,
    ) {
        guard_void("vkCmdPipelineBarrier", || {
            // SAFETY: VUID-vkCmdPipelineBarrier-commandBuffer-parameter.
            let state = unsafe { D::recording(commands) }?;
            // SAFETY: VUID-vkCmdPipelineBarrier-pBufferMemoryBarriers-parameter.
            let new_buffers = unsafe { Array::new::<D::Value>(buffers, buffer_count) };
            // SAFETY: VUID-vkCmdPipelineBarrier-pImageMemoryBarriers-parameter.
            let new_images = unsafe { Array::new::<D::Value>(images, image_count) };
            let (buffers, images) = (new_buffers.first, new_images.first);
            let below = state.below().fp_v1_0().cmd_pipeline_barrier;
            let (memories, buffer, image) = (memory_count, buffer_count, image_count);
            // SAFETY: the arguments are the application's, but for a value that the driver knows.
            unsafe {
                below(commands, src, dst, flags, memories, memory, buffer, buffers, image, images);
            };
            Ok(())
        });
    }

    /// `vkCmdWaitEvents`.
    #[allow(clippy::too_many_arguments, reason = "as many as the command has")]
    unsafe extern "system" fn wait_events(
        commands: vk::CommandBuffer,
        event_count: u32,
        events: *const vk::Event,
        src: vk::PipelineStageFlags,
        dst: vk::PipelineStageFlags,
        memory_count: u32,
        memory: *const vk::MemoryBarrier<'_>,
        buffer_count: u32,
        buffers: *const vk::BufferMemoryBarrier<'_>,
        image_count: u32,
        images: *const vk::ImageMemoryBarrier<'_>,
    ) {
        guard_void("vkCmdWaitEvents", || {
            // SAFETY: VUID-vkCmdWaitEvents-commandBuffer-parameter.
            let state = unsafe { D::recording(commands) }?;
            // SAFETY: VUID-vkCmdWaitEvents-pBufferMemoryBarriers-parameter.
            let new_buffers = unsafe { Array::new::<D::Value>(buffers, buffer_count) };
            // SAFETY: VUID-vkCmdWaitEvents-pImageMemoryBarriers-parameter.
            let new_images = unsafe { Array::new::<D::Value>(images, image_count) };
            let (buffers, images) = (new_buffers.first, new_images.first);
            let below = state.below().fp_v1_0().cmd_wait_events;
            let (event, memories) = (event_count, memory_count);
            let (buffer, image) = (buffer_count, image_count);
            // SAFETY: the arguments are the application's, but for a value that the driver knows.
            unsafe {
                below(
                    commands, event, events, src, dst, memories, memory, buffer, buffers, image,
                    images,
                );
            };
            Ok(())
        });
    }

    /// `vkCmdPipelineBarrier2`.
    unsafe extern "system" fn pipeline_barrier2(
        commands: vk::CommandBuffer,
        info: *const vk::DependencyInfo<'_>,
    ) {
        guard_void("vkCmdPipelineBarrier2", || {
            // SAFETY: VUID-vkCmdPipelineBarrier2-commandBuffer-parameter.
            let state = unsafe { D::recording(commands) }?;
            // SAFETY: VUID-vkCmdPipelineBarrier2-pDependencyInfo-parameter.
            let asked = unsafe { slice(info, 1) };
            // SAFETY: the arrays are the application's (VUID-VkDependencyInfo-*-parameter).
            let new = unsafe { rewrite_dependencies::<D::Value>(asked) };
            let info = new.as_ref().map_or(info, |new| new.infos.as_ptr());
            // SAFETY: the arguments are the application's, but for a value that the driver knows.
            unsafe { (state.below().fp_v1_3().cmd_pipeline_barrier2)(commands, info) };
            Ok(())
        });
    }

    /// `vkCmdSetEvent2`.
    unsafe extern "system" fn set_event2(
        commands: vk::CommandBuffer,
        event: vk::Event,
        info: *const vk::DependencyInfo<'_>,
    ) {
        guard_void("vkCmdSetEvent2", || {
            // SAFETY: VUID-vkCmdSetEvent2-commandBuffer-parameter.
            let state = unsafe { D::recording(commands) }?;
            // SAFETY: VUID-vkCmdSetEvent2-pDependencyInfo-parameter.
            let asked = unsafe { slice(info, 1) };
            // SAFETY: the arrays are the application's (VUID-VkDependencyInfo-*-parameter).
            let new = unsafe { rewrite_dependencies::<D::Value>(asked) };
            let info = new.as_ref().map_or(info, |new| new.infos.as_ptr());
            // SAFETY: the arguments are the application's, but for a value that the driver knows.
            unsafe { (state.below().fp_v1_3().cmd_set_event2)(commands, event, info) };
            Ok(())
        });
    }

    /// `vkCmdWaitEvents2`.
    unsafe extern "system" fn wait_events2(
        commands: vk::CommandBuffer,
        count: u32,
        events: *const vk::Event,
        infos: *const vk::DependencyInfo<'_>,
    ) {
        guard_void("vkCmdWaitEvents2", || {
            // SAFETY: VUID-vkCmdWaitEvents2-commandBuffer-parameter.
            let state = unsafe { D::recording(commands) }?;
            // SAFETY: VUID-vkCmdWaitEvents2-pDependencyInfos-parameter.
            let asked = unsafe { slice(infos, count) };
            // SAFETY: the arrays are the application's (VUID-VkDependencyInfo-*-parameter).
            let new = unsafe { rewrite_dependencies::<D::Value>(asked) };
            let infos = new.as_ref().map_or(infos, |new| new.infos.as_ptr());
            // SAFETY: the arguments are the application's, but for a value that the driver knows.
            unsafe { (state.below().fp_v1_3().cmd_wait_events2)(commands, count, events, infos) };
            Ok(())
        });
    }
}
