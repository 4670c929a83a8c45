//! What was said of one open stream, and which pictures may follow.

use std::time::Duration;

use zerohop_frame::{MediaClock, MediaTime};

use crate::{FrameMessage, KeptMessage, MAX_AHEAD, Violation, shape};

/// An open stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// That of its last picture, sent or kept.
    pub(crate) last_sequence: Option<u64>,
    /// What the host said last: whether it stands still.
    pub(crate) still: bool,
    clock: Option<MediaClock>,
}

impl Stream {
    /// One without a picture.
    pub(crate) fn new(clock: Option<MediaClock>) -> Self {
        Self { last_sequence: None, still: false, clock }
    }

    /// Whether `frame`, whose buffer is its own, may be said at `now`.
    pub(crate) fn check_frame(&self, frame: &FrameMessage, now: Duration) -> Result<(), Violation> {
        self.check_sequence(frame.sequence)?;
        if self.clock.is_none() && frame.media != MediaTime::default() {
            return Err(Violation::NoClock(frame.media.pts));
        }
        match self.clock {
            Some(clock) if clock.fast => Ok(()),
            _ => check_time(frame.timestamp, now),
        }
    }

    /// Whether `kept` may be said at `now`.
    pub(crate) fn check_kept(&self, kept: &KeptMessage, now: Duration) -> Result<(), Violation> {
        let stream = kept.stream.0;
        let last = self.last_sequence.ok_or(Violation::NothingKept(stream))?;
        self.check_sequence(kept.sequence)?;
        let gap = u32::try_from(kept.sequence - last).unwrap_or(u32::MAX);
        shape::range("the number of kept pictures", kept.count, 1, gap)?;
        if self.clock.is_some() {
            return Err(Violation::KeptClock(stream));
        }
        check_time(kept.timestamp, now)
    }

    fn check_sequence(&self, sequence: u64) -> Result<(), Violation> {
        match self.last_sequence.filter(|last| sequence <= *last) {
            None => Ok(()),
            Some(last) => Err(Violation::Order { what: "picture", id: sequence, last }),
        }
    }
}

fn check_time(timestamp: Duration, now: Duration) -> Result<(), Violation> {
    let ahead = timestamp.saturating_sub(now);
    if ahead > MAX_AHEAD { Err(Violation::Ahead(ahead)) } else { Ok(()) }
}
