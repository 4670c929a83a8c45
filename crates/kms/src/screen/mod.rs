//! The door: one screen, and the pictures on it.

mod buffers;
mod showing;

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use zerohop_frame::{BufferId, Extent, Fourcc, Modifier, Rect};

use crate::atomic::Atomic;
use crate::choose::{Choice, choose};
use crate::formats::taken;
use crate::legacy::Legacy;
use crate::output::Output;
use crate::pace::{Pace, has_vblanks};
use crate::placement::middle;
use crate::plane::Plane;
use crate::{Canvas, Card, Copier, Error, Mode, Saved, Spec};
use buffers::Known;
use showing::{Held, Pending};

pub use showing::Shown;

/// A screen that is ours. The first picture sets the mode; dropping it puts back what was there.
pub struct Screen {
    card: Arc<Card>,
    choice: Choice,
    output: Output,
    shown: Vec<(Fourcc, Modifier)>,
    taken: Vec<(Fourcc, Modifier)>,
    buffers: HashMap<BufferId, Known>,
    /// On the screen.
    on: Option<Held>,
    /// On its way to it.
    next: Option<Pending>,
    /// How many were on their way.
    count: u64,
    /// Whether the mode is set.
    lit: bool,
    pace: Pace,
    saved: Saved,
    fill: bool,
    copier: Copier,
}

impl Screen {
    /// Takes the screen that `spec` means. What is on it stays until the first picture comes.
    ///
    /// # Errors
    ///
    /// [`Error::NoScreen`] and [`Error::NotThere`] list what there is, [`Error::Master`] names who
    /// drives the card.
    pub fn open(spec: &Spec) -> Result<Self, Error> {
        if let Some(path) = &spec.card {
            return Self::on(Card::open(path)?, spec);
        }
        let mut why = Vec::new();
        for path in Card::list() {
            match Card::open(&path).and_then(|card| Self::on(card, spec)) {
                Ok(screen) => return Ok(screen),
                Err(Error::NoScreen(reason) | Error::NotThere(reason)) => why.push(reason),
                Err(err @ Error::Master { .. }) => why.push(err.to_string()),
                Err(err) => {
                    let cause = std::error::Error::source(&err).map(|cause| format!(": {cause}"));
                    why.push(format!("{}: {err}{}", path.display(), cause.unwrap_or_default()));
                }
            }
        }
        if why.is_empty() {
            why.push("there is no card in /dev/dri".to_owned());
        }
        Err(Error::NoScreen(why.join("; ")))
    }

    fn on(card: Card, spec: &Spec) -> Result<Self, Error> {
        let name = card.path().display().to_string();
        let connectors = card.connectors(true);
        let connectors = connectors.map_err(|_| Error::NoScreen(format!("{name} only renders")))?;
        let choice = choose(&name, &connectors, spec)?;
        card.become_master()?;
        let card = Arc::new(card);
        card.enable(drm_ffi::DRM_CLIENT_CAP_UNIVERSAL_PLANES);
        let atomic = !spec.legacy && card.enable(drm_ffi::DRM_CLIENT_CAP_ATOMIC);
        let plane = Plane::primary(&card, choice.crtc)?;
        let output = match atomic {
            true => Output::Atomic(Atomic::new(&card, &choice, &plane)?),
            false => Output::Legacy(Legacy::new(&choice)),
        };
        let index = card.crtcs()?.iter().position(|crtc| *crtc == choice.crtc);
        let real = has_vblanks(&card, index.unwrap_or_default());
        Ok(Self {
            saved: Saved::read(&card, choice.crtc, &choice.connector)?,
            pace: Pace::new(choice.mode.period(), real),
            taken: taken(&plane.formats),
            shown: plane.formats,
            buffers: HashMap::new(),
            on: None,
            next: None,
            count: 0,
            lit: false,
            fill: spec.fill,
            copier: spec.copy,
            card,
            choice,
            output,
        })
    }

    /// How it is driven.
    pub fn mode(&self) -> Mode {
        self.choice.mode
    }

    /// Whether pictures are to fill it, also if they are copied for that alone.
    pub fn fills(&self) -> bool {
        self.fill
    }

    /// Who is to copy what it does not [accept](Self::accepts).
    pub fn copier(&self) -> Copier {
        self.copier
    }

    /// Where it is plugged in, as in `HDMI-A-1`.
    pub fn connector(&self) -> &str {
        &self.choice.connector.name
    }

    /// Width and height in millimetres; 0 where nobody knows.
    pub fn size_mm(&self) -> [u32; 2] {
        self.choice.connector.size_mm
    }

    /// The card that drives it.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Whether pictures come at the card's own vblanks. Else the mode's rate paces them.
    pub fn has_vblanks(&self) -> bool {
        self.pace.is_real()
    }

    /// What to put back, for another process in case this one is killed.
    pub fn saved(&self) -> Saved {
        self.saved
    }

    /// What it shows as it is. A modifier may still be refused for one buffer or another.
    pub fn formats(&self) -> &[(Fourcc, Modifier)] {
        &self.taken
    }

    /// Whether a picture may be handed over that is not complete yet.
    pub fn takes_fences(&self) -> bool {
        self.output.takes_fences()
    }

    /// Where in a [`canvas`](Self::canvas) a copy of a picture of `extent` goes: the middle, and as much
    /// of it as the picture's shape allows if it is `scaled`, or too large to be copied as it is.
    pub fn middle(&self, extent: Extent, scaled: bool) -> Rect {
        middle(extent, self.choice.mode.extent(), scaled)
    }

    /// A buffer of the card's own, black, for pictures that it does not show as they are.
    ///
    /// # Errors
    ///
    /// [`Error::Call`] when the card has no memory or makes none.
    pub fn canvas(&self, extent: Extent, fourcc: Fourcc) -> Result<Canvas, Error> {
        Canvas::new(&self.card, extent, fourcc)
    }
}

impl AsFd for Screen {
    /// Polls readable when the card has something to say.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.card.as_fd()
    }
}

/// As in `vkms Virtual-1 1024x768@60`.
impl std::fmt::Display for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Choice { connector, mode, .. } = &self.choice;
        write!(f, "{} {} {mode}", self.card.driver(), connector.name)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.lit || self.on.is_some() {
            // Nobody to tell; the kernel has its own way when the card is closed.
            let _ = self.saved.restore(self.card.as_fd());
        }
    }
}
