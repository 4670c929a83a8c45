//! How a screen can be driven.

use std::fmt;
use std::time::Duration;

use drm_ffi::drm_mode_modeinfo as ModeInfo;
use zerohop_frame::Extent;

/// A resolution and refresh rate that a connector offers.
#[derive(Clone, Copy)]
pub struct Mode(ModeInfo);

impl Mode {
    pub(crate) fn new(info: ModeInfo) -> Self {
        Self(info)
    }

    pub(crate) fn info(&self) -> ModeInfo {
        self.0
    }

    /// Pixels.
    pub fn extent(&self) -> Extent {
        Extent { width: self.0.hdisplay.into(), height: self.0.vdisplay.into() }
    }

    /// Whether the screen prefers it.
    pub fn is_preferred(&self) -> bool {
        self.0.type_ & drm_ffi::DRM_MODE_TYPE_PREFERRED != 0
    }

    /// Refreshes in a thousand seconds.
    ///
    /// # References
    ///
    /// `drm_mode_vrefresh` in `drivers/gpu/drm/drm_modes.c`.
    pub fn millihertz(&self) -> u32 {
        let ModeInfo { clock, htotal, vtotal, flags, vscan, .. } = self.0;
        let lines = u64::from(htotal) * u64::from(vtotal) * u64::from(vscan.max(1));
        if lines == 0 {
            return self.0.vrefresh.saturating_mul(1000);
        }
        let doubled = if flags & drm_ffi::DRM_MODE_FLAG_DBLSCAN != 0 { 2 } else { 1 };
        let halved = if flags & drm_ffi::DRM_MODE_FLAG_INTERLACE != 0 { 2 } else { 1 };
        let lines = lines * doubled;
        // The clock is in kHz.
        let rate = (u64::from(clock) * 1_000_000 * halved + lines / 2) / lines;
        u32::try_from(rate).unwrap_or(u32::MAX)
    }

    /// From one refresh to the next.
    pub fn period(&self) -> Duration {
        // A mode that says nothing is taken for 60 Hz.
        let rate = Some(self.millihertz()).filter(|rate| *rate > 0).unwrap_or(60_000);
        Duration::from_nanos(1_000_000_000_000 / u64::from(rate))
    }
}

/// As in `1280x720@59.94`.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Extent { width, height } = self.extent();
        let hertz = f64::from((self.millihertz() + 5) / 10) / 100.0;
        write!(f, "{width}x{height}@{hertz}")
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mode({self})")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A mode with no blanking.
    pub(crate) fn mode(width: u16, height: u16, hertz: u32, preferred: bool) -> Mode {
        let clock = u32::from(width) * u32::from(height) * hertz / 1000;
        Mode::new(ModeInfo {
            hdisplay: width,
            htotal: width,
            vdisplay: height,
            vtotal: height,
            clock,
            type_: if preferred { drm_ffi::DRM_MODE_TYPE_PREFERRED } else { 0 },
            ..ModeInfo::default()
        })
    }

    #[test]
    fn the_rate_is_that_of_the_pixel_clock() {
        let hd = ModeInfo { clock: 74_176, htotal: 1650, vtotal: 750, ..ModeInfo::default() };
        let hd = Mode::new(ModeInfo { hdisplay: 1280, vdisplay: 720, ..hd });
        assert_eq!((hd.millihertz(), hd.to_string().as_str()), (59_940, "1280x720@59.94"));
        assert_eq!(hd.period(), Duration::from_nanos(16_683_350));
        let interlaced = ModeInfo {
            clock: 74_250,
            htotal: 2200,
            vtotal: 1125,
            flags: drm_ffi::DRM_MODE_FLAG_INTERLACE,
            ..ModeInfo::default()
        };
        assert_eq!(Mode::new(interlaced).millihertz(), 60_000);
    }

    #[test]
    fn a_mode_without_numbers_still_has_a_period() {
        let nothing = Mode::new(ModeInfo::default());
        assert_eq!(nothing.period(), Duration::from_nanos(16_666_666));
    }
}
