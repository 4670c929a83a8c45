//! What symbols take: bytes and milliseconds for each picture, by block size and step. Of a device
//! with timestamps, also how long its shaders took.
//!
//! `cargo run --release -p zerohop-passes --example symbols [WIDTHxHEIGHT [JSON]]`
//!
//! The picture is a smooth one with some noise in it. A quarter of it moves.

mod asked;
#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{Color, Damage, Extent, Fourcc};
use zerohop_passes::{Route, SymbolSettings, Symbols};
use zerohop_symbols::Reader;
use zerohop_vulkan::PixelFormat;

use common::{Canvas, Machine, Notes, Tiling, noise};

/// Pictures of one measurement, on a GPU and on a CPU device, which takes its time for shaders.
const PICTURES: [u32; 2] = [20, 3];

fn main() {
    let Some((machine, extent)) = asked::machine_and_size() else { return };
    machine.device.measure_dispatches();
    let name = machine.device.physical().name();
    let pixels = extent.width as usize * extent.height as usize;
    println!("{name}, {}x{}: {pixels} bytes of luma", extent.width, extent.height);
    println!(
        "{:<30}{:>12}{:>10}{:>10}{:>14}{:>10}{:>10}{:>10}",
        "", "key, bytes", "ms", "GPU, ms", "others, bytes", "ms", "GPU, ms", "read, ms"
    );
    let mut lines = Vec::new();
    for (block, planes, step) in
        [(16, 6, 1), (16, 5, 3), (8, 4, 7), (16, 4, 7), (32, 4, 7), (16, 3, 20)]
    {
        for (way, route, tiling) in
            [("in place", Route::InPlace, Tiling::Linear), ("shader", Route::Gpu, Tiling::Optimal)]
        {
            if route == Route::InPlace && !machine.device.is_cpu() {
                continue;
            }
            let of = SymbolSettings { block, planes, step };
            let figures = measure(&machine, extent, of, (route, tiling));
            let Figures { key, key_ms, key_gpu_ms, delta, delta_ms, delta_gpu_ms, read_ms } =
                figures;
            let what = format!("{block}x{block}, step {step}, {way}");
            println!(
                "{what:<30}{key:>12}{key_ms:>10.2}{key_gpu_ms:>10.3}{delta:>14}{delta_ms:>10.2}\
                 {delta_gpu_ms:>10.3}{read_ms:>10.2}"
            );
            lines.push(format!(
                "{{\"block\": {block}, \"step\": {step}, \"way\": \"{way}\", \"key_bytes\": {key}, \
                 \"key_ms\": {key_ms:.3}, \"key_gpu_ms\": {key_gpu_ms:.3}, \
                 \"delta_bytes\": {delta}, \"delta_ms\": {delta_ms:.3}, \
                 \"delta_gpu_ms\": {delta_gpu_ms:.3}, \"read_ms\": {read_ms:.3}}}"
            ));
        }
    }
    if let Some(file) = std::env::args().nth(2) {
        let text = format!("[\n{}\n]\n", lines.join(",\n"));
        std::fs::write(&file, text).unwrap_or_else(|err| panic!("write {file}: {err}"));
    }
}

/// For each picture.
struct Figures {
    key: usize,
    key_ms: f64,
    key_gpu_ms: f64,
    /// A picture that is no key.
    delta: usize,
    delta_ms: f64,
    delta_gpu_ms: f64,
    read_ms: f64,
}

fn measure(
    machine: &Machine,
    extent: Extent,
    of: SymbolSettings,
    (route, tiling): (Route, Tiling),
) -> Figures {
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
    let notes = Arc::<Notes>::default();
    let pass = Symbols::new(&machine.device, &canvas.descriptor, of, notes);
    let mut pass = pass.expect("sound settings").with_route(route);
    let grain = noise(3, extent.width as usize * extent.height as usize);
    let mut reader = Reader::new();
    // Bytes, time and time of the device, of keys and of others.
    let mut sums = [(0, Duration::ZERO, Duration::ZERO); 2];
    let pictures = PICTURES[usize::from(machine.device.is_cpu())];
    let mut reading = Duration::ZERO;
    for turn in 0..=2 * pictures {
        // The first one compiles and allocates; then every other one is a key.
        let is_key = turn % 2 == 1;
        if is_key {
            pass.begin_anew();
        }
        let frame = canvas.show(machine, &scene(extent, &grain, turn), Damage::Unknown);
        let begin = Instant::now();
        let packet = pass.write(&frame, &canvas.image).expect("a device that works").encode();
        let written = begin.elapsed();
        let gpu: Duration = machine.device.take_measured().iter().sum();
        let begin = Instant::now();
        let _ = reader.read(&packet).expect("a sound packet");
        if turn > 0 {
            let sum = &mut sums[usize::from(!is_key)];
            (sum.0, sum.1, sum.2) = (sum.0 + packet.len(), sum.1 + written, sum.2 + gpu);
            reading += begin.elapsed();
        }
    }
    let ms = |time: Duration| (time / pictures).as_secs_f64() * 1000.0;
    let [(key, key_time, key_gpu), (delta, delta_time, delta_gpu)] = sums;
    let count = pictures as usize;
    Figures {
        key: key / count,
        key_ms: ms(key_time),
        key_gpu_ms: ms(key_gpu),
        delta: delta / count,
        delta_ms: ms(delta_time),
        delta_gpu_ms: ms(delta_gpu),
        read_ms: ms(reading) / 2.0,
    }
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
