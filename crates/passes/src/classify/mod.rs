//! What changed since the picture before.
//!
//! # How
//!
//! The picture is cut into tiles of 16x16 pixels. Each tile has a hash of 64 bits, made of the
//! codes as they lie in memory (an sRGB image is read through its UNORM view). A tile whose hash is
//! another than before has changed. The old picture is not needed, so its buffer can be home.
//!
//! The hash has two lanes of 32 bits. Each pixel's word goes, with its place in the tile and a
//! random seed, through a chain of steps that can each be undone (xor, odd multiplication, shifted
//! xor); a lane is the sum of what comes out. Sums do not care for their order, so a shader may add
//! in any.
//!
//! # What can go unseen
//!
//! A change of **one** pixel word never: every step of the first lane can be undone. A change of
//! more words than one is missed when both sums happen to agree, which for words that do not depend
//! on the seed is as likely as for random numbers: 2^-64 for each changed tile. A machine that shows
//! 60 pictures of 3840x2160 a second, all tiles changing, misses a tile once in about 300,000 years.
//! The seed is new for each [`Classify`], so nobody can prepare a picture that collides without
//! reading our memory; it is no cryptographic hash, and guards against accidents only.
//!
//! # Damage
//!
//! When the source says where the picture may differ ([`Damage`]), only tiles
//! there are looked at, and every sixteenth of the others in turn. One of these that changed gives a
//! source away that says too little: this picture is then looked at as a whole, and so is every one
//! after it. That is reported once. The first picture is always looked at as a whole, and so is one
//! whose predecessor was not seen.

mod cpu;
mod gpu;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use zerohop_frame::{Damage, Fallback, Fourcc, Frame, FrameDescriptor, Observer};
use zerohop_vulkan::{Device, Image, PixelFormat, Sight, wait_on_cpu};

pub use cpu::{Hash, changed_tiles};
use gpu::Gpu;

use crate::{Error, Grid, Route, TileSet, Tracker, Verdict, check_shape};

/// In how many pictures each tile outside of the damage is looked at once.
const ROUNDS: usize = 16;

/// The format of the only plane, or of luma.
fn first_plane(fourcc: Fourcc) -> Result<PixelFormat, Error> {
    let planes = fourcc.planes().unwrap_or_default();
    Ok(PixelFormat::of(planes.first().map_or(fourcc, |plane| plane.fourcc))?)
}

/// Finds out what changed from picture to picture of one stream. Of a Y'CbCr picture, luma is looked
/// at.
pub struct Classify {
    device: Arc<Device>,
    fourcc: Fourcc,
    /// Of the only plane, or of luma.
    format: PixelFormat,
    grid: Grid,
    seed: u32,
    route: Route,
    observer: Arc<dyn Observer>,
    tracker: Tracker,
    /// Hashes of the pictures that the CPU reads in place.
    hashes: Vec<Hash>,
    gpu: Option<Gpu>,
    /// The picture before; `None` when hashes are of none.
    seen: Option<Seen>,
    /// Whether the source's damage was right so far.
    trusted: bool,
    /// Which of the tiles outside of the damage are next.
    turn: usize,
}

/// A picture to look at.
struct Picture<'a> {
    frame: &'a Arc<Frame>,
    image: &'a Arc<Image>,
    route: Route,
}

/// A picture whose hashes we have.
#[derive(Clone, Copy)]
struct Seen {
    sequence: u64,
    route: Route,
}

impl Classify {
    /// For pictures of `descriptor`'s size and format. Make a new one when they change.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] names a format that no pass reads.
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let grid = Grid::of(descriptor.extent);
        Ok(Self {
            device: Arc::clone(device),
            fourcc: descriptor.fourcc,
            format: first_plane(descriptor.fourcc)?,
            grid,
            seed: RandomState::new().hash_one(grid.len()) as u32,
            route: Route::Best,
            observer,
            tracker: Tracker::new(grid),
            hashes: vec![[0; 2]; grid.len()],
            gpu: None,
            seen: None,
            trusted: true,
            turn: 0,
        })
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    /// Looks at a picture that has `image` for its buffer. Returns once the answer is there; the
    /// frame is not held any longer than that.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which everything counts as changed.
    pub fn classify(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Verdict, Error> {
        check_shape(self.grid.extent(), self.fourcc, image)?;
        let now = Seen { sequence: frame.info().sequence, route: self.route.of(image) };
        let before = self.seen.take().filter(|before| before.route == now.route);
        let picture = Picture { frame, image, route: now.route };
        let tiles = match before {
            None => {
                let all = TileSet::all(self.grid);
                self.look(&picture, &all)?;
                all
            }
            Some(before) if before.sequence.checked_add(1) == Some(now.sequence) => {
                self.look_at_damage(&picture)?
            }
            // A picture was lost, and with it what its damage said.
            Some(_) => self.look(&picture, &TileSet::all(self.grid))?,
        };
        self.seen = Some(now);
        Ok(self.verdict(tiles, frame))
    }

    fn look_at_damage(&mut self, picture: &Picture<'_>) -> Result<TileSet, Error> {
        let mut look = TileSet::none(self.grid);
        match &picture.frame.info().damage {
            Damage::Rects(rects) if self.trusted => {
                rects.iter().for_each(|rect| look.insert_rect(rect));
            }
            _ => look.fill(),
        }
        let damage = look.clone();
        look.insert_every(self.turn, ROUNDS);
        self.turn = (self.turn + 1) % ROUNDS;
        let mut changed = self.look(picture, &look)?;
        if !damage.contains_all(&changed) {
            self.distrust(picture.frame);
            changed.union_with(&self.look(picture, &TileSet::all(self.grid))?);
        }
        Ok(changed)
    }

    /// The tiles in `look` that changed.
    fn look(&mut self, picture: &Picture<'_>, look: &TileSet) -> Result<TileSet, Error> {
        if let (Route::InPlace, Some(pixels)) = (picture.route, picture.image.pixels()) {
            wait_on_cpu(picture.frame.acquire())?;
            return Ok(changed_tiles(&pixels, self.format, self.seed, look, &mut self.hashes));
        }
        let sight = picture.image.sight().unwrap_or(Sight::Images);
        let gpu = match self.gpu.take().filter(|gpu| gpu.fits(picture.route, sight)) {
            Some(gpu) => gpu,
            None => {
                let look = (self.format, self.grid, self.seed);
                Gpu::new(&self.device, look, picture.route, sight)?
            }
        };
        let why = "a shader cannot read the picture where it lies";
        picture.image.copies().report(picture.frame, &*self.observer, why);
        self.gpu.insert(gpu).look(picture.frame, picture.image, look)
    }

    fn distrust(&mut self, frame: &Frame) {
        self.trusted = false;
        let sequence = frame.info().sequence;
        self.observer.fallback(Fallback {
            what: "damage".into(),
            reason: format!("picture {sequence} changed outside of the damage it came with"),
            cost: "every tile of every picture is looked at".into(),
        });
    }

    fn verdict(&mut self, tiles: TileSet, frame: &Frame) -> Verdict {
        let region = self.tracker.observe(&tiles, frame.info().timestamp);
        if tiles.is_empty() {
            return Verdict::Unchanged;
        }
        match region {
            Some(region) => Verdict::Region { tiles, region },
            None => Verdict::Changed { rect: tiles.bounds(), tiles },
        }
    }
}
