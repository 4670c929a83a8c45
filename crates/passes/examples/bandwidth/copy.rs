//! The limit that all is measured by: a copy by a shader.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Extent, Fourcc};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, PixelFormat, Recording, Sight};

use crate::WARM;
use crate::cases::turns;
use crate::common::{Canvas, Machine, Tiling};

include!(concat!(env!("OUT_DIR"), "/copy.rs"));

/// How long a device works before anything is measured: one that had nothing to do has a slow clock.
const WAKE: Duration = Duration::from_millis(300);

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

    fn copy(&mut self, turn: usize) {
        let count = self.bytes / 16;
        let push = [count as u32, 0, 0, 0].map(u32::to_ne_bytes).concat();
        let groups = u32::try_from(count.div_ceil(256)).expect("buffers of a picture");
        let across = groups.min(65535);
        let groups = [across, groups.div_ceil(across), 1];
        let frame = self.canvas.present_as(turn as u64 + 1);
        let mut recording = Recording::begin(&self.machine.queue).expect("a device that works");
        recording.read(&frame, &self.canvas.image).expect("a device that works");
        let (image, pair) = (&self.canvas.image, &self.pairs[turn % self.pairs.len()]);
        let made = recording.dispatch(&self.pipeline, image, pair, &push, groups);
        made.expect("a device that works");
        let _ = recording.submit_and_wait().expect("a device that works");
    }

    /// What copies take.
    pub(crate) fn times(&mut self, pictures: usize) -> Vec<Duration> {
        self.wake();
        (0..WARM).for_each(|turn| self.copy(turn));
        let _ = self.machine.device.take_measured();
        (0..pictures).for_each(|turn| self.copy(turn));
        self.machine.device.take_measured()
    }

    /// Keeps the device busy until its clock is up.
    pub(crate) fn wake(&mut self) {
        if self.machine.device.is_cpu() {
            return;
        }
        let begin = Instant::now();
        (0..).take_while(|_| begin.elapsed() < WAKE).for_each(|turn| self.copy(turn));
        let _ = self.machine.device.take_measured();
    }
}
