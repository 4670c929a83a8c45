//! Memory that was freed, and that the C library keeps.

/// Gives whole pages of it back to the system, where the C library can do that (glibc). Threads that
/// ask for memory meanwhile wait, for some hundred microseconds.
///
/// # References
///
/// `malloc_trim(3)`: it is thread-safe, and takes in all arenas.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no pointer, and locks each arena while it looks at it.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// MiB of this process in memory.
    fn resident() -> usize {
        let text = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = text.split_whitespace().nth(1).unwrap().parse().unwrap();
        (pages * rustix::param::page_size()) >> 20
    }

    #[test]
    fn what_was_freed_below_something_that_lives_goes_back() {
        // Small enough for the heap (`mallopt(3)`, M_MMAP_THRESHOLD), and the last one stays.
        let mut blocks: Vec<_> = (0..1024).map(|_| vec![1_u8; 64 << 10]).collect();
        blocks.drain(..1023);
        let before = resident();
        trim_heap();
        let after = resident();
        assert!(after + 32 < before, "{before} MiB before, {after} after");
        assert_eq!(blocks[0].len(), 64 << 10);
    }
}
