//! The times of a stream that brings its own, as a file does.

use std::fmt;

/// A fraction of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl fmt::Display for Ratio {
    /// As in `1/25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// How a stream counts its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaClock {
    /// Seconds of a tick; neither number is 0.
    pub tick: Ratio,
    /// Width of a pixel to its height; 0 to 1 where nobody knows.
    pub pixel_aspect: Ratio,
    /// Whether [`FrameInfo::timestamp`](crate::FrameInfo::timestamp) counts from the beginning of
    /// the stream, because its pictures come as fast as they are taken; else it is on
    /// `CLOCK_MONOTONIC` as ever.
    pub fast: bool,
}

/// A picture's time in ticks of its stream's [`MediaClock`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MediaTime {
    /// When it is shown; may be before 0.
    pub pts: i64,
    /// How long; 0 where nobody knows.
    pub duration: u64,
}
