//! Reading `pNext` chains.

use std::ffi::c_void;
use std::slice;

use ash::vk;

/// An array of the caller's.
///
/// # Safety
///
/// `first` points to `count` elements, for as long as `'a`.
pub(super) unsafe fn array<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(first, count as usize) }
}

/// The structures of a chain, by their type.
///
/// # Safety
///
/// `p_next` is null or a chain of Vulkan structures.
pub(super) unsafe fn kinds(p_next: *const c_void) -> Vec<(vk::StructureType, *const c_void)> {
    let mut at = p_next.cast::<vk::BaseInStructure<'static>>();
    let mut all = Vec::new();
    while !at.is_null() {
        // SAFETY: every structure of a chain begins so.
        let base = unsafe { *at };
        all.push((base.s_type, at.cast()));
        at = base.p_next;
    }
    all
}

/// The `T` in a chain.
///
/// # Safety
///
/// As [`kinds`], for as long as `'a`.
pub(super) unsafe fn get<'a, T: vk::TaggedStructure>(p_next: *const c_void) -> Option<&'a T> {
    // SAFETY: the caller's promise.
    let all = unsafe { kinds(p_next) };
    let (_, at) = all.into_iter().find(|(kind, _)| *kind == T::STRUCTURE_TYPE)?;
    // SAFETY: `sType` says that it is a `T`.
    unsafe { at.cast::<T>().as_ref() }
}

/// The `T` in a chain that is to be filled in.
///
/// # Safety
///
/// As [`get`], and nobody else has it.
pub(super) unsafe fn get_mut<'a, T: vk::TaggedStructure>(p_next: *mut c_void) -> Option<&'a mut T> {
    // SAFETY: the caller's promise.
    let all = unsafe { kinds(p_next) };
    let (_, at) = all.into_iter().find(|(kind, _)| *kind == T::STRUCTURE_TYPE)?;
    // SAFETY: `sType` says that it is a `T`, and the chain is the caller's to write.
    unsafe { at.cast_mut().cast::<T>().as_mut() }
}
