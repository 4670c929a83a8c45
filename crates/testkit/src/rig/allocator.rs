//! `VkAllocationCallbacks` that count, and fail when told to.

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};

use ash::vk;

/// What lies in front of each block.
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    /// Where the allocation begins.
    base: *mut u8,
    /// Of the whole allocation.
    layout: Layout,
    /// Bytes that were asked for.
    size: usize,
}

/// Counts allocations of the Vulkan implementation.
#[derive(Debug)]
pub struct Allocator {
    live: AtomicI64,
    made: AtomicU64,
    /// Allocations that still succeed; `u64::MAX` for all.
    left: AtomicU64,
}

impl Default for Allocator {
    fn default() -> Self {
        Self::failing_after(u64::MAX)
    }
}

impl Allocator {
    /// An allocator whose first `allowed` allocations succeed.
    pub fn failing_after(allowed: u64) -> Self {
        Self { live: AtomicI64::new(0), made: AtomicU64::new(0), left: AtomicU64::new(allowed) }
    }

    /// What Vulkan takes. It must not outlive `self`.
    pub fn callbacks(&self) -> vk::AllocationCallbacks<'_> {
        vk::AllocationCallbacks::default()
            .user_data((&raw const *self).cast_mut().cast())
            .pfn_allocation(Some(allocate))
            .pfn_reallocation(Some(reallocate))
            .pfn_free(Some(free))
    }

    /// Blocks not freed.
    pub fn live(&self) -> i64 {
        self.live.load(SeqCst)
    }

    /// Allocations that succeeded.
    pub fn made(&self) -> u64 {
        self.made.load(SeqCst)
    }

    fn take(&self, size: usize, alignment: usize) -> *mut c_void {
        let allowed = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        if self.left.fetch_update(SeqCst, SeqCst, allowed).is_err() {
            return ptr::null_mut();
        }
        let alignment = alignment.max(align_of::<Header>());
        let front = size_of::<Header>().next_multiple_of(alignment);
        let Ok(layout) = Layout::from_size_align(front + size, alignment) else {
            return ptr::null_mut();
        };
        // SAFETY: the layout's size is not zero: a header is in it.
        let base = unsafe { alloc(layout) };
        if base.is_null() {
            return ptr::null_mut();
        }
        self.live.fetch_add(1, SeqCst);
        self.made.fetch_add(1, SeqCst);
        // SAFETY: `front` is inside the allocation.
        let block = unsafe { base.add(front) };
        let header = Header { base, layout, size };
        // SAFETY: a header fits in front of the block, and the alignment is at least its own.
        unsafe { header_of(block).write(header) };
        block.cast()
    }

    fn give_back(&self, block: *mut u8) {
        // SAFETY: Vulkan frees what it was given, once.
        let Header { base, layout, .. } = unsafe { header_of(block).read() };
        // SAFETY: both are those of the allocation.
        unsafe { dealloc(base, layout) };
        self.live.fetch_sub(1, SeqCst);
    }
}

/// Where the header of `block` is.
fn header_of(block: *mut u8) -> *mut Header {
    block.wrapping_sub(size_of::<Header>()).cast()
}

/// `PFN_vkAllocationFunction`.
unsafe extern "system" fn allocate(
    user: *mut c_void,
    size: usize,
    alignment: usize,
    _: vk::SystemAllocationScope,
) -> *mut c_void {
    // SAFETY: `user` is the allocator of `callbacks`, which lives.
    unsafe { &*user.cast::<Allocator>() }.take(size, alignment)
}

/// `PFN_vkReallocationFunction`.
unsafe extern "system" fn reallocate(
    user: *mut c_void,
    block: *mut c_void,
    size: usize,
    alignment: usize,
    _: vk::SystemAllocationScope,
) -> *mut c_void {
    // SAFETY: `user` is the allocator of `callbacks`, which lives.
    let allocator = unsafe { &*user.cast::<Allocator>() };
    if block.is_null() {
        return allocator.take(size, alignment);
    }
    if size == 0 {
        allocator.give_back(block.cast());
        return ptr::null_mut();
    }
    let new = allocator.take(size, alignment);
    if !new.is_null() {
        // SAFETY: `block` is one of ours.
        let Header { size: old, .. } = unsafe { header_of(block.cast()).read() };
        // SAFETY: both blocks hold so many bytes, and one is new.
        unsafe { ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast(), old.min(size)) };
        allocator.give_back(block.cast());
    }
    new
}

/// `PFN_vkFreeFunction`.
unsafe extern "system" fn free(user: *mut c_void, block: *mut c_void) {
    if !block.is_null() {
        // SAFETY: `user` is the allocator of `callbacks`, which lives.
        unsafe { &*user.cast::<Allocator>() }.give_back(block.cast());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_and_the_last_one_is_refused() {
        let allocator = Allocator::failing_after(2);
        let a = allocator.take(3, 64);
        assert_eq!(a.addr() % 64, 0);
        let b = allocator.take(5, 1);
        assert!(allocator.take(1, 1).is_null());
        assert_eq!((allocator.live(), allocator.made()), (2, 2));
        allocator.give_back(a.cast());
        allocator.give_back(b.cast());
        assert_eq!(allocator.live(), 0);
    }
}
