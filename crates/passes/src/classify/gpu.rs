//! Hashes by a shader.

use std::sync::Arc;

use zerohop_frame::Frame;
use zerohop_vulkan::{
    Bindings, Buffer, ComputePipeline, Device, Image, PixelFormat, Prepared, Queue, Recording,
    Sight,
};

use super::found::{Found, Order};
use super::hash::{Hash, Keys};
use crate::list::{Words, bytes};
use crate::shader::{self, EVERY, Push, Source, groups, groups_of_tiles};
use crate::{Error, Grid, Route, TileSet};

/// The hashes of a picture on a device, and what a shader needs to find them.
pub(crate) struct Known {
    pub(crate) hashes: Arc<Buffer>,
    pub(crate) keys: Arc<Buffer>,
    pub(crate) found: Found,
}

impl Known {
    fn new(queue: &Arc<Queue>, grid: Grid, keys: &Keys, far: bool) -> Result<Self, Error> {
        let device = queue.device();
        Ok(Self {
            hashes: Arc::new(Buffer::new(device, grid.len() as u64 * 16)?),
            keys: Words::constant(queue, &keys.for_shaders(), far)?,
            found: Found::new(device, grid)?,
        })
    }
}

/// The shader with its buffers. The hashes stay on the device.
pub(crate) struct Gpu {
    queue: Arc<Queue>,
    pipeline: Arc<ComputePipeline>,
    bindings: Arc<Bindings>,
    pub(crate) known: Known,
    /// The tiles to look at.
    list: Words,
    format: PixelFormat,
    source: Source,
    grid: Grid,
    route: Route,
    /// For each image whose pictures were looked at as a whole: most are.
    prepared: Vec<Prepared>,
}

/// What hashes are made with.
#[derive(Clone, Copy)]
pub(crate) struct Looking<'a> {
    pub(crate) format: PixelFormat,
    pub(crate) grid: Grid,
    pub(crate) keys: &'a Keys,
    /// Whether the host lies across a bus.
    pub(crate) far: bool,
}

impl Gpu {
    pub(crate) fn new(
        device: &Arc<Device>,
        looking: Looking<'_>,
        (route, source): (Route, Source),
    ) -> Result<Self, Error> {
        let Looking { format, grid, keys, far } = looking;
        let (code, fast) = choose(source, route);
        // All shaders over tiles have the same buffers; this one has no use for the second and third.
        let made = if fast { ComputePipeline::with_full_subgroups } else { ComputePipeline::new };
        let pipeline = made(device, code, source.sight(), 6, 16 * 4)?;
        let queue = Queue::new(device);
        let known = Known::new(&queue, grid, keys, far)?;
        let list = Words::new(device, grid.len(), far)?;
        let of = |buffer: &Arc<Buffer>| Arc::clone(buffer);
        let [first, last] = [&known.hashes, &known.keys].map(of);
        let none = || of(list.buffer());
        let buffers = vec![none(), none(), none(), first, of(known.found.words()), last];
        Ok(Self {
            queue,
            bindings: Arc::new(Bindings::new(&pipeline, buffers)?),
            pipeline,
            known,
            list,
            format,
            source,
            grid,
            route,
            prepared: Vec::new(),
        })
    }

    /// Whether it is for such pictures.
    pub(crate) fn fits(&self, route: Route, source: Source) -> bool {
        (self.route, self.source) == (route, source)
    }

    /// The hashes as they are on the device.
    pub(crate) fn hashes(&self) -> Result<Vec<Hash>, Error> {
        let hashes = &self.known.hashes;
        let host = Arc::new(Buffer::read_back(self.queue.device(), hashes.size())?);
        let mut recording = Recording::begin(&self.queue)?;
        recording.copy_ranges(hashes, &host, &[(0, hashes.size())]);
        let _ = recording.submit_and_wait()?;
        let mut bytes = vec![0; self.grid.len() * 16];
        host.read_into(0, &mut bytes);
        let lanes = bytes.as_chunks().0.iter().map(|lane| u64::from_le_bytes(*lane));
        Ok(lanes.collect::<Vec<_>>().as_chunks().0.to_vec())
    }

    /// The tiles in `look` that changed.
    pub(crate) fn look(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        look: &TileSet,
    ) -> Result<TileSet, Error> {
        if look.is_full() {
            self.look_at_all(frame, image)?;
            let order = if self.route == Route::Cpu { Order::Line } else { Order::Rows };
            return Ok(self.known.found.take(look, order));
        }
        let list: Vec<_> = look.iter().map(|tile| tile as u32).collect();
        if list.is_empty() {
            return Ok(TileSet::none(self.grid));
        }
        let mut recording = Recording::begin(&self.queue)?;
        self.list.send(&mut recording, &bytes(&list));
        recording.read(frame, image)?;
        self.record(&mut recording, image, (list.len(), 0))?;
        let _ = recording.submit_and_wait()?;
        Ok(self.known.found.take(look, Order::Line))
    }

    /// By commands that were recorded when a picture came in `image` first.
    fn look_at_all(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<(), Error> {
        let known = self.prepared.iter().position(|one| one.is_for(image));
        let mut prepared = match known {
            Some(at) => self.prepared.swap_remove(at),
            None => {
                // A new image is when old ones have gone.
                self.prepared.retain(|one| !one.is_forgotten());
                let all = (self.grid.len(), EVERY);
                Prepared::new(&self.queue, image, |recording| self.record(recording, image, all))?
            }
        };
        prepared.run(frame)?;
        self.prepared.push(prepared);
        Ok(())
    }

    /// Looks at `count` tiles of an open image, the first of the list or those that `flags` say.
    fn record(
        &self,
        recording: &mut Recording,
        image: &Arc<Image>,
        (count, flags): (usize, u32),
    ) -> Result<(), Error> {
        let push = self.push(image, count as u32, flags);
        let (pipeline, bindings) = (&self.pipeline, &self.bindings);
        let groups = match self.route {
            Route::Cpu => groups(count, 8),
            _ => groups_of_tiles(self.grid, count, flags, 8),
        };
        Ok(recording.dispatch(pipeline, image, bindings, push.bytes(), groups)?)
    }

    fn push(&self, image: &Image, count: u32, flags: u32) -> Push {
        if self.source.sight() != Sight::Buffers {
            return shader::job(self.source, self.format, self.grid, count, flags);
        }
        shader::plane_job(image, self.format, self.grid, count, flags)
    }
}

/// The shader, and whether it wants full subgroups.
fn choose(source: Source, route: Route) -> (&'static [u32], bool) {
    match (source, route) {
        (Source::EightWords | Source::TenWords, _) => (shader::LOOK_WORDS, true),
        (Source::HalfWords, _) => (shader::LOOK_HALF_WORDS, true),
        (Source::One, _) => (shader::LOOK_ONE, true),
        (Source::Lines, _) => (shader::LOOK_LINES, true),
        (Source::Bgr, _) => (shader::LOOK_FAST_BGR, true),
        (Source::Rgb, _) => (shader::LOOK_FAST_RGB, true),
        (Source::FastHalf, _) => (shader::LOOK_FAST_HALF, true),
        (Source::Half, Route::Cpu) => (shader::LOOK_HALF_SERIAL, false),
        (Source::Half, _) => (shader::LOOK_HALF, false),
        (Source::Plane, Route::Cpu) => (shader::LOOK_PLANE_SERIAL, false),
        (Source::Plane, _) => (shader::LOOK_PLANE, false),
        (Source::Any, Route::Cpu) => (shader::LOOK_ANY_SERIAL, false),
        (Source::Any, _) => (shader::LOOK_ANY, false),
    }
}
