//! What is measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Extent, Frame};
use zerohop_passes::{Chroma, Classify, Convert, Grid, Plain, Refresh, Route, TileSet, Twin};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, Queue, Recording, Sight};

use crate::WARM;
use crate::common::{Canvas, Machine, Notes, Tiling};
use crate::copy::READ;
use crate::stage::Stage;

/// A pass, and how much changes from picture to picture: everything or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    work: Work,
    change: bool,
    /// Bits that the pass writes of a pixel.
    pub(crate) writes: u64,
    tiling: Tiling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Nothing but the words.
    Read,
    /// Of a picture that was filled directly before, on the same queue: as the cache is when an application
    /// has just drawn it.
    Drawn(Route),
    Classify(Route),
    /// In one read.
    Refresh(Chroma, Route),
    /// In two.
    Apart(Chroma, Route),
    Twin(Chroma),
    /// In place, on the clock.
    InPlace(bool),
}

const fn case(name: &'static str, work: Work, change: bool, writes: u64) -> Case {
    Case { name, work, change, writes, tiling: Tiling::Words }
}

/// Everything that is measured.
pub(crate) const CASES: &[Case] = &[
    case("read", Work::Read, false, 0),
    case("classify", Work::Classify(Route::Gpu), false, 0),
    case("classify drawn", Work::Drawn(Route::Gpu), false, 0),
    case("classify texels", Work::Classify(Route::Gpu), false, 0).of_texels(),
    case("classify plain", Work::Classify(Route::Plain), false, 0),
    case("refresh none", Work::Refresh(Chroma::Interleaved, Route::Gpu), false, 0),
    case("refresh NV12", Work::Refresh(Chroma::Interleaved, Route::Gpu), true, 12),
    case("refresh P010", Work::Refresh(Chroma::Deep, Route::Gpu), true, 24),
    case("refresh I420", Work::Refresh(Chroma::Planar, Route::Gpu), true, 12),
    case("refresh texels NV12", Work::Refresh(Chroma::Interleaved, Route::Gpu), true, 12)
        .of_texels(),
    case("refresh plain NV12", Work::Refresh(Chroma::Interleaved, Route::Plain), true, 12),
    case("apart NV12", Work::Apart(Chroma::Interleaved, Route::Gpu), true, 12),
    case("in place one", Work::InPlace(true), true, 12),
    case("in place two", Work::InPlace(false), true, 12),
    case("twin NV12", Work::Twin(Chroma::Interleaved), true, 12),
];

impl Case {
    /// Of images that do not show words, as many drivers of dma-bufs make them.
    const fn of_texels(self) -> Self {
        Self { tiling: Tiling::Optimal, ..self }
    }

    /// Whether its times are those of the clock, and not of the device.
    pub(crate) fn is_on_the_clock(self) -> bool {
        matches!(self.work, Work::Twin(_) | Work::InPlace(_))
    }

    /// The times of so many pictures; `None` for what this device cannot do.
    pub(crate) fn run(self, stage: &Stage<'_>, pictures: usize) -> Option<Vec<Duration>> {
        match self.work {
            Work::Read => Some(self.read(stage, pictures)),
            Work::Classify(route) => Some(self.classify(stage, route, pictures, |_| {})),
            Work::Drawn(route) => {
                let queue = &stage.machine.queue;
                Some(self.classify(stage, route, pictures, |canvas| draw(queue, canvas)))
            }
            Work::Refresh(chroma, route) => Some(self.refresh(stage, (chroma, route), pictures)),
            Work::Apart(chroma, route) => Some(self.apart(stage, (chroma, route), pictures)),
            Work::Twin(chroma) => Some(twin(stage, chroma, pictures)),
            Work::InPlace(one) => in_place(stage, one, pictures),
        }
    }

    /// `before` each picture is looked at.
    fn classify(
        self,
        stage: &Stage<'_>,
        route: Route,
        pictures: usize,
        before: impl Fn(&Canvas),
    ) -> Vec<Duration> {
        let mut canvases = stage.canvases(self.tiling, self.change);
        let notes = Arc::<Notes>::default();
        let pass = Classify::new(&stage.machine.device, &canvases[0].descriptor, notes);
        let mut pass = pass.expect("a known format").with_route(route);
        each(stage, &mut canvases, pictures, |frame, canvas| {
            before(canvas);
            let _ = pass.classify(frame, &canvas.image).expect("a device that works");
        })
    }

    fn read(self, stage: &Stage<'_>, pictures: usize) -> Vec<Duration> {
        let Machine { device, queue, .. } = stage.machine;
        let pipeline = ComputePipeline::new(device, READ, Sight::Words, 1, 16).expect("a shader");
        let out = Arc::new(Buffer::new(device, 16).expect("a buffer"));
        let bindings = Arc::new(Bindings::new(&pipeline, vec![out]).expect("a set"));
        let Extent { width, height } = stage.extent;
        let push = [width, height, 0, 0].map(u32::to_ne_bytes).concat();
        let groups = [width.div_ceil(128), height.div_ceil(16), 1];
        let mut canvases = stage.canvases(self.tiling, self.change);
        each(stage, &mut canvases, pictures, |frame, canvas| {
            let mut recording = Recording::begin(queue).expect("a device that works");
            recording.read(frame, &canvas.image).expect("a device that works");
            let made = recording.dispatch(&pipeline, &canvas.image, &bindings, &push, groups);
            made.expect("a device that works");
            let _ = recording.submit_and_wait().expect("a device that works");
        })
    }

    fn refresh(
        self,
        stage: &Stage<'_>,
        (chroma, route): (Chroma, Route),
        pictures: usize,
    ) -> Vec<Duration> {
        let mut canvases = stage.canvases(self.tiling, self.change);
        let notes = Arc::<Notes>::default();
        let pass = Refresh::new(&stage.machine.device, &canvases[0].descriptor, chroma, notes);
        let mut pass = pass.expect("a known format").with_route(route);
        each(stage, &mut canvases, pictures, |frame, canvas| refresh(&mut pass, frame, canvas))
    }

    /// Both passes of a picture count as one.
    fn apart(
        self,
        stage: &Stage<'_>,
        (chroma, route): (Chroma, Route),
        pictures: usize,
    ) -> Vec<Duration> {
        let mut canvases = stage.canvases(self.tiling, self.change);
        let (device, shape) = (&stage.machine.device, canvases[0].descriptor.clone());
        let notes = Arc::<Notes>::default;
        let classify = Classify::new(device, &shape, notes()).expect("a known format");
        let mut classify = classify.with_route(route);
        let convert = Convert::new(device, &shape, chroma, notes()).expect("a known format");
        let mut convert = convert.with_route(route);
        let all = TileSet::all(Grid::of(stage.extent));
        let first = each(stage, &mut canvases, pictures, |frame, canvas| {
            let _ = classify.classify(frame, &canvas.image).expect("a device that works");
        });
        let second = each(stage, &mut canvases, pictures, |frame, canvas| {
            let made = convert.convert(frame, &canvas.image, &all).expect("a device that works");
            done(&made.expect("a free buffer"));
        });
        first.iter().zip(&second).map(|(one, two)| *one + *two).collect()
    }
}

/// Draws a picture as an application does: without a wait, and the cache has what it has of it.
fn draw(queue: &Arc<Queue>, canvas: &Canvas) {
    let mut recording = Recording::begin(queue).expect("a device that works");
    recording.fill(&canvas.image, [0.2, 0.4, 0.6, 1.0]);
    let _ = recording.submit().expect("a device that works");
}

fn refresh(pass: &mut Refresh, frame: &Arc<Frame>, canvas: &Canvas) {
    let verdict = pass.classify(frame, &canvas.image).expect("a device that works");
    if let Some(tiles) = verdict.tiles() {
        let made = pass.convert(frame, &canvas.image, tiles).expect("a device that works");
        done(&made.expect("a free buffer"));
    }
}

pub(crate) fn done(frame: &Frame) {
    zerohop_vulkan::wait_on_cpu(frame.acquire()).expect("a fence");
}

/// Shows pictures in turn, and takes what the device measured.
fn each(
    stage: &Stage<'_>,
    canvases: &mut [Canvas],
    pictures: usize,
    mut work: impl FnMut(&Arc<Frame>, &Canvas),
) -> Vec<Duration> {
    let count = canvases.len();
    for turn in 0..WARM + pictures + 1 {
        if turn == WARM {
            let _ = stage.machine.device.take_measured();
        }
        let canvas = &mut canvases[turn % count];
        let frame = canvas.present_as(turn as u64 + 1);
        work(&frame, canvas);
    }
    let mut measured = stage.machine.device.take_measured();
    // What was submitted without a wait is found to be done by the next submission.
    measured.truncate(pictures);
    measured
}

/// By the twin over pictures in plain memory, on the clock.
fn twin(stage: &Stage<'_>, chroma: Chroma, pictures: usize) -> Vec<Duration> {
    let canvas =
        Canvas::new(stage.machine, stage.extent, stage.format, Tiling::Optimal, Color::SRGB);
    let mut twin = Twin::new(&canvas.descriptor, chroma).expect("a known format");
    let stride = stage.extent.width as usize * stage.format.bytes();
    clock(pictures, |turn| {
        let _ = twin.look(&Plain { bytes: &stage.content[turn % 2], stride });
    })
}

/// In the memory where a CPU device draws: in one read, or in two.
fn in_place(stage: &Stage<'_>, one: bool, pictures: usize) -> Option<Vec<Duration>> {
    let mut canvases = stage.canvases(Tiling::Linear, true);
    canvases[0].image.pixels()?;
    let notes = Arc::<Notes>::default();
    let device = &stage.machine.device;
    let pass = Refresh::new(device, &canvases[0].descriptor, Chroma::Interleaved, notes);
    let pass = pass.expect("a known format").with_route(Route::InPlace);
    let mut pass = if one { pass } else { pass.apart() };
    let count = canvases.len();
    Some(clock(pictures, |turn| {
        let canvas = &mut canvases[turn % count];
        let frame = canvas.present_as(turn as u64 + 1);
        refresh(&mut pass, &frame, canvas);
    }))
}

fn clock(pictures: usize, mut work: impl FnMut(usize)) -> Vec<Duration> {
    let measured = (0..WARM + pictures).map(|turn| {
        let begin = Instant::now();
        work(turn);
        begin.elapsed()
    });
    measured.collect::<Vec<_>>().split_off(WARM)
}
