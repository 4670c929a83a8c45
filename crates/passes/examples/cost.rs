//! What passes cost: milliseconds of CPU time for each picture, all threads of the process counted, by
//! the way that pictures are read and by how much of them changed. R'G'B' pictures first, then
//! decoded ones.
//!
//! `cargo run --release -p zerohop-passes --example cost [WIDTHxHEIGHT]`

mod asked;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/planar/picture.rs"]
mod picture;

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Damage, Extent, Fourcc, Siting};
use zerohop_passes::{Chroma, Classify, Convert, Diff, Grid, Luma, Rgba, Route, TileSet};
use zerohop_vulkan::PixelFormat;

use common::{Canvas, Machine, Notes, Tiling, noise};
use picture::Picture;

/// Pictures of one measurement.
const PICTURES: u32 = 60;

fn main() {
    let Some((machine, extent)) = asked::machine_and_size() else { return };
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
    decoded(&machine, extent);
}

/// The passes over decoded pictures, everything changed.
fn decoded(machine: &Machine, extent: Extent) {
    println!("\n{:<24}{:>18}{:>18}{:>18}", "", "luma", "rgba", "diff, unchanged");
    for fourcc in [Fourcc::NV12, Fourcc::P010, Fourcc::YUV420] {
        for (name, route) in [("in place", Route::InPlace), ("shader for GPUs", Route::Gpu)] {
            let mut picture = Picture::new(machine, (fourcc, extent), Color::BT709, 1);
            if route == Route::InPlace && picture.image.pixels().is_none() {
                continue;
            }
            let figures = passes(machine, &mut picture, route);
            let [luma, rgba, diff] = figures;
            println!("{:<24}{luma:>18}{rgba:>18}{diff:>18}", format!("{fourcc} {name}"));
        }
    }
}

fn passes(machine: &Machine, picture: &mut Picture, route: Route) -> [String; 3] {
    let (device, shape) = (&machine.device, picture.descriptor().clone());
    let notes = || Arc::<Notes>::default();
    let all = TileSet::all(Grid::of(shape.extent));
    let image = Arc::clone(&picture.image);
    let done = |out: Option<Arc<zerohop_frame::Frame>>| {
        zerohop_vulkan::wait_on_cpu(out.expect("a free buffer").acquire()).expect("a fence");
    };
    let mut luma = Luma::new(device, &shape, notes()).expect("a format").with_route(route);
    let luma = cost(|| done(luma.luma(&picture.frame(), &image, &all).expect("it works")));
    let rgba = Rgba::new(device, &shape, Siting::Left, notes());
    let mut rgba = rgba.expect("a format").with_route(route);
    let rgba = cost(|| done(rgba.convert(&picture.frame(), &image, &all).expect("it works")));
    let mut diff = Diff::new(device, &shape, notes()).expect("a format").with_route(route);
    let diff = cost(|| done(diff.diff(&picture.frame(), &image).expect("it works").picture));
    [luma, rgba, diff]
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
