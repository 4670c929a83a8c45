//! When each picture is shown: the times of a file, made to begin at 0 and counted in pictures, as
//! the program `ffmpeg` counts them when it writes raw video.

use std::time::Duration;

use ffmpeg_sys_next::{AV_NOPTS_VALUE, AV_TIME_BASE_Q, AVRational};
use zerohop_frame::{MediaTime, Ratio};

use crate::av::rescale;

/// A length of time that counts nanoseconds.
const NANOSECOND: AVRational = AVRational { num: 1, den: 1_000_000_000 };

/// What ffmpeg assumes of a file that does not say.
const USUAL_RATE: AVRational = AVRational { num: 25, den: 1 };

/// The times of one file.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// Seconds of a tick of the file.
    file: AVRational,
    /// Seconds of a tick of ours: one picture.
    tick: AVRational,
    /// Where we begin, in ticks of the file.
    begin: i64,
    /// The tick after the last picture.
    next: i64,
    /// What earlier rounds took, in ticks of ours.
    rounds: i64,
    /// What follows the last picture, in ticks of the file.
    expected: i64,
}

/// When a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// In ticks of ours.
    pub(crate) media: MediaTime,
    /// From the beginning.
    pub(crate) at: Duration,
}

impl Timeline {
    /// Of a file whose ticks are `file` seconds, with `rate` pictures a second (0 if unknown),
    /// from `begin` on, in microseconds of the file's own time.
    pub(crate) fn new(file: AVRational, rate: AVRational, begin: i64) -> Self {
        let rate = if rate.num > 0 && rate.den > 0 { rate } else { USUAL_RATE };
        let tick = AVRational { num: rate.den, den: rate.num };
        let begin = rescale(-begin, AV_TIME_BASE_Q, file);
        Self { file, tick, begin, next: 0, rounds: 0, expected: 0 }
    }

    /// Seconds of a tick.
    pub(crate) fn tick(&self) -> Ratio {
        // Both are above 0.
        Ratio { numerator: self.tick.num.unsigned_abs(), denominator: self.tick.den.unsigned_abs() }
    }

    /// When the picture with this timestamp and duration, in ticks of the file, is shown. `None`
    /// when that is before the beginning.
    pub(crate) fn place(&mut self, timestamp: i64, duration: i64) -> Option<Shown> {
        let known = timestamp != AV_NOPTS_VALUE;
        let at = if known { timestamp.saturating_add(self.begin) } else { self.expected };
        let one = rescale(1, self.tick, self.file).max(1);
        let lasts = if duration > 0 { duration } else { one };
        self.expected = at.saturating_add(lasts);
        if at < 0 {
            return None;
        }
        // Never two pictures at one time.
        let pts = rescale(at, self.file, self.tick).max(self.next);
        self.next = pts + 1;
        let duration = rescale(lasts, self.file, self.tick).max(1).unsigned_abs();
        let shown = rescale(at, self.file, NANOSECOND) + self.offset();
        let media = MediaTime { pts: pts + self.rounds, duration };
        Some(Shown { media, at: Duration::from_nanos(shown.max(0).unsigned_abs()) })
    }

    /// Begins again after the last picture: another round of the same file.
    pub(crate) fn again(&mut self) {
        self.rounds += self.next;
        (self.next, self.expected) = (0, 0);
    }

    /// How long the earlier rounds took, in nanoseconds.
    fn offset(&self) -> i64 {
        rescale(self.rounds, self.tick, NANOSECOND)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    const MPEG: AVRational = AVRational { num: 1, den: 90_000 };
    const FILM: AVRational = AVRational { num: 24, den: 1 };

    fn pts(line: &mut Timeline, timestamps: &[i64]) -> Vec<Option<i64>> {
        timestamps.iter().map(|at| line.place(*at, 3750).map(|shown| shown.media.pts)).collect()
    }

    #[test]
    fn pictures_are_counted_from_where_we_begin() {
        let mut line = Timeline::new(MPEG, FILM, 1_400_000);
        let found = pts(&mut line, &[126_000, 129_750, 133_500, AV_NOPTS_VALUE, 141_000]);
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(line.tick(), Ratio { numerator: 1, denominator: 24 });
        assert_eq!(pts(&mut Timeline::new(MPEG, FILM, 1_400_000), &[125_999]), [None]);
    }

    #[test]
    fn ten_hours_into_a_file_every_picture_has_its_time() {
        let hours = 36_000_000_000;
        let mut line = Timeline::new(MPEG, FILM, 0);
        let at = 36_000 * 90_000;
        let shown = line.place(at + 3750, 3750).unwrap();
        assert_eq!(shown.media, MediaTime { pts: 864_001, duration: 1 });
        assert_eq!(shown.at, Duration::from_micros(hours) + Duration::from_nanos(41_666_667));
    }

    #[test]
    fn another_round_follows_the_last_picture() {
        let mut line = Timeline::new(MPEG, FILM, 0);
        assert_eq!(pts(&mut line, &[0, 3750]), [Some(0), Some(1)]);
        line.again();
        let shown = line.place(0, 3750).unwrap();
        assert_eq!((shown.media.pts, shown.at), (2, Duration::from_nanos(83_333_333)));
    }

    #[test]
    fn no_two_pictures_have_one_time() {
        let mut line = Timeline::new(MPEG, FILM, 0);
        assert_eq!(pts(&mut line, &[0, 100, 200, 11_250]), [Some(0), Some(1), Some(2), Some(3)]);
    }
}
