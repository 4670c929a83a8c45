//! The virtual screen: when a picture is shown, and which one it takes the place of.
//!
//! Nothing runs here. A present computes the moment at which its picture comes on screen, and
//! everybody who asks later compares that moment with the clock.
//!
//! | mode | shown at | the one before it |
//! |---|---|---|
//! | `FIFO` | the first vblank after now and after its predecessor | stays until then |
//! | `FIFO_RELAXED` | as `FIFO`; at once when a vblank passed without a new picture | stays until then |
//! | `MAILBOX` | as `FIFO`, in the place of a waiting `MAILBOX` picture | if it waits, it is never shown |
//! | `IMMEDIATE` | at once, in order | if it is a waiting `MAILBOX` picture, it is never shown |
//!
//! Where the host has a real screen, that one keeps time, and this one steps aside.

use std::time::Duration;

/// How often the virtual screen is refreshed. Its vblanks are the multiples of the period on
/// `CLOCK_MONOTONIC`, and a part of it later: all windows and all processes of a host share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    period_ns: u64,
    /// Less than the period.
    phase_ns: u64,
}

impl Refresh {
    /// A vblank every `period`, which is at least a nanosecond.
    pub(crate) fn every(period: Duration) -> Self {
        Self { period_ns: nanos(period).max(1), phase_ns: 0 }
    }

    /// The same, later by `part` of the period, from 0 up to 1. A GPU that carries the applications of
    /// many hosts would else get all their pictures at once, in each period, and have nothing to do
    /// between.
    pub(crate) fn later_by(self, part: f64) -> Self {
        let period = Duration::from_nanos(self.period_ns);
        Self { phase_ns: nanos(period.mul_f64(part)) % self.period_ns, ..self }
    }

    /// From one vblank to the next.
    pub(crate) fn period(self) -> Duration {
        Duration::from_nanos(self.period_ns)
    }

    /// The first vblank after `time`; never `time` itself.
    pub(crate) fn vblank_after(self, time: Duration) -> Duration {
        let Self { period_ns, phase_ns } = self;
        // Those that were, where the first is a phase after the clock's zero.
        let passed = nanos(time).saturating_add(period_ns - phase_ns) / period_ns;
        Duration::from_nanos(passed.saturating_mul(period_ns).saturating_add(phase_ns))
    }
}

/// Whole nanoseconds; 584 years at most.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// When a presented picture is shown (`VkPresentModeKHR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `VK_PRESENT_MODE_IMMEDIATE_KHR`.
    Immediate,
    /// `VK_PRESENT_MODE_MAILBOX_KHR`.
    Mailbox,
    /// `VK_PRESENT_MODE_FIFO_KHR`.
    Fifo,
    /// `VK_PRESENT_MODE_FIFO_RELAXED_KHR`.
    FifoRelaxed,
}

/// What becomes of a picture on the virtual screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Showing {
    /// When it is shown, on `CLOCK_MONOTONIC`.
    pub(crate) at: Duration,
    /// When its predecessor is replaced: at the same moment, or now when that is never shown.
    pub(crate) replaces: Duration,
}

/// The virtual screen of one surface. Outlives the swapchains that follow each other on it.
#[derive(Debug)]
pub(crate) struct Screen {
    refresh: Refresh,
    /// When the last picture that nothing can replace before its time is shown.
    settled: Option<Duration>,
    /// When the `MAILBOX` picture after it is shown, unless another takes its place.
    waiting: Option<Duration>,
}

impl Screen {
    /// A screen that has shown nothing.
    pub(crate) fn new(refresh: Refresh) -> Self {
        Self { refresh, settled: None, waiting: None }
    }

    /// How often it is refreshed.
    pub(crate) fn refresh(&self) -> Refresh {
        self.refresh
    }

    /// Takes a picture that is presented `now`.
    pub(crate) fn present(&mut self, mode: Mode, now: Duration) -> Showing {
        if let Some(shown) = self.waiting.take_if(|waiting| *waiting <= now) {
            self.settled = Some(shown);
        }
        let at = self.place(mode, now);
        let makes_way = matches!(mode, Mode::Mailbox | Mode::Immediate) && self.waiting.is_some();
        if mode == Mode::Mailbox {
            self.waiting = Some(at);
        } else {
            self.waiting = None;
            self.settled = Some(at);
        }
        Showing { at, replaces: if makes_way { now } else { at } }
    }

    /// Takes a picture for a real screen, whose host says by its releases when it is replaced: here
    /// it is shown at once, and so is whatever was on the way.
    pub(crate) fn pass_on(&mut self, now: Duration) -> Showing {
        (self.settled, self.waiting) = (Some(now), None);
        Showing { at: now, replaces: now }
    }

    fn place(&self, mode: Mode, now: Duration) -> Duration {
        let settled = self.settled.unwrap_or(Duration::ZERO);
        let last = self.waiting.unwrap_or(settled);
        let late = self.settled == Some(last) && self.refresh.vblank_after(last) <= now;
        match mode {
            Mode::Immediate => now.max(settled),
            Mode::Mailbox => self.refresh.vblank_after(now.max(settled)),
            Mode::FifoRelaxed if late => now,
            Mode::Fifo | Mode::FifoRelaxed => self.refresh.vblank_after(now.max(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: Refresh = Refresh { period_ns: 10_000_000, phase_ns: 0 };

    /// Milliseconds; a vblank is every 10.
    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    /// Presents at the given times, and returns when each is shown.
    fn shown(mode: Mode, presents: &[u64]) -> Vec<Duration> {
        let mut screen = Screen::new(REFRESH);
        presents.iter().map(|&now| screen.present(mode, ms(now)).at).collect()
    }

    #[test]
    fn a_vblank_is_never_the_moment_itself() {
        assert_eq!(REFRESH.vblank_after(ms(0)), ms(10));
        assert_eq!(REFRESH.vblank_after(ms(10)), ms(20));
        assert_eq!(REFRESH.vblank_after(ms(19)), ms(20));
    }

    #[test]
    fn vblanks_are_later_by_a_part_of_the_period() {
        let late = REFRESH.later_by(0.3);
        let next = [0, 2, 3, 12, 13].map(|now| late.vblank_after(ms(now)));
        assert_eq!(next, [3, 3, 13, 13, 23].map(ms));
        assert_eq!(REFRESH.later_by(0.0), REFRESH);
    }

    #[test]
    fn the_grid_has_no_drift_and_no_gap_at_odd_rates() {
        let refresh = Refresh::every(Duration::from_secs_f64(1.0 / 59.94));
        let begin = refresh.vblank_after(Duration::from_secs(1_000_000));
        let mut time = begin;
        for _ in 0..59_940 {
            let next = refresh.vblank_after(time);
            assert_eq!(next - time, refresh.period());
            assert_eq!(refresh.vblank_after(next - Duration::from_nanos(1)), next);
            time = next;
        }
        assert!(time.abs_diff(begin + Duration::from_secs(1000)) < ms(1));
    }

    #[test]
    fn fifo_shows_one_picture_per_vblank_in_order() {
        assert_eq!(shown(Mode::Fifo, &[1, 2, 3]), [ms(10), ms(20), ms(30)]);
        assert_eq!(shown(Mode::Fifo, &[1, 35, 36]), [ms(10), ms(40), ms(50)]);
    }

    #[test]
    fn fifo_relaxed_shows_a_late_picture_at_once_and_an_early_one_at_its_vblank() {
        assert_eq!(shown(Mode::FifoRelaxed, &[1, 12, 13]), [ms(10), ms(20), ms(30)]);
        assert_eq!(shown(Mode::FifoRelaxed, &[1, 23, 24, 47]), [ms(10), ms(23), ms(30), ms(47)]);
    }

    #[test]
    fn mailbox_replaces_a_waiting_picture_and_not_a_shown_one() {
        let mut screen = Screen::new(REFRESH);
        screen.present(Mode::Mailbox, ms(1));
        let second = screen.present(Mode::Mailbox, ms(4));
        assert_eq!(second, Showing { at: ms(10), replaces: ms(4) }, "the first is never shown");
        let third = screen.present(Mode::Mailbox, ms(12));
        assert_eq!(third, Showing { at: ms(20), replaces: ms(20) }, "the second is on screen");
    }

    #[test]
    fn immediate_shows_at_once() {
        assert_eq!(shown(Mode::Immediate, &[1, 2, 13]), [ms(1), ms(2), ms(13)]);
    }

    #[test]
    fn a_picture_for_a_real_screen_waits_for_no_vblank_of_ours() {
        let mut screen = Screen::new(REFRESH);
        screen.present(Mode::Fifo, ms(1));
        screen.present(Mode::Mailbox, ms(1));
        assert_eq!(screen.pass_on(ms(2)), Showing { at: ms(2), replaces: ms(2) });
        // The host is gone, and the grid is ours again.
        assert_eq!(screen.present(Mode::Fifo, ms(3)).at, ms(10));
    }

    #[test]
    fn modes_change_without_overtaking_a_queued_picture() {
        let mut screen = Screen::new(REFRESH);
        screen.present(Mode::Fifo, ms(1));
        screen.present(Mode::Fifo, ms(2));
        assert_eq!(screen.present(Mode::Mailbox, ms(3)).at, ms(30));
        assert_eq!(
            screen.present(Mode::Immediate, ms(4)),
            Showing { at: ms(20), replaces: ms(4) },
            "only the mailbox picture makes way"
        );
    }
}
