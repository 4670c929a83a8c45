//! When the CPU waits for a device, for whoever traces that.

use std::sync::OnceLock;
use std::time::Duration;

use zerohop_kernel::clock_monotonic;

/// Takes why, and from when to when on `CLOCK_MONOTONIC`.
type Watcher = Box<dyn Fn(&'static str, Duration, Duration) + Send + Sync>;

static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// Has `watcher` told of each wait of this process that is [`waiting`], from any thread. It must not
/// block. The first one stays.
pub fn watch_waits(watcher: impl Fn(&'static str, Duration, Duration) + Send + Sync + 'static) {
    // A second one watches the same.
    let _ = WATCHER.set(Box::new(watcher));
}

/// Does `work`, in which the CPU waits for what `why` names, as in "the device".
pub fn waiting<T>(why: &'static str, work: impl FnOnce() -> T) -> T {
    let Some(watcher) = WATCHER.get() else { return work() };
    let begin = clock_monotonic();
    let done = work();
    watcher(why, begin, clock_monotonic());
    done
}
