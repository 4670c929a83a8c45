//! New semaphores and fences, of which the driver is not told what it does not know.

use std::ffi::c_void;

use ash::vk::{self, TaggedStructure as _};
use zerohop_layer::chain;
use zerohop_layer::{Level, log};

use super::Sync;

/// `vkCreateSemaphore`, by `create` with what the driver may see.
///
/// # Safety
///
/// `info` is that of a valid call.
pub(crate) unsafe fn create_semaphore<'a>(
    sync: &Sync,
    info: &vk::SemaphoreCreateInfo<'a>,
    create: impl FnOnce(&vk::SemaphoreCreateInfo<'a>) -> vk::Result,
) -> vk::Result {
    type Export<'a> = vk::ExportSemaphoreCreateInfo<'a>;
    // SAFETY: the caller's promise.
    let Some(asked) = (unsafe { chain::get::<Export<'_>>(info.p_next) }) else {
        return create(info);
    };
    let types = sync.semaphore_types_below(asked.handle_types);
    if types == asked.handle_types {
        return create(info);
    }
    // SAFETY: the caller's promise.
    let rest = unsafe { chain::without(info.p_next, &[Export::STRUCTURE_TYPE]) };
    warn_if_stuck("vkCreateSemaphore", rest.stuck_at());
    let export = Export { handle_types: types, p_next: rest.head(), ..Default::default() };
    let head: *const c_void =
        if types.is_empty() { rest.head() } else { (&raw const export).cast() };
    create(&vk::SemaphoreCreateInfo { p_next: head, ..*info })
}

/// `vkCreateFence`, as [`create_semaphore`].
///
/// # Safety
///
/// `info` is that of a valid call.
pub(crate) unsafe fn create_fence<'a>(
    sync: &Sync,
    info: &vk::FenceCreateInfo<'a>,
    create: impl FnOnce(&vk::FenceCreateInfo<'a>) -> vk::Result,
) -> vk::Result {
    type Export<'a> = vk::ExportFenceCreateInfo<'a>;
    // SAFETY: the caller's promise.
    let Some(asked) = (unsafe { chain::get::<Export<'_>>(info.p_next) }) else {
        return create(info);
    };
    let types = sync.fence_types_below(asked.handle_types);
    if types == asked.handle_types {
        return create(info);
    }
    // SAFETY: the caller's promise.
    let rest = unsafe { chain::without(info.p_next, &[Export::STRUCTURE_TYPE]) };
    warn_if_stuck("vkCreateFence", rest.stuck_at());
    let export = Export { handle_types: types, p_next: rest.head(), ..Default::default() };
    let head: *const c_void =
        if types.is_empty() { rest.head() } else { (&raw const export).cast() };
    create(&vk::FenceCreateInfo { p_next: head, ..*info })
}

fn warn_if_stuck(call: &str, stuck_at: Option<vk::StructureType>) {
    if let Some(kind) = stuck_at {
        log(Level::Warn, format_args!("{call}: cannot copy the unknown structure {kind:?}"));
    }
}
