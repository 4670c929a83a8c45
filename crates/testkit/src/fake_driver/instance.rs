//! Instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ash::vk::{self, Handle};

use super::handles::{self, Kind, Object, dispatchable, state_of};
use super::{CURRENT, State};

type Allocator<'a> = *const vk::AllocationCallbacks<'a>;

/// An instance of the thread's driver, with one physical device.
pub(super) unsafe extern "system" fn create_instance(
    _: *const vk::InstanceCreateInfo<'_>,
    _: Allocator<'_>,
    out: *mut vk::Instance,
) -> vk::Result {
    let current = CURRENT.with(|current| current.borrow().clone());
    let Some(state) = current else { return vk::Result::ERROR_INCOMPATIBLE_DRIVER };
    if let Err(code) = state.lock().attempt("vkCreateInstance") {
        return code;
    }
    let raw = with_child(&state, Kind::Instance);
    // SAFETY: VUID-vkCreateInstance-pInstance-parameter.
    unsafe { out.write(vk::Instance::from_raw(raw)) };
    vk::Result::SUCCESS
}

/// An object with one child, both with the same dispatch pointer, which nothing else has.
pub(super) fn with_child(state: &Arc<State>, kind: Kind) -> u64 {
    static KEYS: AtomicUsize = AtomicUsize::new(1);
    let key = KEYS.fetch_add(1, Ordering::Relaxed);
    let child = dispatchable(state, key, Vec::new());
    let raw = dispatchable(state, key, vec![child]);
    state.lock().objects.insert((kind, raw), Object::Plain);
    raw
}

/// The child of an object that [`with_child`] made.
///
/// # Safety
///
/// `parent` is live and ours.
pub(super) unsafe fn child_of<H: Handle>(parent: H) -> u64 {
    let pointer =
        std::ptr::with_exposed_provenance::<handles::Dispatchable>(parent.as_raw() as usize);
    // SAFETY: the caller's promise.
    unsafe { (&(*pointer).children)[0] }
}

pub(super) unsafe extern "system" fn destroy_instance(instance: vk::Instance, _: Allocator<'_>) {
    // SAFETY: VUID-vkDestroyInstance-instance-parameter.
    let state = unsafe { state_of(instance) };
    let gone = state.lock().take("vkDestroyInstance", Kind::Instance, instance.as_raw());
    if gone.is_some() {
        // SAFETY: it was alive until now, and is the application's no more.
        unsafe { handles::free(instance.as_raw()) };
    }
}

pub(super) unsafe extern "system" fn enumerate_physical_devices(
    instance: vk::Instance,
    count: *mut u32,
    out: *mut vk::PhysicalDevice,
) -> vk::Result {
    // SAFETY: the caller's, by the valid usage of the command.
    let room = unsafe { *count };
    // SAFETY: as above.
    unsafe { *count = 1 };
    if out.is_null() {
        return vk::Result::SUCCESS;
    }
    if room == 0 {
        return vk::Result::INCOMPLETE;
    }
    // SAFETY: the instance is live.
    let physical = unsafe { child_of(instance) };
    // SAFETY: there is room for one.
    unsafe { out.write(vk::PhysicalDevice::from_raw(physical)) };
    vk::Result::SUCCESS
}
