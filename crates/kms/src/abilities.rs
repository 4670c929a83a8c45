//! What a card can do, found out without showing anything.

use std::os::fd::AsFd as _;
use std::sync::Arc;

use zerohop_frame::{Fourcc, Modifier};
use zerohop_kernel::{Memfd, udmabuf};

use crate::framebuffer::Gem;
use crate::pace::has_vblanks;
use crate::plane::Plane;
use crate::{Card, Error, Refusal};

/// What a card can do.
#[derive(Debug)]
pub struct Abilities {
    /// Whether it has atomic modesetting, and with it fences and scaling.
    pub atomic: bool,
    /// Whether it has vblanks of its own.
    pub vblanks: bool,
    /// What it shows; empty for one without a connected screen.
    pub formats: Vec<(Fourcc, Modifier)>,
    /// Whether it takes memory that others made.
    pub imports: Result<(), Refusal>,
    /// Whether it is free to be driven.
    pub free: Result<(), Error>,
}

impl Card {
    /// Tries what it can do. For a moment it is ours, if nobody else drives it.
    pub fn abilities(self) -> Abilities {
        let free = self.become_master();
        let _ = drm_ffi::auth::release_master(self.as_fd());
        self.enable(drm_ffi::DRM_CLIENT_CAP_UNIVERSAL_PLANES);
        let atomic = self.enable(drm_ffi::DRM_CLIENT_CAP_ATOMIC);
        let connectors = self.connectors(false).unwrap_or_default();
        let connected = connectors.iter().find(|connector| connector.connected);
        let crtc = connected.and_then(|connector| connector.crtcs.first().copied());
        let plane = crtc.and_then(|crtc| Plane::primary(&self, crtc).ok());
        let all = self.crtcs().unwrap_or_default();
        let place = crtc.and_then(|crtc| all.iter().position(|one| *one == crtc));
        let vblanks = place.is_some_and(|place| has_vblanks(&self, place));
        let formats = plane.map(|plane| plane.formats).unwrap_or_default();
        Abilities { atomic, vblanks, formats, imports: imports(&Arc::new(self)), free }
    }
}

/// Lets the card import a page of ours.
fn imports(card: &Arc<Card>) -> Result<(), Refusal> {
    let made = Memfd::create("zerohop-probe", 4096).and_then(|memfd| udmabuf(&memfd));
    let dma_buf = made.map_err(|err| {
        Refusal(format!("/dev/udmabuf makes no dma-buf of shared memory to try it with: {err}"))
    })?;
    let imported = Gem::import(card, dma_buf.as_fd());
    imported
        .map(drop)
        .map_err(|err| Refusal(format!("{} imports no foreign memory: {err}", card.driver())))
}
