//! A painting by its shader.

use std::sync::Arc;

use zerohop_frame::{Frame, SyncPoint};
use zerohop_vulkan::{
    Bindings, Buffer, ComputePipeline, Copies, Device, Image, Queue, Recording, Sight,
};

use super::pool::Slot;
use super::{Painting, Work};
use crate::list::Words;
use crate::shader::{EVERY, groups_of_tiles};
use crate::{Error, Grid, TileSet};

/// The shader with what it reads.
pub(super) struct Gpu {
    queue: Arc<Queue>,
    pipeline: Arc<ComputePipeline>,
    sight: Sight,
    table: Option<Arc<Buffer>>,
    grid: Grid,
    far: bool,
}

impl Gpu {
    /// For pictures like `image`.
    pub(super) fn new(
        device: &Arc<Device>,
        painting: &impl Painting,
        image: &Image,
        (grid, far): (Grid, bool),
    ) -> Result<Self, Error> {
        let sight = image.sight().unwrap_or(Sight::Images);
        let output = painting.output();
        if u64::from(output.size) > device.longest_buffer() {
            return Err(Error::TooLarge(output.descriptor.extent));
        }
        let queue = Queue::new(device);
        let table = painting.table().map(|words| Words::constant(&queue, &words, far));
        let table = table.transpose()?;
        let buffers = if table.is_some() { 3 } else { 2 };
        let push = painting.push(image, 0, 0).bytes().len() as u32;
        let code = painting.code(sight)?;
        let pipeline = ComputePipeline::new(device, code, sight, buffers, push)?;
        Ok(Self { queue, pipeline, sight, table, grid, far })
    }

    pub(super) fn sight(&self) -> Sight {
        self.sight
    }

    /// Writes the stale tiles of `slot`. Returns when they can be read, what was copied, and how many
    /// bytes the device brought to the host.
    pub(super) fn write<P: Painting>(
        &self,
        painting: &P,
        (frame, image): (&Arc<Frame>, &Arc<Image>),
        slot: &mut Slot,
        shown: Option<&TileSet>,
    ) -> Result<(SyncPoint, Copies, u64), Error> {
        let size = painting.output().size;
        let bound = match &slot.bound {
            Some(bound) => bound.clone(),
            None => self.bind(slot, size)?,
        };
        let work = Work { tiles: &slot.stale, shown };
        let count = work.tiles.len();
        let mut copies = image.copies();
        let mut recording = Recording::begin(&self.queue)?;
        let flags = if work.is_everything() { EVERY } else { 0 };
        if flags == 0 {
            bound.list.send(&mut recording, &work.list());
        }
        recording.read(frame, image)?;
        if count > 0 {
            let push = painting.push(image, count as u32, flags);
            slot.open(&mut recording);
            let (pipeline, bindings) = (&self.pipeline, &bound.bindings);
            let groups = groups_of_tiles(self.grid, count, flags, P::EACH);
            recording.dispatch(pipeline, image, bindings, push.bytes(), groups)?;
            slot.ahead.union_with(&slot.stale);
        }
        let down = slot.copy_down(&mut recording, painting.output());
        if slot.is_shared() {
            return Ok((recording.submit()?, copies, down));
        }
        let _ = recording.submit_and_wait()?;
        copies.cpu_bytes += slot.fetch(size);
        Ok((SyncPoint::Signaled, copies, down))
    }

    /// What the shader needs to write into `slot`.
    fn bind(&self, slot: &mut Slot, size: u32) -> Result<Bound, Error> {
        let device = self.queue.device();
        let list = Words::new(device, self.grid.len(), self.far)?;
        let out = slot.written_by_shaders(device, size, self.far)?;
        let mut buffers = vec![Arc::clone(list.buffer()), Arc::clone(out)];
        buffers.extend(self.table.clone());
        let bindings = Arc::new(Bindings::new(&self.pipeline, buffers)?);
        let bound = Bound { bindings, list: Arc::new(list) };
        slot.bound = Some(bound.clone());
        Ok(bound)
    }
}

/// What the shader needs to write into one buffer of the pool.
#[derive(Clone)]
pub(crate) struct Bound {
    bindings: Arc<Bindings>,
    /// The tiles to write. The buffer's own, since the last submission may still read another's.
    list: Arc<Words>,
}
