//! Pictures on a screen, one after the other.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use zerohop_frame::{Damage, Frame, Rect};
use zerohop_kernel::clock_monotonic;

use super::Screen;
use crate::Error;
use crate::error::Doing as _;
use crate::event::flips;
use crate::framebuffer::Framebuffer;
use crate::output::{Picture, Step};

/// How long a picture may take to come on the screen.
const PATIENCE: Duration = Duration::from_secs(2);

/// A picture that the card reads.
pub(super) struct Held {
    frame: Arc<Frame>,
    _framebuffer: Arc<Framebuffer>,
}

pub(super) struct Pending {
    held: Held,
    /// What its event says. That of one that was given up on may come late, and is not taken for it.
    number: u64,
    since: Duration,
    /// When the card said that it is there.
    arrived: Option<Duration>,
}

/// A picture has come on the screen, and the one before it went home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The picture.
    pub sequence: u64,
    /// When, on `CLOCK_MONOTONIC`.
    pub at: Duration,
}

impl Screen {
    /// Shows a picture at the next vblank. It is held until another has taken its place.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] while the picture before is on its way, or this one is not complete and the
    /// screen [does not wait](Self::takes_fences); [`Error::Refused`] as [`accepts`](Self::accepts);
    /// [`Error::Lost`].
    pub fn show(&mut self, frame: Arc<Frame>) -> Result<(), Error> {
        if self.next.is_some() {
            return Err(Error::Busy);
        }
        if !self.lit && self.on.is_some() {
            // Lost before: whoever took the card may have given it back. If not, the call below says so.
            let _ = self.card.become_master();
        }
        let imported = self.import(frame.buffer());
        let (framebuffer, place) =
            imported.map_err(|refusal| self.absence().unwrap_or(Error::Refused(refusal)))?;
        let complete = frame.acquire().wait(Duration::ZERO).doing("look at a fence")?;
        let fence = frame.acquire().sync_file().map(AsFd::as_fd).filter(|_| !complete);
        let waits = self.takes_fences() && fence.is_some();
        if !complete && !waits {
            return Err(Error::Busy);
        }
        let damage = self.damage(&frame);
        self.count += 1;
        let picture = Picture {
            framebuffer: &framebuffer,
            place,
            fence,
            damage: damage.as_deref(),
            number: self.count,
            modeset: !self.lit,
        };
        let step = self.output.show(&self.card, picture).doing("show a picture");
        self.lit = match step {
            Ok(_) => true,
            // Whoever took the card may have changed its mode as well.
            Err(Error::Lost { .. }) => false,
            Err(_) => self.lit,
        };
        let since = clock_monotonic();
        let arrived = (step? == Step::Done).then_some(since);
        let held = Held { frame, _framebuffer: framebuffer };
        self.next = Some(Pending { held, number: self.count, since, arrived });
        Ok(())
    }

    /// Where the picture differs from the one on the screen: known if that is the one before it.
    fn damage(&self, frame: &Frame) -> Option<Vec<Rect>> {
        let on = &self.on.as_ref()?.frame;
        let extent = |frame: &Frame| frame.buffer().descriptor().extent;
        let follows = on.info().sequence.wrapping_add(1) == frame.info().sequence;
        match &frame.info().damage {
            Damage::Rects(rects) if follows && extent(on) == extent(frame) => {
                Some(rects.iter().copied().collect())
            }
            _ => None,
        }
    }

    /// Whether a picture is on its way, so that none can be shown.
    pub fn is_busy(&self) -> bool {
        self.next.is_some()
    }

    /// When to [look](Self::poll_event) though the descriptor says nothing.
    pub fn deadline(&self) -> Option<Duration> {
        let next = self.next.as_ref()?;
        Some(next.arrived.map_or(next.since + PATIENCE, |at| self.pace.due(at)))
    }

    /// The picture that has come on the screen, if one has. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Error::Stuck`] when one does not come: the next picture sets the mode again.
    pub fn poll_event(&mut self) -> Result<Option<Shown>, Error> {
        self.hear()?;
        let now = clock_monotonic();
        let Some(next) = &self.next else { return Ok(None) };
        let Some(arrived) = next.arrived else {
            if now.saturating_sub(next.since) < PATIENCE {
                return Ok(None);
            }
            self.on = self.next.take().map(|next| next.held);
            self.lit = false;
            return Err(Error::Stuck { millis: PATIENCE.as_millis() });
        };
        let at = self.pace.due(arrived);
        if at > now {
            return Ok(None);
        }
        self.pace.shown(at);
        self.on = self.next.take().map(|next| next.held);
        self.forget();
        let sequence = self.on.as_ref().map_or(0, |on| on.frame.info().sequence);
        Ok(Some(Shown { sequence, at }))
    }

    /// Takes in what the card says.
    fn hear(&mut self) -> Result<(), Error> {
        let mut bytes = [0; 1024];
        loop {
            let length = match rustix::io::read(&self.card, &mut bytes) {
                Ok(0) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(()),
                Ok(length) => length,
                Err(err) => return Err(err.into()).doing("hear the card"),
            };
            for flip in flips(&bytes[..length]) {
                if let Some(next) = self.next.as_mut().filter(|next| next.number == flip.number) {
                    next.arrived = Some(flip.at);
                }
            }
        }
    }
}
