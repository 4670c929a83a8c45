//! What classification and conversion cost: milliseconds of CPU time for each picture, all threads
//! of the process counted, by the way that pictures are read and by how much of them changed.
//!
//! `cargo run --release -p zerohop-passes --example cost [WIDTHxHEIGHT]`

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Damage, Extent, Fourcc};
use zerohop_passes::{Chroma, Classify, Convert, Grid, Route, TileSet};
use zerohop_vulkan::PixelFormat;

use common::{Canvas, Machine, Notes, Tiling, noise};

/// Pictures of one measurement.
const PICTURES: u32 = 60;

fn main() {
    let extent = std::env::args().nth(1).and_then(|text| parse(&text));
    let extent = extent.unwrap_or(Extent { width: 1280, height: 720 });
    let machine = match Machine::open(false) {
        Ok(machine) => machine,
        Err(why) => return println!("nothing to measure on: {why}"),
    };
    let name = machine.device.physical().name();
    println!("{name}, {}x{}, {PICTURES} pictures each", extent.width, extent.height);
    println!("milliseconds for one picture: CPU time of all threads (time on the clock)\n");
    println!("{:<24}{:>18}{:>18}{:>18}", "", "classify", "convert 10 %", "convert all");
    for (name, route, tiling) in [
        ("in place", Route::InPlace, Tiling::Linear),
        ("shader for GPUs", Route::Gpu, Tiling::Optimal),
        ("shader for CPUs", Route::Cpu, Tiling::Optimal),
    ] {
        let mut canvas = canvas(&machine, extent, tiling);
        if route == Route::InPlace && canvas.image.pixels().is_none() {
            println!("{name:<24}{:>18}", "not on this device");
            continue;
        }
        let look = classify(&machine, &mut canvas, route);
        let part = convert(&machine, &mut canvas, route, 10);
        let all = convert(&machine, &mut canvas, route, 1);
        println!("{name:<24}{look:>18}{part:>18}{all:>18}");
    }
}

fn parse(text: &str) -> Option<Extent> {
    let (width, height) = text.split_once('x')?;
    Some(Extent { width: width.parse().ok()?, height: height.parse().ok()? })
}

fn canvas(machine: &Machine, extent: Extent, tiling: Tiling) -> Canvas {
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
    let bytes = noise(1, canvas.image.bytes() as usize);
    let _ = canvas.show(machine, &bytes, Damage::Unknown);
    canvas
}

/// An unchanged picture: all tiles are looked at.
fn classify(machine: &Machine, canvas: &mut Canvas, route: Route) -> String {
    let pass = Classify::new(&machine.device, &canvas.descriptor, Arc::<Notes>::default());
    let mut pass = pass.expect("a known format").with_route(route);
    cost(|| {
        let frame = canvas.present(Damage::Unknown);
        let _ = pass.classify(&frame, &canvas.image).expect("a device that works");
    })
}

/// One tile in `each` changed.
fn convert(machine: &Machine, canvas: &mut Canvas, route: Route, each: usize) -> String {
    let notes = Arc::<Notes>::default();
    let pass = Convert::new(&machine.device, &canvas.descriptor, Chroma::Planar, notes);
    let mut pass = pass.expect("a known format").with_route(route);
    let mut tiles = TileSet::none(Grid::of(canvas.descriptor.extent));
    tiles.insert_every(0, each);
    cost(|| {
        let frame = canvas.present(Damage::Unknown);
        let out = pass.convert(&frame, &canvas.image, &tiles).expect("a device that works");
        zerohop_vulkan::wait_on_cpu(out.expect("a free buffer").acquire()).expect("a fence");
    })
}

fn cost(mut work: impl FnMut()) -> String {
    // The first ones compile, allocate, and write everything.
    (0..10).for_each(|_| work());
    let (clock, cpu) = (Instant::now(), cpu_time());
    (0..PICTURES).for_each(|_| work());
    let (clock, cpu) = (clock.elapsed() / PICTURES, (cpu_time() - cpu) / PICTURES);
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!("{:.3} ({:.3})", ms(cpu), ms(clock))
}

/// CPU time of all threads so far.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(now).unwrap_or_default()
}
