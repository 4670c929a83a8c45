//! How a reader gets to know when a picture is complete: best first, `sync_file`, `timeline`,
//! `signaled`. The drivers of both sides decide.

use std::sync::atomic::{AtomicU32, Ordering};

use super::handover::Host;
use super::outlet::Outlet;
use crate::device::DeviceState;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// A fence of the kernel's goes along.
    SyncFile,
    /// The picture names a value of its queue's timeline.
    Timeline,
    /// It is waited for here, before it goes.
    Signaled,
}

/// So many times in a row a driver must have waited before it gave a `SYNC_FD` out, to count as one that
/// always does. A picture may be complete by chance.
const IN_A_ROW: u32 = 8;

/// Whether `SYNC_FD` is of use on a device, or its driver waits for the GPU and then says that it
/// has signaled (a layer that puts it in place of a driver's does).
#[derive(Debug, Default)]
pub(crate) struct SyncFdWaits(AtomicU32);

impl SyncFdWaits {
    /// Notes that a fence came out that has `signaled`, of a picture that was `drawn` before.
    pub(crate) fn note(&self, signaled: bool, drawn: bool) {
        let all = self.0.load(Ordering::Relaxed);
        if all < IN_A_ROW && !drawn {
            self.0.store(if signaled { all + 1 } else { 0 }, Ordering::Relaxed);
        }
    }

    /// Whether the last fence had signaled, so that it matters if the picture was drawn before. A driver
    /// whose fences have not is not asked: it would cost a call at each present, and the validation layer
    /// (1.4.309) takes a semaphore whose batch is seen to be done for signaled still once it was exported.
    pub(crate) fn doubts(&self) -> bool {
        (1..IN_A_ROW).contains(&self.0.load(Ordering::Relaxed))
    }

    /// Whether it always waits.
    pub(crate) fn always(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= IN_A_ROW
    }
}

/// What a worse tier than the best costs.
const WAITS: &str = "the application waits for its GPU work at each present";
const HELD: &str =
    "an image is free again once the host's device has come to its value, not before";

/// Why there is no `sync_file`: by itself, and where timelines are shared instead, which is asked at
/// each present and so put together here.
struct Why {
    alone: &'static str,
    shared: &'static str,
}

const TOO_LATE: Why = Why {
    alone: "the driver waits for the GPU before it exports a SYNC_FD semaphore",
    shared: "the driver waits for the GPU before it exports a SYNC_FD semaphore: timelines are shared",
};
const NONE: Why = Why {
    alone: "the device cannot export SYNC_FD semaphores",
    shared: "the device cannot export SYNC_FD semaphores: timelines are shared",
};

impl Tier {
    /// The best that there is for pictures of `device` on their way to `outlet`. Says why it is no
    /// better one.
    pub(crate) fn choose(device: &DeviceState, outlet: &Outlet) -> Self {
        let why = match (&device.semaphore_fd, device.sync_fd_waits.always()) {
            (Some(_), false) => return Self::SyncFile,
            (Some(_), true) => &TOO_LATE,
            (None, _) => &NONE,
        };
        let lacks = match outlet {
            Outlet::Screen(_) => "a screen waits for no timeline",
            Outlet::Host if device.timelines.is_none() => "it shares no timeline semaphores",
            Outlet::Host if !Host::get().takes_timelines_of(device.id) => {
                "the host takes no timelines of it"
            }
            Outlet::Host => {
                Host::get().fall_back("sync", why.shared, HELD);
                return Self::Timeline;
            }
        };
        Host::get().fall_back("sync", &format!("{}, and {lacks}", why.alone), WAITS);
        if device.semaphore_fd.is_some() { Self::SyncFile } else { Self::Signaled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_always_waits_is_found_out_and_one_that_once_was_fast_is_not() {
        let waits = SyncFdWaits::default();
        for _ in 0..IN_A_ROW - 1 {
            waits.note(true, false);
        }
        waits.note(true, true);
        assert!(!waits.always(), "a picture that was complete says nothing");
        assert!(waits.doubts());
        waits.note(false, false);
        assert!(!waits.doubts());
        (0..IN_A_ROW - 1).for_each(|_| waits.note(true, false));
        assert!(!waits.always());
        waits.note(true, false);
        waits.note(false, false);
        assert!(waits.always(), "for good");
    }
}
