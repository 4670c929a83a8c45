//! What symbols take: bytes and milliseconds for each picture, by block size and step.
//!
//! `cargo run --release -p zerohop-passes --example symbols [WIDTHxHEIGHT]`
//!
//! The picture is a smooth one with some noise in it. A quarter of it moves.

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Damage, Extent, Fourcc};
use zerohop_passes::{Route, SymbolSettings, Symbols};
use zerohop_symbols::Reader;
use zerohop_vulkan::PixelFormat;

use common::{Canvas, Machine, Notes, Tiling, noise};

/// Pictures of one measurement.
const PICTURES: u32 = 20;

fn main() {
    let extent = std::env::args().nth(1).and_then(|text| parse(&text));
    let extent = extent.unwrap_or(Extent { width: 1280, height: 720 });
    let machine = match Machine::open(false) {
        Ok(machine) => machine,
        Err(why) => return println!("nothing to measure on: {why}"),
    };
    let name = machine.device.physical().name();
    let pixels = extent.width as usize * extent.height as usize;
    println!("{name}, {}x{}: {pixels} bytes of luma", extent.width, extent.height);
    println!(
        "{:<30}{:>12}{:>14}{:>16}{:>12}",
        "", "key, bytes", "others, bytes", "write, ms", "read, ms"
    );
    for (block, planes, step) in
        [(16, 6, 1), (16, 5, 3), (8, 4, 7), (16, 4, 7), (32, 4, 7), (16, 3, 20)]
    {
        for (way, route, tiling) in
            [("in place", Route::InPlace, Tiling::Linear), ("shader", Route::Gpu, Tiling::Optimal)]
        {
            let of = SymbolSettings { block, planes, step };
            let figures = measure(&machine, extent, of, (route, tiling));
            println!("{:<30}{figures}", format!("{block}x{block}, step {step}, {way}"));
        }
    }
}

fn parse(text: &str) -> Option<Extent> {
    let (width, height) = text.split_once('x')?;
    Some(Extent { width: width.parse().ok()?, height: height.parse().ok()? })
}

fn measure(
    machine: &Machine,
    extent: Extent,
    of: SymbolSettings,
    (route, tiling): (Route, Tiling),
) -> String {
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
    let notes = Arc::<Notes>::default();
    let pass = Symbols::new(&machine.device, &canvas.descriptor, of, notes);
    let mut pass = pass.expect("sound settings").with_route(route);
    let grain = noise(3, extent.width as usize * extent.height as usize);
    let mut reader = Reader::new();
    let (mut key, mut others) = (0, 0);
    let (mut writing, mut reading) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..=PICTURES {
        let frame = canvas.show(machine, &scene(extent, &grain, turn), Damage::Unknown);
        let begin = Instant::now();
        let packet = pass.write(&frame, &canvas.image).expect("a device that works").encode();
        let written = begin.elapsed();
        let begin = Instant::now();
        let _ = reader.read(&packet).expect("a sound packet");
        // The first one compiles and allocates.
        if turn == 0 {
            key = packet.len();
            continue;
        }
        others += packet.len();
        (writing, reading) = (writing + written, reading + begin.elapsed());
    }
    let ms = |time: Duration| (time / PICTURES).as_secs_f64() * 1000.0;
    let others = others / PICTURES as usize;
    format!("{key:>12}{others:>14}{:>16.2}{:>12.2}", ms(writing), ms(reading))
}

/// Slopes with grain; the upper left quarter moves.
fn scene(extent: Extent, grain: &[u8], turn: u32) -> Vec<u8> {
    let Extent { width, height } = extent;
    let pixel = |(at, grain): (usize, &u8)| {
        let (x, y) = (at as u32 % width, at as u32 / width);
        let moves = x < width / 2 && y < height / 2;
        let x = if moves { x + turn * 3 } else { x };
        let slope = (x / 4 + y / 3) % 256;
        let code = (slope + u32::from(grain % 4)).min(255) as u8;
        [code, code, code, 255]
    };
    grain.iter().enumerate().flat_map(pixel).collect()
}
