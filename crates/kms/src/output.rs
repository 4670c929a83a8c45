//! The two ways to drive a CRTC.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use zerohop_frame::Rect;

use crate::Card;
use crate::atomic::Atomic;
use crate::framebuffer::Framebuffer;
use crate::legacy::Legacy;
use crate::placement::Placement;

/// A picture to show.
#[derive(Clone, Copy)]
pub(crate) struct Picture<'a> {
    pub(crate) framebuffer: &'a Framebuffer,
    pub(crate) place: Placement,
    /// When it is complete, if it is not yet.
    pub(crate) fence: Option<BorrowedFd<'a>>,
    /// Where it differs from the picture on the screen, if that is known.
    pub(crate) damage: Option<&'a [Rect]>,
    /// What the event says when it is on the screen.
    pub(crate) number: u64,
    /// Whether the mode is to be set as well.
    pub(crate) modeset: bool,
}

/// How a picture that was accepted comes on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An event will say when it is there.
    Event,
    /// It is there.
    Done,
}

/// A CRTC with its connector and primary plane.
pub(crate) enum Output {
    /// All at once, with fences.
    Atomic(Atomic),
    /// The calls from before.
    Legacy(Legacy),
}

impl Output {
    /// Whether a picture may be shown that is not complete yet.
    pub(crate) fn takes_fences(&self) -> bool {
        matches!(self, Self::Atomic(atomic) if atomic.takes_fences())
    }

    /// Whether the picture could be shown. Changes nothing.
    pub(crate) fn test(&self, card: &Card, picture: Picture<'_>) -> io::Result<()> {
        match self {
            Self::Atomic(atomic) => atomic.test(card, picture),
            Self::Legacy(legacy) => legacy.test(picture),
        }
    }

    /// Shows the picture at the next vblank.
    pub(crate) fn show(&mut self, card: &Arc<Card>, picture: Picture<'_>) -> io::Result<Step> {
        match self {
            Self::Atomic(atomic) => atomic.show(card, picture),
            Self::Legacy(legacy) => legacy.show(card, picture),
        }
    }
}
