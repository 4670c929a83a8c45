//! Vulkan's lists: arrays with a count, and the two-call idiom.

use ash::vk;

/// The array of `count` that begins at `first`; null is an empty one.
///
/// # Safety
///
/// `first` is null or points to `count` of them, which live for `'a`.
pub unsafe fn slice<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}

/// Answers a query for a list: the count alone when `out` is null, else as many of `items` as fit.
///
/// # Safety
///
/// `count` points to a number the caller may write; `out` is null or has room for that many.
pub unsafe fn write_list<T: Copy>(items: &[T], count: *mut u32, out: *mut T) -> vk::Result {
    let all = u32::try_from(items.len()).unwrap_or(u32::MAX);
    if out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *count = all };
        return vk::Result::SUCCESS;
    }
    // SAFETY: the caller's promise.
    let room = unsafe { *count };
    let written = room.min(all);
    // SAFETY: there is room for `written` there, and as many items here; memory that the
    // application hands out does not overlap ours.
    unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), out, written as usize) };
    // SAFETY: the caller's promise.
    unsafe { *count = written };
    if written < all { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS }
}

/// Asks for a list until it comes whole.
///
/// # Errors
///
/// What `query` reports.
pub fn read_list<T: Default + Clone>(
    query: impl Fn(&mut u32, *mut T) -> vk::Result,
) -> Result<Vec<T>, vk::Result> {
    loop {
        let mut count = 0;
        query(&mut count, std::ptr::null_mut()).result()?;
        let mut items = vec![T::default(); count as usize];
        match query(&mut count, items.as_mut_ptr()) {
            // The list grew between the two calls.
            vk::Result::INCOMPLETE => {}
            other => {
                other.result()?;
                items.truncate(count as usize);
                return Ok(items);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(room: u32) -> (vk::Result, u32, [u8; 3]) {
        let (mut count, mut out) = (room, [0; 3]);
        // SAFETY: both are locals, and no test claims more room than there is.
        let result = unsafe { write_list(&[1, 2, 3], &mut count, out.as_mut_ptr()) };
        (result, count, out)
    }

    #[test]
    fn a_short_list_is_incomplete_and_never_overrun() {
        assert_eq!(write(2), (vk::Result::INCOMPLETE, 2, [1, 2, 0]));
        assert_eq!(write(0), (vk::Result::INCOMPLETE, 0, [0; 3]));
        assert_eq!(write(3), (vk::Result::SUCCESS, 3, [1, 2, 3]));
    }

    #[test]
    fn null_asks_for_the_count() {
        let mut count = 77;
        // SAFETY: null asks for the count.
        let result = unsafe { write_list(&[1, 2, 3], &mut count, std::ptr::null_mut()) };
        assert_eq!((result, count), (vk::Result::SUCCESS, 3));
    }

    #[test]
    fn a_list_is_read_whole() {
        let list = read_list(|count, out| {
            // SAFETY: `read_list` hands out what it allocated.
            unsafe { write_list(&[5u8, 6], count, out) }
        });
        assert_eq!(list, Ok(vec![5, 6]));
    }
}
