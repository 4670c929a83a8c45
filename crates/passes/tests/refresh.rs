//! One read of a picture against two, on whatever device there is, under the validation layer where it is
//! installed.

mod common;
mod reference;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Arguments;
use zerohop_frame::{Color, Damage, Extent, Fourcc, Frame};
use zerohop_passes::{Chroma, Classify, Plain, Refresh, Route, TileSet, Twin, Verdict};
use zerohop_vulkan::{Buffer, Device, PixelFormat, Recording};

use common::trials::{Test, one};
use common::{Canvas, Machine, Notes, Tiling, noise};
use reference::{Planes, planes_of};

/// Odd, tiny, whole tiles and cut ones.
const SIZES: [(u32, u32); 4] = [(1, 1), (17, 33), (64, 48), (130, 18)];
const CHROMA: [Chroma; 3] = [Chroma::Interleaved, Chroma::Deep, Chroma::Planar];

/// The test that needs a driver whose fences leave it before they are reached.
const ALONE: &str = "what_is_copied_down_is_waited_for_by_nobody_here";

fn main() -> ExitCode {
    let machine = Machine::open(true).map(Arc::new);
    let always = |_: &Device| true;
    let trial = |need, name, has: fn(&Device) -> bool, test: Test| {
        one(need, name, machine.clone(), has, test)
    };
    let tests = vec![
        trial("device", "hashes_of_shaders_are_those_of_the_twin", always, hashes),
        trial("device", "one_read_finds_and_writes_what_two_do", always, |it| {
            refreshes(it, Route::Gpu, Tiling::Optimal);
            refreshes(it, Route::Gpu, Tiling::Words);
        }),
        trial("device", "one_read_by_plain_shaders_does_so_too", always, |it| {
            refreshes(it, Route::Plain, Tiling::Optimal);
        }),
        trial("cpu", "one_read_in_place_does_so_too", Device::is_cpu, |it| {
            refreshes(it, Route::InPlace, Tiling::Linear);
        }),
        trial("device", "what_lies_across_a_bus_is_copied_down_whole", always, across_a_bus),
        trial(
            "device",
            "without_a_free_buffer_a_picture_is_still_looked_at",
            always,
            no_free_buffer,
        ),
        trial("timelines", ALONE, Device::shares_timelines, nobody_waits),
        trial("cpu", "nor_by_anybody_over_a_driver_that_shares_timelines", Device::is_cpu, |_| {
            over_timelines();
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn size(width: u32, height: u32) -> Extent {
    Extent { width, height }
}

fn format(fourcc: Fourcc) -> PixelFormat {
    PixelFormat::of(fourcc).expect("a known format")
}

fn refresh(machine: &Machine, canvas: &Canvas, chroma: Chroma, route: Route) -> Refresh {
    let notes = Arc::<Notes>::default();
    let pass = Refresh::new(&machine.device, &canvas.descriptor, chroma, notes);
    pass.expect("a known format").with_route(route)
}

/// Bit for bit, with both kinds of shaders for GPUs and the one for CPUs.
fn hashes(machine: &Machine) {
    for format in PixelFormat::all().iter().filter(|it| it.is_rgb()) {
        for (width, height) in SIZES {
            let extent = size(width, height);
            for (route, tiling) in [
                (Route::Gpu, Tiling::Words),
                (Route::Gpu, Tiling::Optimal),
                (Route::Plain, Tiling::Optimal),
                (Route::Cpu, Tiling::Optimal),
            ] {
                let mut canvas = Canvas::new(machine, extent, *format, tiling, Color::SRGB);
                let bytes = noise(17, canvas.image.bytes() as usize);
                let frame = canvas.show(machine, &bytes, Damage::Unknown);
                let notes = Arc::<Notes>::default();
                let pass = Classify::new(&machine.device, &canvas.descriptor, notes);
                let mut pass = pass.expect("a known format").with_route(route);
                pass.classify(&frame, &canvas.image).expect("a device that works");
                let found = pass.hashes_on_device().expect("a device that works");
                let twin = Twin::new(&canvas.descriptor, Chroma::Planar).expect("a known format");
                let mut twin = twin.with_keys_of(&pass);
                let stride = extent.width as usize * format.bytes();
                twin.look(&Plain { bytes: &bytes, stride });
                let what = format!("{} {width}x{height} {route:?} {tiling:?}", format.fourcc());
                assert_eq!(found.as_deref(), Some(twin.hashes()), "{what}");
            }
        }
    }
}

/// What the pass says and writes; no picture where nothing changed.
fn refreshed(
    pass: &mut Refresh,
    canvas: &Canvas,
    frame: &Arc<Frame>,
) -> (Verdict, Option<Arc<Frame>>) {
    let verdict = pass.classify(frame, &canvas.image).expect("a device that works");
    let picture = verdict.tiles().map(|tiles| {
        let made = pass.convert(frame, &canvas.image, tiles).expect("a device that works");
        made.expect("a free buffer")
    });
    (verdict, picture)
}

/// The same verdicts and the same pictures, bit for bit, as two passes make: with pictures that
/// change everywhere, in one place and nowhere, into buffers that are stale in other places.
fn refreshes(machine: &Machine, route: Route, tiling: Tiling) {
    let formats = PixelFormat::all().iter().filter(|it| it.is_rgb());
    for (turn, format) in formats.enumerate() {
        for (place, (width, height)) in SIZES.into_iter().enumerate() {
            let chroma = CHROMA[(turn + place) % 3];
            let extent = size(width, height);
            let mut canvas = Canvas::new(machine, extent, *format, tiling, Color::SRGB);
            let mut one = refresh(machine, &canvas, chroma, route);
            let mut two = refresh(machine, &canvas, chroma, route).apart();
            let mut bytes = noise(13, canvas.image.bytes() as usize);
            let mut held = Vec::new();
            for round in 0..7_usize {
                match round {
                    0 | 4 => bytes = noise(round as u32 + 1, bytes.len()),
                    3 | 6 => {}
                    _ => {
                        let at = round * 7919 % bytes.len();
                        bytes[at] ^= 0x55;
                    }
                }
                let frame = canvas.show(machine, &bytes, Damage::Unknown);
                let (seen, picture) = refreshed(&mut one, &canvas, &frame);
                let (expected, other) = refreshed(&mut two, &canvas, &frame);
                let what = format!("{} {width}x{height} {chroma:?} {round}", format.fourcc());
                assert_eq!(seen, expected, "{what}");
                let [picture, other] = [picture, other].map(|it| it.map(|it| (planes_of(&it), it)));
                let planes = picture.as_ref().map(|it| &it.0);
                assert_eq!(planes, other.as_ref().map(|it| &it.0), "{what}");
                held.extend(picture.map(|it| it.1));
                // As an encoder does: the last two are out.
                held.drain(..held.len().saturating_sub(2));
            }
        }
    }
}

/// Shaders write near the device, and what changed is copied down: once for each picture that
/// changed, and never for one that did not.
fn across_a_bus(machine: &Machine) {
    let (extent, format) = (size(130, 70), format(Fourcc::ARGB8888));
    let mut canvas = Canvas::new(machine, extent, format, Tiling::Optimal, Color::SRGB);
    let notes = Arc::<Notes>::default();
    let pass =
        Refresh::new(&machine.device, &canvas.descriptor, Chroma::Planar, Arc::clone(&notes) as _);
    let mut pass = pass.expect("a known format").with_route(Route::Gpu).with_far_host();
    let mut bytes = noise(21, canvas.image.bytes() as usize);
    let (mut held, mut pictures) = (Vec::new(), 0);
    for round in 0..12_usize {
        if round % 4 != 3 {
            let at = round * 7919 % bytes.len();
            bytes[at] ^= 0x55;
        }
        let frame = canvas.show(machine, &bytes, Damage::Unknown);
        let (verdict, picture) = refreshed(&mut pass, &canvas, &frame);
        assert_eq!(verdict == Verdict::Unchanged, round % 4 == 3, "round {round}");
        let Some(picture) = picture else { continue };
        let expected = Planes::by_definition(8, &bytes, extent, format, &Color::SRGB);
        assert!(planes_of(&picture).distance(&expected) <= 1, "round {round}");
        pictures += 1;
        held.push(picture);
        held.drain(..held.len().saturating_sub(2));
    }
    let copies = notes.copies.lock().expect("no panic inside").len();
    assert_eq!(copies, pictures, "one copy for each picture that goes out");
}

/// The device has other work before the copy, so a wait for it would be seen.
fn nobody_waits(machine: &Machine) {
    let (extent, format) = (size(640, 360), format(Fourcc::XRGB8888));
    let mut canvas = Canvas::new(machine, extent, format, Tiling::Optimal, Color::SRGB);
    let mut pass = refresh(machine, &canvas, Chroma::Planar, Route::Gpu).with_far_host();
    let big = || Arc::new(Buffer::new(&machine.device, 32 << 20).expect("memory"));
    let (from, to) = (big(), big());
    let mut late = 0;
    for value in 1..=2 {
        let bytes = vec![value * 40; 640 * 360 * 4];
        let frame = canvas.show(machine, &bytes, Damage::Unknown);
        let verdict = pass.classify(&frame, &canvas.image).expect("a device that works");
        let mut recording = Recording::begin(&machine.queue).expect("a device that works");
        for _ in 0..32 {
            recording.copy_ranges(&from, &to, &[(0, 32 << 20)]);
            recording.barrier();
        }
        let other = recording.submit().expect("a device that works");
        let tiles = verdict.tiles().expect("all have changed");
        let made = pass.convert(&frame, &canvas.image, tiles).expect("a device that works");
        let made = made.expect("a free buffer");
        late += u32::from(!made.acquire().wait(Duration::ZERO).expect("a fence"));
        let expected = Planes::by_definition(8, &bytes, extent, format, &Color::SRGB);
        assert_eq!(planes_of(&made), expected, "picture {value}");
        assert!(other.wait(Duration::ZERO).expect("a fence"), "the copy came after it");
    }
    assert_eq!(late, 2, "pictures that were handed on before they were there");
}

/// Runs the test above again, over a driver that shares timelines as NVIDIA's does.
fn over_timelines() {
    let program = std::env::current_exe().expect("a program");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("timelines");
    let library = program.with_file_name(zerohop_layer_timeline::LIBRARY);
    zerohop_layer_timeline::install(&library, &folder).expect("a manifest");
    let layers = format!("VK_LAYER_KHRONOS_validation:{}", zerohop_layer_timeline::LAYER_NAME);
    let found = format!("/usr/share/vulkan/explicit_layer.d:{}", folder.display());
    let mut test = Command::new(program);
    test.args([ALONE, "--exact"]).env("ZEROHOP_REQUIRE", "timelines");
    test.env("VK_LAYER_PATH", found).env("VK_INSTANCE_LAYERS", layers);
    let done = test.output().expect("a program that runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

fn no_free_buffer(machine: &Machine) {
    let format = format(Fourcc::XRGB8888);
    let mut canvas = Canvas::new(machine, size(32, 32), format, Tiling::Optimal, Color::SRGB);
    let mut pass = refresh(machine, &canvas, Chroma::Interleaved, Route::Best);
    let mut hoard = Vec::new();
    for value in 0..8 {
        let frame = canvas.show(machine, &[value * 16; 4096], Damage::Unknown);
        hoard.extend(refreshed(&mut pass, &canvas, &frame).1);
    }
    let frame = canvas.show(machine, &[255; 4096], Damage::Unknown);
    let verdict = pass.classify(&frame, &canvas.image).expect("works");
    let tiles = verdict.tiles().expect("all have changed");
    assert_eq!(tiles.len(), 4);
    assert!(pass.convert(&frame, &canvas.image, tiles).expect("works").is_none());
    // What was seen and not written is written with the next picture.
    hoard.clear();
    let mut bytes = vec![255; 4096];
    bytes[0] = 0;
    let frame = canvas.show(machine, &bytes, Damage::Unknown);
    let (verdict, picture) = refreshed(&mut pass, &canvas, &frame);
    assert_eq!(verdict.tiles().map(TileSet::len), Some(1));
    assert_eq!(planes_of(&picture.expect("a free buffer")).y[32 * 32 - 1], 235);
}
