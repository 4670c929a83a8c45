//! The door: one screen, and the pictures on it.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Weak};
use std::time::Duration;

use zerohop_frame::{BufferId, Damage, Extent, Fourcc, Frame, Modifier, Rect, SharedBuffer};
use zerohop_kernel::clock_monotonic;

use crate::atomic::Atomic;
use crate::choose::{Choice, choose};
use crate::error::Doing as _;
use crate::event::flips;
use crate::formats::taken;
use crate::framebuffer::Framebuffer;
use crate::import::import;
use crate::legacy::Legacy;
use crate::output::{Output, Picture, Step};
use crate::pace::{Pace, has_vblanks};
use crate::placement::{Placement, middle, places};
use crate::plane::Plane;
use crate::{Canvas, Card, Copier, Error, Mode, Refusal, Saved, Spec};

/// How long a picture may take to come on the screen.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// What came of a buffer's import.
struct Known {
    buffer: Weak<SharedBuffer>,
    imported: Result<(Arc<Framebuffer>, Placement), Refusal>,
}

/// A picture that the card reads.
struct Held {
    frame: Arc<Frame>,
    _framebuffer: Arc<Framebuffer>,
}

struct Pending {
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

    fn import(
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
    fn absence(&self) -> Option<Error> {
        let lost = |why, errno: rustix::io::Errno| Error::Lost { why, source: errno.into() };
        if self.card.is_gone() {
            return Some(lost("the card is gone", rustix::io::Errno::NODEV));
        }
        let taken = self.card.become_master().is_err();
        taken.then(|| lost("another program drives the card", rustix::io::Errno::ACCESS))
    }

    /// Removes the framebuffers whose buffers are gone.
    fn forget(&mut self) {
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
