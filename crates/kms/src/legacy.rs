//! Modesetting from before atomic commits: a call for each thing, no fences, and on some drivers no
//! page flip either.

use std::io;
use std::os::fd::AsFd as _;

use drm_ffi::drm_clip_rect as ClipRect;
use zerohop_frame::{Extent, Rect};

use crate::Card;
use crate::again::again;
use crate::choose::Choice;
use crate::flip::page_flip;
use crate::output::{Picture, Step};

/// A CRTC and its connector.
pub(crate) struct Legacy {
    crtc: u32,
    connector: u32,
    mode: crate::Mode,
    /// Whether the driver flips; found out by the first try.
    flips: bool,
}

impl Legacy {
    /// Nothing changes yet.
    pub(crate) fn new(choice: &Choice) -> Self {
        Self { crtc: choice.crtc, connector: choice.connector.id, mode: choice.mode, flips: true }
    }

    /// Whether the picture could be shown: only one of the screen's size fills it.
    pub(crate) fn test(&self, picture: Picture<'_>) -> io::Result<()> {
        match picture.place.screen == Rect::of(self.mode.extent()) && self.fits(picture) {
            true => Ok(()),
            false => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn fits(&self, picture: Picture<'_>) -> bool {
        picture.place.picture == self.mode.extent()
    }

    /// Shows the picture, which is complete.
    pub(crate) fn show(&mut self, card: &Card, picture: Picture<'_>) -> io::Result<Step> {
        let id = picture.framebuffer.id;
        if !picture.modeset && self.flips {
            match page_flip(card, self.crtc, id, picture.number) {
                Err(err) if lacks_flips(&err) => self.flips = false,
                flipped => return flipped.map(|()| Step::Event),
            }
        }
        let (connectors, mode) = ([self.connector], Some(self.mode.info()));
        let fd = card.as_fd();
        again(|| drm_ffi::mode::set_crtc(fd, self.crtc, id, 0, 0, &connectors, mode))?;
        // A driver that shows a copy makes it now; others need not be told.
        let clips = clips(picture.damage, picture.place.picture);
        let _ = again(|| drm_ffi::mode::dirty_fb(fd, id, &clips));
        Ok(Step::Done)
    }
}

/// `EINVAL`, `ENOSYS` or `EOPNOTSUPP`.
fn lacks_flips(err: &io::Error) -> bool {
    matches!(err.raw_os_error(), Some(22 | 38 | 95))
}

/// The damaged parts, or all of a picture.
fn clips(damage: Option<&[Rect]>, picture: Extent) -> Vec<ClipRect> {
    let whole = [Rect::of(picture)];
    let side = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
    let clip = |rect: &Rect| ClipRect {
        x1: side(rect.x),
        y1: side(rect.y),
        x2: side(rect.x.saturating_add(rect.width)),
        y2: side(rect.y.saturating_add(rect.height)),
    };
    damage.unwrap_or(&whole).iter().map(clip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_known_damage_all_is_dirty() {
        let corners = |clips: Vec<ClipRect>| {
            clips.iter().map(|c| (c.x1, c.y1, c.x2, c.y2)).collect::<Vec<_>>()
        };
        let picture = Extent { width: 640, height: 480 };
        assert_eq!(corners(clips(None, picture)), [(0, 0, 640, 480)]);
        let part = [Rect { x: 8, y: 9, width: 2, height: 1 }];
        assert_eq!(corners(clips(Some(&part), picture)), [(8, 9, 10, 10)]);
    }
}
