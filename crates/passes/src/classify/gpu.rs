//! `classify.wgsl` on a device.

use std::sync::Arc;

use zerohop_frame::Frame;
use zerohop_vulkan::{
    Bindings, Buffer, ComputePipeline, Device, Image, PixelFormat, Queue, Recording, Sight,
};

use crate::shader::{self, Push, groups};
use crate::{Error, Grid, Route, TileSet};

/// The shader with its buffers. The hashes stay on the device.
pub(super) struct Gpu {
    queue: Arc<Queue>,
    pipeline: Arc<ComputePipeline>,
    bindings: Arc<Bindings>,
    /// The tiles to look at.
    list: Arc<Buffer>,
    /// One bit for each tile that changed.
    changed: Arc<Buffer>,
    /// What `list` holds.
    listed: Option<TileSet>,
    format: PixelFormat,
    grid: Grid,
    seed: u32,
    route: Route,
}

impl Gpu {
    pub(super) fn new(
        device: &Arc<Device>,
        (format, grid, seed): (PixelFormat, Grid, u32),
        route: Route,
        sight: Sight,
    ) -> Result<Self, Error> {
        let serial = route == Route::Cpu;
        let code = match (sight, shader::is_half(format)) {
            (Sight::Buffers, _) if serial => shader::CLASSIFY_PLANE_SERIAL,
            (Sight::Buffers, _) => shader::CLASSIFY_PLANE_GROUP,
            (_, false) if serial => shader::CLASSIFY_PACKED_SERIAL,
            (_, true) if serial => shader::CLASSIFY_HALF_SERIAL,
            (_, false) => shader::CLASSIFY_PACKED_GROUP,
            (_, true) => shader::CLASSIFY_HALF_GROUP,
        };
        let none = TileSet::none(grid);
        // Both ways of telling where the picture is have eight words.
        let pipeline = ComputePipeline::new(device, code, sight, 3, 16 * 4)?;
        let tiles = grid.len() as u64;
        let list = Arc::new(Buffer::read_back(device, tiles * 4)?);
        let hashes = Arc::new(Buffer::new(device, tiles * 8)?);
        let changed = Arc::new(Buffer::read_back(device, none.words().len() as u64 * 4)?);
        let buffers = vec![Arc::clone(&list), hashes, Arc::clone(&changed)];
        Ok(Self {
            queue: Queue::new(device),
            bindings: Arc::new(Bindings::new(&pipeline, buffers)?),
            pipeline,
            list,
            changed,
            listed: None,
            format,
            grid,
            seed,
            route,
        })
    }

    /// Whether it is for such pictures.
    pub(super) fn fits(&self, route: Route, sight: Sight) -> bool {
        (self.route, self.pipeline.sight()) == (route, sight)
    }

    /// The tiles in `look` that changed.
    pub(super) fn look(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        look: &TileSet,
    ) -> Result<TileSet, Error> {
        let mut found = TileSet::none(self.grid);
        let count = self.list(look);
        if count == 0 {
            return Ok(found);
        }
        self.changed.clear();
        let push = self.push(image, count as u32);
        let each = if self.route == Route::Cpu { 8 } else { 1 };
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, image)?;
        let (pipeline, bindings) = (&self.pipeline, &self.bindings);
        recording.dispatch(pipeline, image, bindings, push.bytes(), groups(count, each))?;
        let _ = recording.submit_and_wait()?;
        for (index, word) in found.words_mut().iter_mut().enumerate() {
            let mut bytes = [0; 4];
            self.changed.read_into(index as u64 * 4, &mut bytes);
            *word = u32::from_ne_bytes(bytes);
        }
        Ok(found)
    }

    /// Writes the tiles of `look` where the shader reads them, unless they are there already.
    fn list(&mut self, look: &TileSet) -> usize {
        let count = look.len();
        if self.listed.as_ref() != Some(look) {
            let bytes: Vec<u8> = look.iter().flat_map(|tile| (tile as u32).to_ne_bytes()).collect();
            self.list.write(0, &bytes);
            self.listed = Some(look.clone());
        }
        count
    }

    fn push(&self, image: &Image, count: u32) -> Push {
        let extent = self.grid.extent();
        let push = match image.sight() {
            Some(Sight::Buffers) => {
                let place = image.planes()[0].place().map_or([0; 2], |at| [at.offset, at.stride]);
                let bytes = self.format.bytes() as u32;
                Push::default().words(place).words([0; 4]).words([bytes, 8 * bytes])
            }
            _ => {
                let scale = shader::scale(self.format);
                Push::default().floats(scale).words(shader::shift(self.format))
            }
        };
        push.words([extent.width, extent.height, self.grid.columns(), count])
            // To the end of a vector of four, to which the shader's structure is rounded up.
            .words([self.seed, 0, 0, 0])
    }
}
