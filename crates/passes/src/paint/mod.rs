//! Passes that write pictures: tile by tile, by a shader or on the CPU, into a pool of their own.
//!
//! What they write is a [`Painting`]; everything else is the same for all of them and is here. A
//! buffer of the pool remembers which tiles changed since it was last written, and only these are
//! written again.

pub(crate) mod gpu;
pub(crate) mod pool;

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{Damage, Frame, FrameDescriptor, FrameInfo, Observer, SyncPoint};
use zerohop_vulkan::{Copies, Device, Image, Pixels, Plane, Sight, wait_on_cpu};

use crate::list::packed;
use crate::shader::Push;
use crate::{Error, Grid, Route, TileSet};
use gpu::Gpu;
use pool::Pool;

/// What a pass writes.
pub(crate) trait Painting {
    /// Tiles of a workgroup of the shader.
    const EACH: u32;

    /// What comes out.
    fn output(&self) -> &Output;

    /// The shader for pictures that come as `sight`.
    fn code(&self, sight: Sight) -> Result<&'static [u32], Error>;

    /// Words that the shader reads beside the picture, in its third buffer.
    fn table(&self) -> Option<Vec<u32>> {
        None
    }

    /// What the shader is told about a picture of which it writes `count` tiles. `flags` are those of
    /// [`Push::list`].
    fn push(&self, image: &Image, count: u32, flags: u32) -> Push;

    /// The twin: writes `work` into `out`, as the shader would.
    fn paint(&self, planes: &[Pixels<'_>], work: &Work<'_>, out: &mut [u8]);
}

/// The tiles to write.
pub(crate) struct Work<'a> {
    pub(crate) tiles: &'a TileSet,
    /// Those of them that show the picture; the others are black. `None` when all do.
    pub(crate) shown: Option<&'a TileSet>,
}

/// Marks a tile on the shader's list that is black.
const BLACK: u32 = 1 << 31;

impl Work<'_> {
    /// Whether tile `index` shows the picture.
    pub(crate) fn is_shown(&self, index: usize) -> bool {
        self.shown.is_none_or(|shown| shown.contains(index))
    }

    /// Whether the whole picture is shown: shaders need no list for that.
    fn is_everything(&self) -> bool {
        self.tiles.is_full() && self.shown.is_none()
    }

    /// The tiles as shaders read them.
    fn list(&self) -> Vec<u8> {
        let word = |index: usize| index as u32 | if self.is_shown(index) { 0 } else { BLACK };
        packed(self.tiles.iter().map(word), self.tiles.grid().len())
    }
}

/// A picture that a pass writes.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Its shape. There is room for whole tiles in each plane: what is written past the picture's
    /// edge is never read.
    pub(crate) descriptor: FrameDescriptor,
    /// Bytes from a row of tiles to the next, in each plane.
    pub(crate) steps: ArrayVec<u32, 4>,
    /// Bytes of everything.
    pub(crate) size: u32,
}

impl Output {
    /// The bytes of all rows of pixels with one of `tiles`, in all planes: starts and lengths.
    pub(crate) fn rows_of(&self, tiles: &TileSet) -> Vec<(u64, u64)> {
        let columns = tiles.grid().columns() as usize;
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for row in tiles.iter().map(|tile| (tile / columns) as u64) {
            match runs.last_mut() {
                Some((first, count)) if *first + *count > row => {}
                Some((first, count)) if *first + *count == row => *count += 1,
                _ => runs.push((row, 1)),
            }
        }
        let bytes = |start: u32, step: u32, (first, count): (u64, u64)| {
            (u64::from(start) + first * u64::from(step), count * u64::from(step))
        };
        let planes = self.descriptor.planes.iter().zip(&self.steps);
        let plane = |(plane, step): (&zerohop_frame::PlaneLayout, &u32)| {
            let (start, step) = (plane.offset, *step);
            runs.iter().map(move |run| bytes(start, step, *run)).collect::<Vec<_>>()
        };
        planes.flat_map(plane).collect()
    }
}

/// Writes what changed into buffers of its own.
pub(crate) struct Paint<P> {
    pub(crate) painting: P,
    device: Arc<Device>,
    grid: Grid,
    pub(crate) route: Route,
    pub(crate) far: bool,
    observer: Arc<dyn Observer>,
    pub(crate) pool: Pool,
    gpu: Option<Gpu>,
    /// The tiles that changed since the last frame that went out.
    since: TileSet,
}

impl<P: Painting> Paint<P> {
    pub(crate) fn new(
        device: &Arc<Device>,
        grid: Grid,
        painting: P,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            device: Arc::clone(device),
            grid,
            route: Route::Best,
            far: device.is_far_from_host(),
            observer,
            pool: Pool::new(device, painting.output().clone(), grid),
            gpu: None,
            since: TileSet::all(grid),
            painting,
        }
    }

    pub(crate) fn with_route(self, route: Route) -> Self {
        Self { route, ..self }
    }

    pub(crate) fn with_far_host(self) -> Self {
        Self { far: true, ..self }
    }

    /// Leaves pictures on the device, for those who read them there, where the host is across a bus.
    pub(crate) fn staying(mut self) -> Self {
        self.pool.stays = self.far;
        self
    }

    pub(crate) fn grid(&self) -> Grid {
        self.grid
    }

    /// Notes that `tiles` changed in a picture that is not going to be written.
    pub(crate) fn skip(&mut self, tiles: &TileSet) {
        self.pool.mark(tiles);
        self.since.union_with(tiles);
    }

    /// Writes a picture of which `tiles` changed since the last one given to this or to
    /// [`skip`](Self::skip). `shown` are those tiles that show it, if not all do. The result has
    /// the times and the number of `frame`, and goes home to this pass. `None` when eight results
    /// are out and none has come back: the picture counts as skipped.
    pub(crate) fn write(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        tiles: &TileSet,
        shown: Option<&TileSet>,
    ) -> Result<Option<Arc<Frame>>, Error> {
        self.skip(tiles);
        let Some(index) = self.pool.take()? else { return Ok(None) };
        match self.fill(index, frame, image, shown) {
            Ok(acquire) => Ok(Some(self.lend(index, frame, acquire))),
            Err(err) => {
                // Nobody knows what was written.
                self.pool.slot(index).stale.fill();
                Err(err)
            }
        }
    }

    /// Sends out a buffer that has all of `frame` once `acquire` is reached.
    pub(crate) fn lend(
        &mut self,
        index: usize,
        frame: &Arc<Frame>,
        acquire: SyncPoint,
    ) -> Arc<Frame> {
        self.pool.lend(index, acquire.clone());
        let buffer = Arc::clone(&self.pool.slot(index).shared);
        let damage = Damage::Rects(ArrayVec::from_iter([self.since.bounds()]));
        self.since.clear();
        let info = FrameInfo { damage, ..frame.info().clone() };
        let made = Frame::new(buffer, info, acquire, self.pool.home());
        Arc::new(made.with_media(frame.media()))
    }

    /// Tells what was copied on the way into a buffer, and how many bytes came down to the host.
    pub(crate) fn report(&self, frame: &Frame, copies: Copies, down: u64) {
        let why = "brought down: the device and the host do not share this memory";
        copies.report(frame, &*self.observer, why);
        if down > 0 {
            self.observer.copy_down(frame.info().sequence, down, why);
        }
    }

    /// Notes that `tiles` of a picture were written into a buffer, and changed for all others.
    pub(crate) fn wrote(&mut self, index: usize, tiles: &TileSet) {
        self.pool.mark_others(index, tiles);
        self.since.union_with(tiles);
    }

    /// Writes the stale tiles of a buffer.
    fn fill(
        &mut self,
        index: usize,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        shown: Option<&TileSet>,
    ) -> Result<SyncPoint, Error> {
        let slot = self.pool.slot(index);
        let planes: Option<Vec<_>> = image.planes().iter().map(Plane::pixels).collect();
        if let (Route::InPlace, Some(planes), Some(host)) =
            (self.route.of(image), planes, &mut slot.host)
        {
            wait_on_cpu(frame.acquire())?;
            let work = Work { tiles: &slot.stale, shown };
            self.painting.paint(&planes, &work, host.bytes_mut());
            return Ok(SyncPoint::Signaled);
        }
        let gpu = match self.gpu.take().filter(|gpu| Some(gpu.sight()) == image.sight()) {
            Some(gpu) => gpu,
            None => Gpu::new(&self.device, &self.painting, image, (self.grid, self.far))?,
        };
        let gpu = self.gpu.insert(gpu);
        let (point, copies, down) = gpu.write(&self.painting, (frame, image), slot, shown)?;
        self.report(frame, copies, down);
        Ok(point)
    }
}
