//! When pictures are shown.

use std::time::Duration;

use anyhow::Result;
use zerohop_kernel::clock_monotonic;

use crate::host::Host;
use crate::timeline::Shown;

/// Later than this, playing in real time begins anew from the picture at hand.
const LATE: Duration = Duration::from_millis(500);

/// The time of a film, beside that of the clock.
pub(crate) struct Pace {
    /// Whether pictures come at their time. Else they come as fast as they can be had.
    realtime: bool,
    /// When the beginning was shown, on `CLOCK_MONOTONIC`.
    origin: Option<Duration>,
}

impl Pace {
    /// That of a film that begins with its first picture.
    pub(crate) fn new(realtime: bool) -> Self {
        Self { realtime, origin: None }
    }

    /// The timestamp of a picture. In real time it is waited for.
    pub(crate) fn time_of(&mut self, shown: &Shown, host: &mut Host) -> Result<Duration> {
        if !self.realtime {
            return Ok(shown.at);
        }
        let now = clock_monotonic();
        let fresh = now.saturating_sub(shown.at);
        let origin = *self.origin.get_or_insert(fresh);
        let due = origin + shown.at;
        if now.saturating_sub(due) > LATE {
            self.origin = Some(fresh);
            host.fallback(
                "pace",
                "pictures are decoded, or taken, more slowly than they are shown",
                "it pauses until there is a picture",
            )?;
            return Ok(now);
        }
        host.wait_until(due)?;
        Ok(due)
    }
}
