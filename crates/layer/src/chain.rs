//! Reading and rebuilding `pNext` chains.

use std::ffi::c_void;
use std::ptr::NonNull;

use ash::vk;

use crate::sizes::size_of_kind;

/// The first structure of the chain for which `wanted` holds.
///
/// # Safety
///
/// `p_next` is null or a chain of Vulkan structures (VUID-*-pNext-pNext).
pub unsafe fn find(
    p_next: *const c_void,
    wanted: impl Fn(*const vk::BaseInStructure<'_>, vk::StructureType) -> bool,
) -> Option<*const vk::BaseInStructure<'static>> {
    let mut at = p_next.cast::<vk::BaseInStructure<'static>>();
    while !at.is_null() {
        // SAFETY: the caller's promise: every structure begins with `sType` and `pNext`.
        let base = unsafe { *at };
        if wanted(at, base.s_type) {
            return Some(at);
        }
        at = base.p_next;
    }
    None
}

/// The first `T` of the chain.
///
/// # Safety
///
/// As [`find`]; and the structures live for `'a`, untouched by others.
pub unsafe fn get<'a, T: vk::TaggedStructure>(p_next: *const c_void) -> Option<&'a T> {
    // SAFETY: the caller's promise.
    let found = unsafe { find(p_next, |_, kind| kind == T::STRUCTURE_TYPE) }?;
    // SAFETY: `sType` says that it is a `T` (VUID-*-sType-sType).
    Some(unsafe { &*found.cast::<T>() })
}

/// The first `T` of a chain that the caller wants filled in.
///
/// # Safety
///
/// As [`get`], and nobody else looks at the chain for `'a`.
pub unsafe fn get_mut<'a, T: vk::TaggedStructure>(p_next: *mut c_void) -> Option<&'a mut T> {
    // SAFETY: the caller's promise.
    let found = unsafe { find(p_next, |_, kind| kind == T::STRUCTURE_TYPE) }?;
    // SAFETY: as in `get`; output chains are the application's to write (`VkBaseOutStructure`).
    Some(unsafe { &mut *found.cast_mut().cast::<T>() })
}

/// Structures that were taken out of a chain. They are back where they were when this is dropped.
#[derive(Debug)]
pub struct Hidden {
    /// Where each was named, in order, and what was written there instead.
    links: Vec<(*mut *mut c_void, *mut c_void)>,
}

/// Takes the structures of the kinds in `out` off a chain that is to be filled in, in place: what a
/// driver writes must arrive in the application's own structures, and so they cannot be copied.
///
/// # Safety
///
/// `head` is the `pNext` of a structure that is to be filled in, and nobody else looks at the chain
/// until the result is dropped.
pub unsafe fn hide(head: *mut *mut c_void, out: &[vk::StructureType]) -> Hidden {
    let mut links = Vec::new();
    let mut link = head;
    loop {
        // SAFETY: the caller's promise: `link` is the `pNext` of a structure of the chain.
        let at = unsafe { *link };
        let Some(base) = NonNull::new(at.cast::<vk::BaseOutStructure<'static>>()) else {
            return Hidden { links };
        };
        // SAFETY: the caller's promise: every structure begins with `sType` and `pNext`.
        let vk::BaseOutStructure { s_type, p_next, .. } = unsafe { *base.as_ptr() };
        if out.contains(&s_type) {
            links.push((link, at));
            // SAFETY: the caller's promise.
            unsafe { *link = p_next.cast() };
        } else {
            // SAFETY: `base` is a structure of the chain.
            link = unsafe { &raw mut (*base.as_ptr()).p_next }.cast();
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The last first: two that stood side by side were named in the same place.
        for (link, was) in self.links.iter().rev() {
            // SAFETY: the chain is as `hide` left it (its caller's promise).
            unsafe { **link = *was };
        }
    }
}

/// A chain from which structures were left out. The application's own is as it was.
#[derive(Debug)]
pub struct Rebuilt {
    head: *const c_void,
    /// What `head` leads through, up to where the application's chain goes on unchanged. Boxed,
    /// since the copies point to each other.
    _copies: Vec<Box<[u64]>>,
    /// The first structure that could not be passed over, and so the rest came along unchanged.
    stuck_at: Option<vk::StructureType>,
}

impl Rebuilt {
    /// The new chain. It is valid as long as `self` and the old chain are.
    pub fn head(&self) -> *const c_void {
        self.head
    }

    /// A structure that is newer than we know and had to be kept, with all that follows it.
    pub fn stuck_at(&self) -> Option<vk::StructureType> {
        self.stuck_at
    }
}

/// The chain without the structures of the kinds in `out`.
///
/// What comes after the last of them is not copied. A structure of unknown size cannot be copied,
/// so nothing behind it can be left out: see [`Rebuilt::stuck_at`].
///
/// # Safety
///
/// As [`find`].
pub unsafe fn without(p_next: *const c_void, out: &[vk::StructureType]) -> Rebuilt {
    let mut nodes = Vec::new();
    // SAFETY: the caller's promise. The closure only notes what is there.
    let end = unsafe { walk(p_next, |at, kind| nodes.push((at, kind))) };
    debug_assert!(end.is_null(), "a chain ends with null");
    let last = nodes.iter().rposition(|(_, kind)| out.contains(kind));
    let Some(last) = last else {
        return Rebuilt { head: p_next, _copies: Vec::new(), stuck_at: None };
    };
    let mut rest: *const c_void = nodes.get(last + 1).map_or(std::ptr::null(), |(at, _)| at.cast());
    let mut copies: Vec<Box<[u64]>> = Vec::new();
    let mut stuck_at = None;
    for (at, kind) in nodes[..=last].iter().filter(|(_, kind)| !out.contains(kind)) {
        let Some(size) = size_of_kind(*kind) else {
            (rest, stuck_at) = (at.cast(), Some(*kind));
            break;
        };
        // SAFETY: `kind` says how large the structure is.
        copies.push(unsafe { copy(at.cast(), size) });
    }
    let mut head = rest;
    for node in copies.iter_mut().rev() {
        let base = node.as_mut_ptr().cast::<vk::BaseInStructure<'_>>();
        // SAFETY: the copy begins with `sType` and `pNext`, and is ours alone.
        unsafe { (*base).p_next = head.cast() };
        head = base.cast_const().cast();
    }
    Rebuilt { head, _copies: copies, stuck_at }
}

/// Calls `visit` for every structure.
///
/// # Safety
///
/// As [`find`].
unsafe fn walk(
    p_next: *const c_void,
    mut visit: impl FnMut(*const vk::BaseInStructure<'static>, vk::StructureType),
) -> *const c_void {
    let mut at = p_next.cast::<vk::BaseInStructure<'static>>();
    while !at.is_null() {
        // SAFETY: the caller's promise.
        let base = unsafe { *at };
        visit(at, base.s_type);
        at = base.p_next;
    }
    at.cast()
}

/// # Safety
///
/// `from` points to `size` bytes.
unsafe fn copy(from: *const u8, size: usize) -> Box<[u64]> {
    let mut words = vec![0u64; size.div_ceil(8)].into_boxed_slice();
    // SAFETY: the caller's promise, and there is room for as much.
    unsafe { std::ptr::copy_nonoverlapping(from, words.as_mut_ptr().cast(), size) };
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(head: *const c_void) -> Vec<vk::StructureType> {
        let mut kinds = Vec::new();
        // SAFETY: the tests build chains of locals.
        unsafe { walk(head, |_, kind| kinds.push(kind)) };
        kinds
    }

    const ID: vk::StructureType = vk::StructureType::PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR;
    const V11: vk::StructureType = vk::StructureType::PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
    const V12: vk::StructureType = vk::StructureType::PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;

    #[test]
    fn a_structure_is_left_out_and_the_application_sees_no_change() {
        let mut last = vk::PhysicalDeviceVulkan12Features::default();
        let mut ours = vk::PhysicalDevicePresentIdFeaturesKHR {
            p_next: (&raw mut last).cast(),
            ..Default::default()
        };
        let first = vk::PhysicalDeviceVulkan11Features {
            p_next: (&raw mut ours).cast(),
            multiview: vk::TRUE,
            ..Default::default()
        };
        let head = (&raw const first).cast();
        // SAFETY: a chain of locals.
        let rebuilt = unsafe { without(head, &[ID]) };
        assert_eq!(kinds(rebuilt.head()), [V11, V12]);
        assert_eq!(kinds(head), [V11, ID, V12]);
        assert_eq!(rebuilt.stuck_at(), None);
        // SAFETY: the chain of locals and copies is alive.
        let copy = unsafe { get::<vk::PhysicalDeviceVulkan11Features<'_>>(rebuilt.head()) };
        assert_eq!(copy.unwrap().multiview, vk::TRUE);
    }

    #[test]
    fn a_structure_newer_than_the_bindings_is_copied_whole() {
        let mut ours = vk::PhysicalDevicePresentIdFeaturesKHR::default();
        let mut newer = [0u64; 13];
        newer[0] = 55; // VkPhysicalDeviceVulkan14Features
        newer[1] = (&raw mut ours).expose_provenance() as u64;
        newer[12] = 7;
        // SAFETY: a chain of locals.
        let rebuilt = unsafe { without(newer.as_ptr().cast(), &[ID]) };
        assert_eq!(rebuilt.stuck_at(), None);
        // SAFETY: the copy is as large.
        let copy = unsafe { *rebuilt.head().cast::<[u64; 13]>() };
        assert_eq!((copy[0], copy[1], copy[12]), (55, 0, 7));
    }

    #[test]
    fn what_is_hidden_from_a_driver_comes_back_for_the_application() {
        let mut last = vk::PhysicalDevicePresentIdFeaturesKHR::default();
        let mut middle = vk::PhysicalDeviceVulkan12Features {
            p_next: (&raw mut last).cast(),
            ..Default::default()
        };
        let mut second = vk::PhysicalDevicePresentIdFeaturesKHR {
            p_next: (&raw mut middle).cast(),
            ..Default::default()
        };
        let mut first = vk::PhysicalDevicePresentIdFeaturesKHR {
            p_next: (&raw mut second).cast(),
            ..Default::default()
        };
        let mut head: *mut c_void = (&raw mut first).cast();
        // SAFETY: a chain of locals.
        let hidden = unsafe { hide(&raw mut head, &[ID]) };
        assert_eq!(kinds(head), [V12]);
        drop(hidden);
        assert_eq!(kinds(head), [ID, ID, V12, ID]);
    }

    #[test]
    fn an_unknown_structure_is_never_cut() {
        let mut ours = vk::PhysicalDevicePresentIdFeaturesKHR::default();
        let newer = vk::BaseInStructure {
            s_type: vk::StructureType::from_raw(i32::MAX - 1),
            p_next: (&raw mut ours).cast(),
            ..Default::default()
        };
        // SAFETY: a chain of locals.
        let rebuilt = unsafe { without((&raw const newer).cast(), &[ID]) };
        assert_eq!(rebuilt.stuck_at(), Some(newer.s_type));
        assert_eq!(kinds(rebuilt.head()), [newer.s_type, ID]);
    }

    #[test]
    fn a_chain_without_ours_is_the_same_chain() {
        let only = vk::PhysicalDeviceVulkan11Features::default();
        let head: *const c_void = (&raw const only).cast();
        // SAFETY: a chain of locals.
        assert_eq!(unsafe { without(head, &[ID]) }.head(), head);
    }
}
