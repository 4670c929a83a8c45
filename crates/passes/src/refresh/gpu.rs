//! Hashes and Y'CbCr by one shader.

use std::sync::Arc;

use zerohop_frame::{Frame, SyncPoint};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, Copies, Device, Image, Queue, Recording};

use crate::classify::{Known, Order};
use crate::convert::Conversion;
use crate::list::{Words, bytes};
use crate::paint::Painting as _;
use crate::paint::pool::Slot;
use crate::shader::{self, EVERY, STALE, Source, groups_of_tiles};
use crate::{Chroma, Error, Grid, Route, TileSet};

/// Marks a tile on the shader's list that is to be written, whatever its hash.
const ANYWAY: u32 = 1 << 31;

/// The shader with what it reads.
pub(super) struct Gpu {
    queue: Arc<Queue>,
    pipeline: Arc<ComputePipeline>,
    source: Source,
    grid: Grid,
    table: Option<Arc<Buffer>>,
    list: Words,
    route: Route,
    far: bool,
}

impl Gpu {
    pub(super) fn new(
        device: &Arc<Device>,
        conversion: &Conversion,
        (route, source): (Route, Source),
        far: bool,
    ) -> Result<Self, Error> {
        let output = conversion.output();
        if u64::from(output.size) > device.longest_buffer() {
            return Err(Error::TooLarge(output.descriptor.extent));
        }
        let (code, full) = choose(source, conversion.layout.chroma);
        let push = conversion.job(source, 0, 0).bytes().len() as u32;
        let made = if full { ComputePipeline::with_full_subgroups } else { ComputePipeline::new };
        let pipeline = made(device, code, source.sight(), 6, push)?;
        let queue = Queue::new(device);
        let table = conversion.table().map(|words| Words::constant(&queue, &words, far));
        let (grid, table) = (conversion.grid, table.transpose()?);
        let list = Words::new(device, grid.len(), far)?;
        Ok(Self { queue, pipeline, source, grid, table, list, route, far })
    }

    pub(super) fn fits(&self, route: Route, source: Source) -> bool {
        (self.route, self.source) == (route, source)
    }

    /// Looks at the tiles in `look` and at those that are stale in `slot`, writes there what changed
    /// and what was stale, and returns what changed.
    pub(super) fn look(
        &self,
        (conversion, known): (&Conversion, &Known),
        (frame, image): (&Arc<Frame>, &Arc<Image>),
        look: &TileSet,
        slot: &mut Slot,
    ) -> Result<TileSet, Error> {
        let mut tiles = look.clone();
        tiles.union_with(&slot.stale);
        let count = tiles.len();
        if count == 0 {
            return Ok(tiles);
        }
        let bindings = self.bind(conversion, known, slot)?;
        let mut recording = Recording::begin(&self.queue)?;
        let flags = self.tell(&mut recording, &tiles, &slot.stale);
        recording.read(frame, image)?;
        slot.open(&mut recording);
        let push = conversion.job(self.source, count as u32, flags);
        let groups = groups_of_tiles(self.grid, count, flags, 8);
        recording.dispatch(&self.pipeline, image, &bindings, push.bytes(), groups)?;
        let _ = recording.submit_and_wait()?;
        let order = if flags & EVERY == 0 { Order::Line } else { Order::Rows };
        let changed = known.found.take(&tiles, order);
        slot.ahead.union_with(&changed);
        slot.ahead.union_with(&slot.stale);
        slot.stale.clear();
        Ok(changed)
    }

    /// Says which tiles to look at, and which to write anyway.
    fn tell(&self, recording: &mut Recording, tiles: &TileSet, stale: &TileSet) -> u32 {
        match (tiles.is_full(), stale.is_full(), stale.is_empty()) {
            (true, true, _) => return EVERY | STALE,
            (true, _, true) => return EVERY,
            _ => {}
        }
        let anyway = |tile| if stale.contains(tile) { ANYWAY } else { 0 };
        let list: Vec<_> = tiles.iter().map(|tile| tile as u32 | anyway(tile)).collect();
        self.list.send(recording, &bytes(&list));
        0
    }

    fn bind(
        &self,
        conversion: &Conversion,
        known: &Known,
        slot: &mut Slot,
    ) -> Result<Arc<Bindings>, Error> {
        let size = conversion.output().size;
        slot.bound_with(&known.hashes, |slot| {
            let out = Arc::clone(slot.written_by_shaders(self.queue.device(), size, self.far)?);
            let list = Arc::clone(self.list.buffer());
            let table = self.table.clone().unwrap_or_else(|| Arc::clone(&list));
            let hashes = Arc::clone(&known.hashes);
            let (found, keys) = (Arc::clone(known.found.words()), Arc::clone(&known.keys));
            let buffers = vec![list, out, table, hashes, found, keys];
            Ok(Bindings::new(&self.pipeline, buffers)?)
        })
    }

    /// Brings what was written to the host, as [`Slot::bring_down`].
    pub(super) fn bring_down(
        &self,
        conversion: &Conversion,
        slot: &mut Slot,
    ) -> Result<(SyncPoint, Copies, u64), Error> {
        slot.bring_down(&self.queue, conversion.output())
    }
}

/// The shader for such pixels, and whether it wants full subgroups.
fn choose(source: Source, chroma: Chroma) -> (&'static [u32], bool) {
    use Chroma::{Deep, Interleaved, Planar};
    let code = match (source, chroma) {
        (Source::EightWords, Interleaved) => shader::REFRESH_EIGHT_WORDS_NV12,
        (Source::EightWords, Planar) => shader::REFRESH_EIGHT_WORDS_I420,
        (Source::EightWords, Deep) => shader::REFRESH_EIGHT_WORDS_P010,
        (Source::TenWords, Interleaved) => shader::REFRESH_TEN_WORDS_NV12,
        (Source::TenWords, Planar) => shader::REFRESH_TEN_WORDS_I420,
        (Source::TenWords, Deep) => shader::REFRESH_TEN_WORDS_P010,
        (Source::HalfWords, Interleaved) => shader::REFRESH_HALF_WORDS_NV12,
        (Source::HalfWords, Planar) => shader::REFRESH_HALF_WORDS_I420,
        (Source::HalfWords, Deep) => shader::REFRESH_HALF_WORDS_P010,
        (Source::Bgr, Interleaved) => shader::REFRESH_FAST_BGR_NV12,
        (Source::Bgr, Planar) => shader::REFRESH_FAST_BGR_I420,
        (Source::Bgr, Deep) => shader::REFRESH_FAST_BGR_P010,
        (Source::Rgb, Interleaved) => shader::REFRESH_FAST_RGB_NV12,
        (Source::Rgb, Planar) => shader::REFRESH_FAST_RGB_I420,
        (Source::Rgb, Deep) => shader::REFRESH_FAST_RGB_P010,
        (Source::FastHalf, Interleaved) => shader::REFRESH_FAST_HALF_NV12,
        (Source::FastHalf, Planar) => shader::REFRESH_FAST_HALF_I420,
        (Source::FastHalf, Deep) => shader::REFRESH_FAST_HALF_P010,
        _ => return (choose_plain(source, chroma), false),
    };
    (code, true)
}

fn choose_plain(source: Source, chroma: Chroma) -> &'static [u32] {
    use Chroma::{Deep, Interleaved, Planar};
    match (source == Source::Half, chroma) {
        (true, Interleaved) => shader::REFRESH_PLAIN_HALF_NV12,
        (true, Planar) => shader::REFRESH_PLAIN_HALF_I420,
        (true, Deep) => shader::REFRESH_PLAIN_HALF_P010,
        (false, Interleaved) => shader::REFRESH_PLAIN_ANY_NV12,
        (false, Planar) => shader::REFRESH_PLAIN_ANY_I420,
        (false, Deep) => shader::REFRESH_PLAIN_ANY_P010,
    }
}
