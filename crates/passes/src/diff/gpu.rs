//! Hashes and luma by one shader.

use std::sync::Arc;

use zerohop_frame::{Frame, SyncPoint};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, Copies, Image, Queue, Recording, Sight};

use crate::classify::{Known, Order};
use crate::luma::{Codes, LumaOf};
use crate::paint::Painting as _;
use crate::paint::pool::Slot;
use crate::shader::{self, EVERY, Source, groups_of_tiles};
use crate::{Classify, Error, Grid, TileSet};

/// Tiles of a workgroup.
const EACH: u32 = 8;
/// Bytes that the shader is told.
const PUSH: u32 = 128;

/// The shader.
pub(super) struct Gpu {
    queue: Arc<Queue>,
    pipeline: Arc<ComputePipeline>,
    sight: Sight,
    grid: Grid,
    far: bool,
}

impl Gpu {
    /// Whether there is a shader for `image`: where its luma lies in a plane, and `classify` would have
    /// the one for GPUs look at that.
    pub(super) fn fits(classify: &Classify, luma: &LumaOf, image: &Image) -> bool {
        let source = Source::best(image, classify.hashes.format, classify.route.of(image));
        matches!(source, Source::One | Source::Lines) && matches!(luma.codes, Codes::YCbCr(_))
    }

    pub(super) fn new(image: &Image, luma: &LumaOf, far: bool) -> Result<Self, Error> {
        let output = luma.output();
        if u64::from(output.size) > image.device().longest_buffer() {
            return Err(Error::TooLarge(output.descriptor.extent));
        }
        let (device, grid) = (image.device(), Grid::of(output.descriptor.extent));
        let (sight, code) = match image.sight() {
            Some(Sight::Buffers) => (Sight::Buffers, shader::DIFF_BUFFERS),
            _ => (Sight::Images, shader::DIFF_IMAGES),
        };
        let pipeline = ComputePipeline::with_full_subgroups(device, code, sight, 6, PUSH)?;
        Ok(Self { queue: Queue::new(device), pipeline, sight, grid, far })
    }

    pub(super) fn sight(&self) -> Sight {
        self.sight
    }

    /// Looks at all tiles, writes the luma of those that changed into `slot`, and black for the others.
    pub(super) fn look(
        &self,
        (luma, known): (&LumaOf, &Known),
        (frame, image): (&Arc<Frame>, &Arc<Image>),
        slot: &mut Slot,
    ) -> Result<TileSet, Error> {
        let bindings = self.bind(luma, known, slot)?;
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, image)?;
        slot.open(&mut recording);
        let count = self.grid.len();
        let push = luma.job(image, count as u32)?;
        let groups = groups_of_tiles(self.grid, count, EVERY, EACH);
        recording.dispatch(&self.pipeline, image, &bindings, push.bytes(), groups)?;
        let _ = recording.submit_and_wait()?;
        slot.ahead.fill();
        Ok(known.found.take(&TileSet::all(self.grid), Order::Rows))
    }

    fn bind(&self, luma: &LumaOf, known: &Known, slot: &mut Slot) -> Result<Arc<Bindings>, Error> {
        let size = luma.output().size;
        slot.bound_with(&known.hashes, |slot| {
            let of = |buffer: &Arc<Buffer>| Arc::clone(buffer);
            let out = of(slot.written_by_shaders(self.queue.device(), size, self.far)?);
            let found = of(known.found.words());
            // Without a list and a table.
            let buffers =
                vec![of(&out), of(&out), of(&out), of(&known.hashes), found, of(&known.keys)];
            Ok(Bindings::new(&self.pipeline, buffers)?)
        })
    }

    /// Brings what was written to the host, as [`Slot::bring_down`].
    pub(super) fn bring_down(
        &self,
        luma: &LumaOf,
        slot: &mut Slot,
    ) -> Result<(SyncPoint, Copies, u64), Error> {
        slot.bring_down(&self.queue, luma.output())
    }
}
