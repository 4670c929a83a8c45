//! What changed since the picture before.
//!
//! # How
//!
//! The picture is cut into tiles of 16x16 pixels. Each tile has a hash, made of the codes as they lie
//! in memory (an sRGB image is read through its UNORM view). A tile whose hash is another than before
//! has changed. The old picture is not needed, so its buffer can be home.
//!
//! The hash is NH (Black, Halevi, Krawczyk, Krovetz and Rogaway, "UMAC: Fast and Secure Message
//! Authentication", 1999) over words of 32 bits, in two lanes of 64 bits. A pixel's word *a* and the
//! word *b* of the pixel below make a pair, with two random keys *k* and *l*; a lane is
//!
//! ```text
//! sum of (a + k mod 2^32) * (b + l mod 2^32)   mod 2^64
//! ```
//!
//! over all pairs; the second lane takes the keys of the next pair. Bits of a pixel that do not count
//! are shifted out of its last word. Past the picture's edge its last pixel comes again. Sums do not care for their
//! order, so a shader adds in any: each invocation those of its own pixels, and subgroups the rest. A
//! pair costs two multiplications.
//!
//! # What can go unseen
//!
//! A change that does not depend on the keys is missed with a probability of at most 2^-64 for each
//! changed tile, whatever it is (there, theorem 4.3). A machine that shows 60 pictures of 3840x2160 a
//! second, all tiles changing, misses a tile once in about 300,000 years.
//! The keys are new for each [`Classify`], so nobody can prepare a picture that collides without
//! reading our memory.
//!
//! A half float that is no number counts as any other such, and one that is closer to zero than a
//! normal number (2^-14) as zero of its sign: a device may lose either when it loads a texel.
//!
//! # Damage
//!
//! When the source says where the picture may differ ([`Damage`](zerohop_frame::Damage)), only tiles
//! there are looked at, and every sixteenth of the others in turn. One of these that changed gives a
//! source away that says too little: this picture is then looked at as a whole, and so is every one
//! after it. That is reported once. The first picture is always looked at as a whole, and so is one
//! whose predecessor was not seen.

mod cpu;
mod found;
mod gpu;
mod hash;
mod pixel;
mod watch;

use std::sync::Arc;

use zerohop_frame::{Fourcc, Frame, FrameDescriptor, Kept, Observer};
use zerohop_vulkan::{Device, Image, PixelFormat, wait_on_cpu};

pub(crate) use cpu::{hash_of, lift};
pub(crate) use found::Order;
pub(crate) use gpu::{Gpu, Known, Looking};
pub(crate) use hash::{Hash, Keys};
pub(crate) use pixel::{Half, Pixel, Short, Word};
pub(crate) use watch::Watch;

use crate::shader::Source;
use crate::{Error, Grid, Route, TileSet, Verdict, check_shape};
use cpu::changed_tiles;

/// The format of the only plane, or of luma.
pub(crate) fn first_plane(fourcc: Fourcc) -> Result<PixelFormat, Error> {
    let planes = fourcc.planes().unwrap_or_default();
    Ok(PixelFormat::of(planes.first().map_or(fourcc, |plane| plane.fourcc))?)
}

/// Finds out what changed from picture to picture of one stream. Of a Y'CbCr picture, luma is looked
/// at.
pub struct Classify {
    pub(crate) fourcc: Fourcc,
    pub(crate) watch: Watch,
    pub(crate) hashes: Hashes,
    pub(crate) route: Route,
}

/// The hashes of the picture before, wherever they are, and how they are made.
pub(crate) struct Hashes {
    device: Arc<Device>,
    /// Of the only plane, or of luma.
    pub(crate) format: PixelFormat,
    pub(crate) grid: Grid,
    pub(crate) keys: Arc<Keys>,
    pub(crate) far: bool,
    observer: Arc<dyn Observer>,
    /// Of pictures that the CPU reads in place.
    pub(crate) plain: Vec<Hash>,
    gpu: Option<Gpu>,
}

impl Classify {
    /// For pictures of `descriptor`'s shape. Make a new one when it changes.
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
        let format = first_plane(descriptor.fourcc)?;
        let hashes = Hashes {
            device: Arc::clone(device),
            format,
            grid,
            keys: Arc::new(Keys::random(format)),
            far: device.is_far_from_host(),
            observer: Arc::clone(&observer),
            plain: vec![[0; 2]; grid.len()],
            gpu: None,
        };
        let watch = Watch::new(grid, observer);
        Ok(Self { fourcc: descriptor.fourcc, watch, hashes, route: Route::Best })
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    /// As if the host's memory lay across a bus: for tests and measurements.
    #[must_use]
    pub fn with_far_host(mut self) -> Self {
        self.hashes.far = true;
        self
    }

    /// The hashes of the last picture that a shader saw: for tests. `None` when none did.
    ///
    /// # Errors
    ///
    /// [`Error::Device`].
    pub fn hashes_on_device(&self) -> Result<Option<Vec<[u64; 2]>>, Error> {
        self.hashes.gpu.as_ref().map(|gpu| gpu.hashes()).transpose()
    }

    /// Notes pictures that were not sent, as they equal the one before them.
    pub fn keep(&mut self, kept: &Kept) {
        self.watch.keep(kept);
    }

    /// Notes that what the last picture was found to be worth came to nothing: of the next one all counts
    /// as changed.
    pub fn forget(&mut self) {
        self.watch.forget();
    }

    /// Looks at a picture that has `image` for its buffer. Returns once the answer is there; the
    /// frame is not held any longer than that.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which everything counts as changed.
    pub fn classify(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Verdict, Error> {
        check_shape(self.hashes.grid.extent(), self.fourcc, image)?;
        let route = self.route.of(image);
        let hashes = &mut self.hashes;
        self.watch.judge(frame, route, &mut |look| hashes.look(frame, image, route, look))
    }
}

impl Hashes {
    /// The tiles in `look` that changed.
    fn look(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        route: Route,
        look: &TileSet,
    ) -> Result<TileSet, Error> {
        if let (Route::InPlace, Some(pixels)) = (route, image.pixels()) {
            wait_on_cpu(frame.acquire())?;
            return Ok(changed_tiles(&pixels, self.format, &self.keys, look, &mut self.plain));
        }
        self.report(frame, image);
        self.for_shader(image, route)?.look(frame, image, look)
    }

    /// The shader for `image`, with the hashes.
    pub(crate) fn for_shader(&mut self, image: &Image, route: Route) -> Result<&mut Gpu, Error> {
        self.gpu(route, Source::best(image, self.format, route))
    }

    /// Tells what it costs to open the picture for a shader.
    pub(crate) fn report(&self, frame: &Frame, image: &Image) {
        let why = "a shader cannot read the picture where it lies";
        image.copies().report(frame, &*self.observer, why);
    }

    /// The shader for such pictures, with the hashes.
    pub(crate) fn gpu(&mut self, route: Route, source: Source) -> Result<&mut Gpu, Error> {
        let gpu = match self.gpu.take().filter(|gpu| gpu.fits(route, source)) {
            Some(gpu) => gpu,
            None => {
                let Self { format, grid, far, .. } = *self;
                let looking = Looking { format, grid, keys: &self.keys, far };
                Gpu::new(&self.device, looking, (route, source))?
            }
        };
        Ok(self.gpu.insert(gpu))
    }
}
