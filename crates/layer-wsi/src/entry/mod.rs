//! The functions that the loader calls, one module for each family of commands.
//!
//! Each turns raw pointers into references, finds our state, calls one function elsewhere, and
//! turns its result into what the command returns. No decision is made here.

pub(crate) mod barrier;
pub(crate) mod device;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod object;
pub(crate) mod queue;
pub(crate) mod surface;
pub(crate) mod swapchain;
pub(crate) mod window;

/// The array of `count` that begins at `first`; null is an empty one.
///
/// # Safety
///
/// `first` is null or points to `count` of them, which live for `'a`.
pub(crate) unsafe fn slice<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}
