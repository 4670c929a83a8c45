//! What it is worth that pictures come down from a GPU while the software encoder works on the one
//! before: seconds for the same pictures one after the other, and overlapped.
//!
//! `ring [WIDTHxHEIGHT [JSON]]`
//!
//! The passes work as if the host lay across a bus, whatever the device. A quarter of each picture
//! moves, and only rows with tiles that changed come down.

mod asked;
#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use zerohop_encode::{Encoder, OpenH264, Options};
use zerohop_frame::{Color, Damage, Extent, Fallback, Fourcc, Frame, Observer, Stage};
use zerohop_passes::{Chroma, Refresh, Route};
use zerohop_vulkan::{PixelFormat, wait_on_cpu};

use common::{Canvas, Machine, Tiling};

/// Pictures of one measurement.
const PICTURES: usize = 60;
/// Different pictures.
const SCENES: usize = 8;
/// Pictures that may wait for the encoder, as in a recording.
const WAITING: usize = 2;

fn main() {
    let Some((machine, extent)) = asked::machine_and_size() else { return };
    let name = machine.device.physical().name();
    let (serial, down) = run(&machine, extent, false);
    let (overlapped, _) = run(&machine, extent, true);
    let (each, other) = (ms(serial), ms(overlapped));
    let (ratio, bytes) = (other / each, down / PICTURES as u64);
    println!("{name}, {}x{}, {bytes} bytes down for each", extent.width, extent.height);
    println!("one after the other {each:.2} ms, overlapped {other:.2} ms: {ratio:.2}");
    if let Some(file) = std::env::args().nth(2) {
        let text = format!(
            "{{\"serial_ms\": {each:.3}, \"overlapped_ms\": {other:.3}, \"ratio\": {ratio:.3}, \
             \"bytes_down\": {bytes}}}\n"
        );
        std::fs::write(&file, text).unwrap_or_else(|err| panic!("write {file}: {err}"));
    }
}

/// Milliseconds for each picture.
fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3 / PICTURES as f64
}

/// Bytes that came down.
#[derive(Default)]
struct Down(Mutex<u64>);

impl Observer for Down {
    fn span(&self, _: u64, _: Stage, _: Duration, _: Duration) {}
    fn cpu_copy(&self, _: u64, _: u64, _: &'static str) {}
    fn gpu_copy(&self, _: u64, _: &'static str) {}
    fn copy_down(&self, _: u64, bytes: u64, _: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += bytes;
    }
    fn dropped(&self, _: u64, _: &'static str) {}
    fn fallback(&self, _: Fallback) {}
}

/// The time that all pictures take, and the bytes that came down.
fn run(machine: &Machine, extent: Extent, overlap: bool) -> (Duration, u64) {
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    let canvas = |turn| {
        let mut canvas = Canvas::new(machine, extent, format, Tiling::Optimal, Color::SRGB);
        let _ = canvas.show(machine, &scene(extent, turn), Damage::Unknown);
        canvas
    };
    let mut canvases: Vec<_> = (0..SCENES).map(canvas).collect();
    let down = Arc::<Down>::default();
    let shape = &canvases[0].descriptor;
    let pass = Refresh::new(&machine.device, shape, Chroma::Planar, Arc::clone(&down) as _);
    let mut pass = pass.expect("a known format").with_route(Route::Gpu).with_far_host();
    let mut show = |turn: usize| {
        let canvas = &mut canvases[turn % SCENES];
        let frame = canvas.present_as(turn as u64 + 1);
        let verdict = pass.classify(&frame, &canvas.image).expect("a device that works");
        let tiles = verdict.tiles().expect("something moves");
        let made = pass.convert(&frame, &canvas.image, tiles).expect("a device that works");
        made.expect("a free buffer")
    };
    // The first one compiles and allocates.
    encode(&mut OpenH264::new(Options::default()), show(0));
    *down.0.lock().unwrap_or_else(PoisonError::into_inner) = 0;
    let begin = Instant::now();
    let mut encoder = OpenH264::new(Options::default());
    if overlap {
        std::thread::scope(|scope| {
            let (queue, work) = sync_channel(WAITING);
            scope.spawn(move || work.iter().for_each(|frame| encode(&mut encoder, frame)));
            (1..=PICTURES).for_each(|turn| queue.send(show(turn)).expect("an encoder"));
        });
    } else {
        for turn in 1..=PICTURES {
            let frame = show(turn);
            wait_on_cpu(frame.acquire()).expect("a fence");
            encode(&mut encoder, frame);
        }
    }
    let took = begin.elapsed();
    (took, *down.0.lock().unwrap_or_else(PoisonError::into_inner))
}

fn encode(encoder: &mut OpenH264, frame: Arc<Frame>) {
    encoder.encode(frame, false).expect("an encoder that works");
    while encoder.poll_packet().expect("a packet").is_some() {}
}

/// Slopes; the upper left quarter moves.
fn scene(extent: Extent, turn: usize) -> Vec<u8> {
    let Extent { width, height } = extent;
    let pixel = |at: u32| {
        let (x, y) = (at % width, at / width);
        let moves = x < width / 2 && y < height / 2;
        let x = if moves { x + turn as u32 * 3 } else { x };
        let code = ((x / 4 + y / 3) % 256) as u8;
        [code, code, code, 255]
    };
    (0..width * height).flat_map(pixel).collect()
}
