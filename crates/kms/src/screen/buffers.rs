//! Which buffers a screen shows where they lie.

use std::sync::{Arc, Weak};

use zerohop_frame::{Extent, SharedBuffer};

use super::Screen;
use crate::framebuffer::Framebuffer;
use crate::import::import;
use crate::output::Picture;
use crate::placement::{Placement, places};
use crate::{Error, Refusal};

/// What came of a buffer's import.
pub(super) struct Known {
    buffer: Weak<SharedBuffer>,
    imported: Result<(Arc<Framebuffer>, Placement), Refusal>,
}

impl Screen {
    /// Whether the card shows `buffer` where it lies. The answer is kept until the buffer is gone.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn accepts(&mut self, buffer: &Arc<SharedBuffer>) -> Result<(), Refusal> {
        match self.import(buffer) {
            // No copy helps; showing it says what happened.
            Err(_) if self.absence().is_some() => Ok(()),
            answer => answer.map(drop),
        }
    }

    pub(super) fn import(
        &mut self,
        buffer: &Arc<SharedBuffer>,
    ) -> Result<(Arc<Framebuffer>, Placement), Refusal> {
        if let Some(known) = self.buffers.get(&buffer.id()) {
            return known.imported.clone();
        }
        self.forget();
        // A card that is not ours refuses what it would take.
        if let Some(absence) = self.absence() {
            return Err(Refusal(absence.to_string()));
        }
        let imported = import(&self.card, buffer, &self.shown).and_then(|framebuffer| {
            let place = self.place(&framebuffer)?;
            Ok((Arc::new(framebuffer), place))
        });
        if imported.is_err() && self.absence().is_some() {
            return imported;
        }
        let known = Known { buffer: Arc::downgrade(buffer), imported: imported.clone() };
        self.buffers.insert(buffer.id(), known);
        imported
    }

    /// Why nothing can be shown now, whatever it is. Whoever took the card may have given it back.
    pub(super) fn absence(&self) -> Option<Error> {
        let lost = |why, errno: rustix::io::Errno| Error::Lost { why, source: errno.into() };
        if self.card.is_gone() {
            return Some(lost("the card is gone", rustix::io::Errno::NODEV));
        }
        let taken = self.card.become_master().is_err();
        taken.then(|| lost("another program drives the card", rustix::io::Errno::ACCESS))
    }

    /// Removes the framebuffers whose buffers are gone.
    pub(super) fn forget(&mut self) {
        self.buffers.retain(|_, known| known.buffer.strong_count() > 0);
    }

    /// Where on the screen the picture goes.
    fn place(&self, framebuffer: &Framebuffer) -> Result<Placement, Refusal> {
        let screen = self.choice.mode.extent();
        let mut last = None;
        for place in places(framebuffer.extent, screen, self.fill) {
            let modeset = !self.lit;
            let (fence, damage, number) = (None, None, 0);
            let picture = Picture { framebuffer, place, fence, damage, number, modeset };
            match self.output.test(&self.card, picture) {
                Ok(()) => return Ok(place),
                Err(err) => last = Some(err),
            }
        }
        let Extent { width, height } = framebuffer.extent;
        let why = last.map_or_else(String::new, |err| format!(": {err}"));
        let (x, y) = (screen.width, screen.height);
        Err(Refusal(format!("the card does not put {width}x{height} pixels on {x}x{y}{why}")))
    }
}
