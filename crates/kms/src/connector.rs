//! Where a screen is plugged in.

use std::os::fd::AsFd as _;

use crate::error::Doing as _;
use crate::{Card, Error, Mode};

/// The names that the kernel gives to kinds of connectors, by `DRM_MODE_CONNECTOR_*`
/// (`drm_connector_enum_list` in `drivers/gpu/drm/drm_connector.c`).
const KINDS: [&str; 21] = [
    "Unknown",
    "VGA",
    "DVI-I",
    "DVI-D",
    "DVI-A",
    "Composite",
    "SVIDEO",
    "LVDS",
    "Component",
    "DIN",
    "DP",
    "HDMI-A",
    "HDMI-B",
    "TV",
    "eDP",
    "Virtual",
    "DSI",
    "DPI",
    "Writeback",
    "SPI",
    "USB",
];

/// `DRM_MODE_CONNECTED`.
const CONNECTED: u32 = 1;

/// A connector of a card, and what is plugged into it.
#[derive(Clone, Debug)]
pub struct Connector {
    pub(crate) id: u32,
    /// As in `HDMI-A-1`.
    pub name: String,
    /// Whether a screen is there.
    pub connected: bool,
    /// What the screen can do, as the kernel lists it.
    pub modes: Vec<Mode>,
    /// Width and height of the screen in millimetres; 0 where nobody knows.
    pub size_mm: [u32; 2],
    /// The CRTC that drives it now.
    pub(crate) crtc: Option<u32>,
    /// The CRTCs that could, best first.
    pub(crate) crtcs: Vec<u32>,
}

impl Card {
    /// All connectors, with what is plugged in. `probe` looks again, which may take a moment; else
    /// what the kernel knows is told.
    ///
    /// # Errors
    ///
    /// [`Error::Call`] for a card without connectors, such as one that only renders.
    pub fn connectors(&self, probe: bool) -> Result<Vec<Connector>, Error> {
        let (mut crtcs, mut ids) = (Vec::new(), Vec::new());
        let fd = self.as_fd();
        drm_ffi::mode::get_resources(fd, None, Some(&mut crtcs), Some(&mut ids), None)
            .doing("list the connectors")?;
        ids.into_iter().map(|id| self.connector(id, &crtcs, probe)).collect()
    }

    /// The card's CRTCs, in the order of the bits that name them.
    pub(crate) fn crtcs(&self) -> Result<Vec<u32>, Error> {
        let mut crtcs = Vec::new();
        let fd = self.as_fd();
        drm_ffi::mode::get_resources(fd, None, Some(&mut crtcs), None, None)
            .doing("list the CRTCs")?;
        Ok(crtcs)
    }

    fn connector(&self, id: u32, crtcs: &[u32], probe: bool) -> Result<Connector, Error> {
        let (mut modes, mut encoders) = (Vec::new(), Vec::new());
        let (modes_out, encoders_out) = (Some(&mut modes), Some(&mut encoders));
        let fd = self.as_fd();
        let info = drm_ffi::mode::get_connector(fd, id, None, None, modes_out, encoders_out, probe)
            .doing("look at a connector")?;
        let kind = KINDS.get(info.connector_type as usize).copied().unwrap_or(KINDS[0]);
        let driven = drm_ffi::mode::get_encoder(fd, info.encoder_id).ok();
        let driven = driven.map(|encoder| encoder.crtc_id).filter(|crtc| *crtc != 0);
        let mut mask = 0;
        for encoder in encoders {
            let encoder = drm_ffi::mode::get_encoder(fd, encoder).doing("look at an encoder")?;
            mask |= encoder.possible_crtcs;
        }
        Ok(Connector {
            id,
            name: format!("{kind}-{}", info.connector_type_id),
            connected: info.connection == CONNECTED,
            modes: modes.into_iter().map(Mode::new).collect(),
            size_mm: [info.mm_width, info.mm_height],
            crtc: driven,
            crtcs: possible(crtcs, mask),
        })
    }
}

/// Those of `crtcs` whose bit is in `mask`.
pub(crate) fn possible(crtcs: &[u32], mask: u32) -> Vec<u32> {
    let bit = |place: usize| u32::try_from(place).ok().and_then(|place| 1u32.checked_shl(place));
    let named = |(place, _): &(usize, &u32)| bit(*place).is_some_and(|bit| mask & bit != 0);
    crtcs.iter().enumerate().filter(named).map(|(_, crtc)| *crtc).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_names_crtcs_by_their_place() {
        assert_eq!(possible(&[40, 41, 42], 0b101), [40, 42]);
        assert_eq!(possible(&[40], 0b110), [0; 0]);
        assert_eq!(possible(&[7; 40], u32::MAX).len(), 32, "there are no more bits");
    }
}
