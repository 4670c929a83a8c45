//! What changed, found and converted in one read of the picture.
//!
//! [`Classify`] and [`Convert`] read a picture that changed twice. This pass reads each tile once: it
//! finds the hash, and where that is new, or what the pool's buffer has of the tile is stale, it
//! writes the tile as Y'CbCr from the very registers that the hash was made of. Of an unchanged tile
//! nothing is written, so an unchanged picture costs what [`Classify`] alone would cost, and a
//! changed one no second read.
//!
//! What it costs on a GPU is in `README.md`: reading 33 MB of an H200's memory takes about as long as
//! the arithmetic, so that a second read of what changed would cost half as much again.
//!
//! # When it does not
//!
//! It does what the two do, bit for bit, and goes by what they do where it cannot: without a free
//! buffer to write to, only [`Classify`] looks, and by the shader for CPUs both work one after the
//! other.

mod cpu;
mod gpu;
mod twin;

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, Observer, SyncPoint};
use zerohop_vulkan::{Copies, Device, HostBuffer, Image, Sight, wait_on_cpu};

use crate::paint::pool::Slot;
use crate::shader::Source;
use crate::{Chroma, Classify, Convert, Error, Route, TileSet, Verdict, check_shape};
use cpu::Kept;
use gpu::Gpu;
pub use twin::Twin;

/// Finds out what changed, and keeps a Y'CbCr picture up to date with it.
pub struct Refresh {
    classify: Classify,
    convert: Convert,
    gpu: Option<Gpu>,
    fused: bool,
    /// The buffer that has all of a picture that was looked at, and the picture's number.
    ready: Option<(usize, u64)>,
}

impl Refresh {
    /// For pictures of `descriptor`'s shape. Make a new one when it changes.
    ///
    /// # Errors
    ///
    /// As [`Convert::new`].
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        chroma: Chroma,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let classify = Classify::new(device, descriptor, Arc::clone(&observer))?;
        let convert = Convert::new(device, descriptor, chroma, observer)?;
        Ok(Self { classify, convert, gpu: None, fused: true, ready: None })
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        let classify = self.classify.with_route(route);
        Self { classify, convert: self.convert.with_route(route), ..self }
    }

    /// As if the host's memory lay across a bus: for tests and measurements.
    #[must_use]
    pub fn with_far_host(self) -> Self {
        Self {
            classify: self.classify.with_far_host(),
            convert: self.convert.with_far_host(),
            ..self
        }
    }

    /// Writes into memory of the device, for readers on the same one: nothing goes down to the host.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] where the device exports no buffers.
    pub fn on_device(mut self) -> Result<Self, Error> {
        self.convert.0.pool.stay()?;
        Ok(self)
    }

    /// Whether it writes into memory of the device.
    pub fn is_on_device(&self) -> bool {
        self.convert.0.pool.stays
    }

    /// Does the work in two passes: for tests and measurements.
    #[must_use]
    pub fn apart(self) -> Self {
        Self { fused: false, ..self }
    }

    /// What comes out.
    pub fn descriptor(&self) -> FrameDescriptor {
        self.convert.descriptor()
    }

    /// Notes pictures that were not sent, as they equal the one before them.
    pub fn keep(&mut self, kept: &zerohop_frame::Kept) {
        self.classify.keep(kept);
    }

    /// Notes that what the last picture was found to be worth came to nothing: of the next one all counts
    /// as changed.
    pub fn forget(&mut self) {
        self.classify.forget();
    }

    /// Looks at a picture that has `image` for its buffer. Returns once the answer is there; the
    /// frame is not held any longer than that.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which everything counts as changed.
    pub fn classify(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Verdict, Error> {
        let grid = self.classify.hashes.grid;
        check_shape(grid.extent(), self.classify.hashes.format.fourcc(), image)?;
        self.ready = None;
        let route = self.classify.route.of(image);
        // Nobody but the device writes what stays there.
        let blind = self.convert.0.pool.stays && route == Route::InPlace;
        let shader = route != Route::Cpu && image.sight() != Some(Sight::Buffers);
        let can = self.fused && shader && !blind;
        let index = if can { self.convert.0.pool.take()? } else { None };
        let Some(index) = index else { return self.classify.classify(frame, image) };
        if !self.classify.watch.knows(route) {
            self.convert.0.skip(&TileSet::all(grid));
        }
        let verdict = self.look(index, route, frame, image);
        match verdict {
            Ok(_) => self.ready = Some((index, frame.info().sequence)),
            // Nobody knows what was written.
            Err(_) => self.convert.0.skip(&TileSet::all(grid)),
        }
        verdict
    }

    fn look(
        &mut self,
        index: usize,
        route: Route,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Verdict, Error> {
        let Self { classify, convert: Convert(paint), gpu, .. } = self;
        let Classify { watch, hashes, .. } = classify;
        if let (Route::InPlace, Some(pixels)) = (route, image.pixels()) {
            wait_on_cpu(frame.acquire())?;
            return watch.judge(frame, route, &mut |look| {
                let Slot { stale, host, .. } = paint.pool.slot(index);
                let out = host.as_mut().map(HostBuffer::bytes_mut).unwrap_or_default();
                let (keys, hashes) = (&hashes.keys, &mut hashes.plain[..]);
                let kept = Kept { keys, hashes, stale, out };
                let changed = cpu::look(&pixels, &paint.painting, look, kept);
                paint.wrote(index, &changed);
                Ok(changed)
            });
        }
        hashes.report(frame, image);
        let source = Source::best(image, hashes.format, route);
        let made = match gpu.take().filter(|gpu| gpu.fits(route, source)) {
            Some(made) => made,
            None => Gpu::new(image.device(), &paint.painting, (route, source), paint.far)?,
        };
        let gpu = &*gpu.insert(made);
        let known = &hashes.gpu(route, source)?.known;
        watch.judge(frame, route, &mut |look| {
            let slot = paint.pool.slot(index);
            let changed = gpu.look((&paint.painting, known), (frame, image), look, slot)?;
            paint.wrote(index, &changed);
            Ok(changed)
        })
    }

    /// The picture that [`classify`](Self::classify) has just looked at, and of which it said that
    /// `tiles` changed, as Y'CbCr. `None` when eight are out and none has come back: the picture
    /// counts as skipped.
    ///
    /// The picture is not read any longer. What is made of it may be on its way to the host still,
    /// while the buffer before is being encoded: wait for its acquire point.
    ///
    /// # Errors
    ///
    /// [`Error::Device`], after which the picture counts as skipped.
    pub fn convert(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        tiles: &TileSet,
    ) -> Result<Option<Arc<Frame>>, Error> {
        let ready = self.ready.take().filter(|(_, sequence)| *sequence == frame.info().sequence);
        let Some((index, _)) = ready else {
            let made = self.convert.convert(frame, image, tiles)?;
            // The device reads the picture until it has written the other.
            made.iter().try_for_each(|made| wait_on_cpu(made.acquire()))?;
            return Ok(made);
        };
        let paint = &mut self.convert.0;
        let (mut point, mut copies, mut down) = (SyncPoint::Signaled, Copies::default(), 0);
        let in_place = self.classify.route.of(image) == Route::InPlace;
        if let Some(gpu) = self.gpu.as_ref().filter(|_| !in_place) {
            let slot = paint.pool.slot(index);
            let brought = gpu.bring_down(&paint.painting, slot);
            (point, copies, down) = brought.inspect_err(|_| slot.stale.fill())?;
        }
        paint.report(frame, copies, down);
        Ok(Some(paint.lend(index, frame, point)))
    }
}
