//! The limit that all is measured by: a copy by a shader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Extent, Fourcc};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, PixelFormat, Recording, Sight};

use crate::WARM;
use crate::common::{Canvas, Machine, Tiling};
use crate::stage::turns;
use crate::table::percentiles;

include!(concat!(env!("OUT_DIR"), "/copy.rs"));

/// How long a device works before anything is measured: one that had nothing to do has a slow clock.
const WAKE: Duration = Duration::from_millis(300);

/// Copies of one submission meanwhile: between submissions the device has nothing to do.
const BUSY: usize = 64;

/// Bytes a second of memories, by what devices are called (NVIDIA's data sheet of the H200).
const MEMORIES: [(&str, f64); 1] = [("NVIDIA H200", 4.8e12)];

/// Copies between buffers that take turns.
pub(crate) struct Copier<'a> {
    machine: &'a Machine,
    pipeline: Arc<ComputePipeline>,
    /// Shaders see a picture, even if they do not look at it.
    canvas: Canvas,
    pairs: Vec<Arc<Bindings>>,
    bytes: u64,
}

impl<'a> Copier<'a> {
    /// Copies `bytes`, a multiple of 16. `None` on a device that is out of memory for it.
    pub(crate) fn new(machine: &'a Machine, bytes: u64) -> Option<Self> {
        let device = &machine.device;
        let pipeline = ComputePipeline::new(device, COPY, Sight::Images, 2, 16).expect("a shader");
        let extent = Extent { width: 16, height: 16 };
        let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
        let canvas = Canvas::new(machine, extent, format, Tiling::Optimal, Color::SRGB);
        let make = || Buffer::new(device, bytes).map(Arc::new);
        let pair = || Bindings::new(&pipeline, vec![make()?, make()?]).map(Arc::new);
        let made: Result<Vec<_>, zerohop_vulkan::Error> =
            (0..turns(device.is_cpu(), 2 * bytes)).map(|_| pair()).collect();
        Some(Self { machine, pairs: made.ok()?, pipeline, canvas, bytes })
    }

    /// Copies so many pairs of buffers in one go.
    fn copy(&mut self, turn: usize, pairs: usize) {
        let count = self.bytes / 16;
        let push = [count as u32, 0, 0, 0].map(u32::to_ne_bytes).concat();
        let groups = u32::try_from(count.div_ceil(256)).expect("buffers of a picture");
        let across = groups.min(65535);
        let groups = [across, groups.div_ceil(across), 1];
        let frame = self.canvas.present_as(turn as u64 + 1);
        let mut recording = Recording::begin(&self.machine.queue).expect("a device that works");
        recording.read(&frame, &self.canvas.image).expect("a device that works");
        for pair in turn..turn + pairs {
            let (image, pair) = (&self.canvas.image, &self.pairs[pair % self.pairs.len()]);
            let made = recording.dispatch(&self.pipeline, image, pair, &push, groups);
            made.expect("a device that works");
        }
        let _ = recording.submit_and_wait().expect("a device that works");
    }

    /// What copies take.
    pub(crate) fn times(&mut self, pictures: usize) -> Vec<Duration> {
        self.wake();
        (0..WARM).for_each(|turn| self.copy(turn, 1));
        let _ = self.machine.device.take_measured();
        (0..pictures).for_each(|turn| self.copy(turn, 1));
        self.machine.device.take_measured()
    }

    /// Keeps the device busy until its clock is up.
    pub(crate) fn wake(&mut self) {
        if self.machine.device.is_cpu() {
            return;
        }
        let begin = Instant::now();
        (0..).take_while(|_| begin.elapsed() < WAKE).for_each(|turn| self.copy(turn, BUSY));
        let _ = self.machine.device.take_measured();
    }
}

/// What a copy takes that moves as many bytes as a pass, each measured when it is first asked for: the
/// beginning and the end of a dispatch are in it as they are in the pass.
pub(crate) struct Limits<'a> {
    machine: &'a Machine,
    pictures: usize,
    /// Medians in microseconds, by bytes copied.
    found: BTreeMap<u64, Option<f64>>,
}

impl<'a> Limits<'a> {
    pub(crate) fn new(machine: &'a Machine, pictures: usize) -> Self {
        Self { machine, pictures, found: BTreeMap::new() }
    }

    /// Microseconds that the device's memory takes for `moved` bytes, where its bandwidth is known.
    pub(crate) fn memory(&self, moved: u64) -> Option<f64> {
        let name = self.machine.device.physical().name();
        let known = MEMORIES.iter().find(|(device, _)| name.starts_with(device));
        known.map(|(_, bandwidth)| moved as f64 / bandwidth * 1e6)
    }

    /// Microseconds of a copy that reads and writes `moved` bytes together. `None` where nothing could
    /// be measured.
    pub(crate) fn of(&mut self, moved: u64) -> Option<f64> {
        let (machine, pictures) = (self.machine, self.pictures);
        let bytes = (moved / 2).next_multiple_of(16);
        *self.found.entry(bytes).or_insert_with(|| {
            let [median, ..] = percentiles(&Copier::new(machine, bytes)?.times(pictures));
            (median > 0.0).then_some(median)
        })
    }
}
