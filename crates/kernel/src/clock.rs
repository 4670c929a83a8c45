//! The clock that every room stamps with.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since an unspecified start, the same for every process of the machine. Never goes
/// back; stands still while the machine is suspended.
///
/// # References
///
/// `CLOCK_MONOTONIC` in `clock_gettime(2)`.
pub fn clock_monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_as_the_standard_library_sees_it() {
        let (clock, instant) = (clock_monotonic(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(5));
        let (here, there) = (clock_monotonic() - clock, instant.elapsed());
        assert!(here >= Duration::from_millis(5), "{here:?}");
        assert!(here.abs_diff(there) < Duration::from_millis(5), "{here:?} against {there:?}");
    }
}
