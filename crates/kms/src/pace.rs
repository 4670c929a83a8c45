//! When pictures come on the screen: at the card's vblanks, or at our own where it has none.

use std::os::fd::AsFd as _;
use std::time::Duration;

use crate::Card;

/// The vblanks of a CRTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    period: Duration,
    /// Whether the card has vblanks. One of a virtual machine often has none: it says at once that
    /// a picture is on the screen.
    real: bool,
    last: Option<Duration>,
}

impl Pace {
    pub(crate) fn new(period: Duration, real: bool) -> Self {
        Self { period, real, last: None }
    }

    pub(crate) fn is_real(&self) -> bool {
        self.real
    }

    /// When a picture counts as shown that the card took at `at`.
    pub(crate) fn due(&self, at: Duration) -> Duration {
        match self.last {
            Some(last) if !self.real => at.max(last + self.period),
            _ => at,
        }
    }

    /// Notes that a picture was shown.
    pub(crate) fn shown(&mut self, at: Duration) {
        self.last = Some(at);
    }
}

/// Whether the CRTC in place `index` has vblanks. One that is off has them as well, and says
/// `EINVAL`.
///
/// # References
///
/// `drm_wait_vblank_ioctl` in `drivers/gpu/drm/drm_vblank.c`: `EOPNOTSUPP` without vblanks.
pub(crate) fn has_vblanks(card: &Card, index: usize) -> bool {
    let high = u32::try_from(index).unwrap_or_default() << drm_ffi::_DRM_VBLANK_HIGH_CRTC_SHIFT;
    let asked = drm_ffi::wait_vblank(card.as_fd(), high, 0, 0);
    !asked.is_err_and(|err| err.raw_os_error() == Some(95))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn real_vblanks_are_taken_as_they_come() {
        let mut pace = Pace::new(ms(10), true);
        pace.shown(ms(100));
        assert_eq!(pace.due(ms(101)), ms(101));
    }

    #[test]
    fn a_card_without_vblanks_is_paced_by_the_mode() {
        let mut pace = Pace::new(ms(10), false);
        assert_eq!(pace.due(ms(100)), ms(100), "the first comes at once");
        pace.shown(ms(100));
        assert_eq!(pace.due(ms(101)), ms(110));
        assert_eq!(pace.due(ms(125)), ms(125), "a late one is not held back");
    }
}
