//! Every shader against its twin, and both against what they should be, on whatever device there
//! is. Each test says what it needs; what is missing is reported as ignored, or as a failure when
//! `ZEROHOP_REQUIRE` names it. All run under the validation layer where it is installed, and any
//! message fails the test.

mod common;
mod reference;

use std::process::ExitCode;
use std::sync::Arc;

use arrayvec::ArrayVec;
use libtest_mimic::Arguments;
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, Modifier, PlaneLayout, Rect,
};
use zerohop_passes::{Chroma, Classify, Convert, Fit, Grid, Plain, Route, TileSet, Verdict};
use zerohop_vulkan::{Buffer, Device, ImportCache, PixelFormat, wait_on_cpu};

use common::trials::{Test, one};
use common::{Canvas, Machine, Notes, Tiling, noise};
use reference::{Planes, changed_tiles, planes_of};

/// Odd, tiny, whole tiles and cut ones.
const SIZES: [(u32, u32); 5] = [(1, 1), (17, 33), (64, 48), (130, 2), (1366, 19)];

// Long because it lists the tests.
fn main() -> ExitCode {
    let machine = Machine::open(true).map(Arc::new);
    let always = |_: &Device| true;
    let trial = |need, name, has: fn(&Device) -> bool, test: Test| {
        one(need, name, machine.clone(), has, test)
    };
    let tests = vec![
        trial("device", "changed_tiles_are_found_by_gpu_shaders", always, |it| {
            finds_changes(it, Route::Gpu, Tiling::Optimal);
            finds_changes(it, Route::Gpu, Tiling::Words);
        }),
        trial("device", "changed_tiles_are_found_by_plain_shaders", always, |it| {
            finds_changes(it, Route::Plain, Tiling::Optimal);
        }),
        trial("device", "changed_tiles_are_found_by_cpu_shaders", always, |it| {
            finds_changes(it, Route::Cpu, Tiling::Optimal);
        }),
        trial("cpu", "changed_tiles_are_found_in_place", Device::is_cpu, |it| {
            finds_changes(it, Route::InPlace, Tiling::Linear);
        }),
        trial("device", "a_large_picture_is_classified", always, a_large_picture),
        trial("device", "what_the_cpu_copies_is_copied_for_each_picture", always, copied_each_time),
        trial("device", "a_lost_picture_voids_the_damage", always, a_lost_picture),
        trial("device", "a_source_that_hides_damage_is_caught_once", always, a_lying_source),
        trial("device", "an_honest_source_is_believed", always, an_honest_source),
        trial("device", "another_shape_is_refused", always, another_shape),
        trial("device", "conversion_by_shader_is_that_of_the_definition", always, |it| {
            converts(it, Route::Gpu, Tiling::Optimal);
        }),
        trial("cpu", "conversion_in_place_is_that_of_the_definition", Device::is_cpu, |it| {
            converts(it, Route::InPlace, Tiling::Linear);
        }),
        trial("cpu", "conversion_in_place_is_that_of_the_shader", Device::is_cpu, agree),
        trial("device", "a_large_picture_is_converted", always, converts_a_large_picture),
        trial("device", "only_stale_tiles_are_written", always, only_stale_tiles),
        trial("device", "a_hoarder_gets_no_more_buffers", always, a_hoarder),
        trial("device", "resizes_leave_nothing_behind", always, resizes),
        trial("device", "a_picture_in_another_size_is_that_of_the_twin", always, fits),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn classify(machine: &Machine, canvas: &Canvas, route: Route) -> (Classify, Arc<Notes>) {
    let notes = Arc::<Notes>::default();
    let pass = Classify::new(&machine.device, &canvas.descriptor, Arc::clone(&notes) as _);
    (pass.expect("a known format").with_route(route), notes)
}

fn look(pass: &mut Classify, canvas: &Canvas, frame: &Arc<Frame>) -> Vec<usize> {
    let verdict = pass.classify(frame, &canvas.image).expect("a device that works");
    verdict.tiles().map(|tiles| tiles.iter().collect()).unwrap_or_default()
}

/// Every format, larger and smaller, in the middle of a picture of each kind that is written; what is
/// around it stays.
fn fits(machine: &Machine) {
    let to = Extent { width: 70, height: 40 };
    let places = [(3, 5, 64, 33), (10, 2, 17, 33), (0, 0, 9, 7), (68, 39, 2, 1)];
    for format in PixelFormat::all().iter().filter(|format| format.is_rgb()) {
        let mut canvas = Canvas::new(machine, size(17, 33), *format, Tiling::Optimal, Color::SRGB);
        let bytes = noise(5, 17 * 33 * format.bytes());
        let frame = canvas.show(machine, &bytes, Damage::Unknown);
        for (fourcc, pixel) in [(Fourcc::XRGB8888, 4), (Fourcc::XBGR8888, 4), (Fourcc::RGB565, 2)] {
            let stride = 70 * pixel + 8;
            let planes = PlaneLayout { object: 0, offset: 4, stride };
            let planes = ArrayVec::from_iter([planes]);
            let shown = FrameDescriptor { extent: to, fourcc, planes, ..canvas.descriptor.clone() };
            for (x, y, width, height) in places {
                let fit = Fit::new(&canvas.descriptor, &shown, Rect { x, y, width, height });
                let fit = fit.expect("a known format");
                let mut expected = vec![0x5a; 4 + stride as usize * 40];
                let picture = Plain { bytes: &bytes, stride: 17 * format.bytes() };
                fit.paint(&picture, &mut expected);
                let out = Buffer::read_back(&machine.device, expected.len() as u64);
                let out = Arc::new(out.expect("memory"));
                out.write(0, &vec![0x5a; expected.len()]);
                let shader = fit.shader(&machine.queue).expect("a shader");
                let target = shader.onto(Arc::clone(&out)).expect("room");
                let point =
                    shader.run(&frame, &canvas.image, &target).expect("a device that works");
                wait_on_cpu(&point).expect("an end");
                let mut found = vec![0; expected.len()];
                out.read_into(0, &mut found);
                if pixel == 4 {
                    // The byte that does not count.
                    let unused = |all: &mut Vec<u8>| {
                        all.iter_mut().skip(3).step_by(4).for_each(|it| *it = 0);
                    };
                    [&mut found, &mut expected].into_iter().for_each(unused);
                }
                let what = (format.fourcc(), fourcc, width, height);
                assert_eq!(first_difference(&found, &expected), None, "{what:?}");
            }
        }
    }
}

/// Where two pictures differ for the first time.
fn first_difference(one: &[u8], other: &[u8]) -> Option<(usize, u8, u8)> {
    let mut pairs = one.iter().zip(other).enumerate();
    pairs.find(|(_, (one, other))| one != other).map(|(at, (one, other))| (at, *one, *other))
}

fn size(width: u32, height: u32) -> Extent {
    Extent { width, height }
}

fn format(fourcc: Fourcc) -> PixelFormat {
    PixelFormat::of(fourcc).expect("a known format")
}

/// Every format and size: what differs by more than bits that do not count is found, tile by tile.
fn finds_changes(machine: &Machine, route: Route, tiling: Tiling) {
    for format in PixelFormat::all() {
        for (width, height) in SIZES {
            let extent = size(width, height);
            let mut canvas = Canvas::new(machine, extent, *format, tiling, Color::SRGB);
            let (mut pass, _) = classify(machine, &canvas, route);
            let mut old = noise(7, canvas.image.bytes() as usize);
            let all = TileSet::all(Grid::of(extent)).len();
            let first = canvas.show(machine, &old, Damage::Unknown);
            assert_eq!(look(&mut pass, &canvas, &first).len(), all, "the first picture");
            let same = canvas.present(Damage::Unknown);
            assert_eq!(pass.classify(&same, &canvas.image).expect("works"), Verdict::Unchanged);
            for round in 0..4_usize {
                let mut new = old.clone();
                // The last byte first, which is the alpha of the last pixel of the last tile.
                let count = new.len();
                for i in 0..=round * 3 {
                    new[(count - 1 + i * 9973) % count] ^= 0x40;
                }
                let frame = canvas.show(machine, &new, Damage::Unknown);
                let found = look(&mut pass, &canvas, &frame);
                let expected = changed_tiles(&old, &new, extent, *format);
                assert_eq!(found, expected, "{} {width}x{height}", format.fourcc());
                old = new;
            }
            drop((first, same));
            let home = canvas.home.0.lock().expect("no panic inside").len();
            assert_eq!(home, 6, "every frame is home");
        }
    }
}

fn a_large_picture(machine: &Machine) {
    let extent = size(1366, 768);
    for (tiling, route) in
        [(Tiling::Optimal, Route::Gpu), (Tiling::Words, Route::Gpu), (Tiling::Linear, Route::Best)]
    {
        let format = format(Fourcc::XRGB8888);
        let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
        let (mut pass, _) = classify(machine, &canvas, route);
        let mut bytes = noise(3, canvas.image.bytes() as usize);
        let frame = canvas.show(machine, &bytes, Damage::Unknown);
        assert_eq!(look(&mut pass, &canvas, &frame).len(), 4128);
        bytes[(300 * 1366 + 1365) * 4] ^= 1;
        let frame = canvas.show(machine, &bytes, Damage::Unknown);
        let verdict = pass.classify(&frame, &canvas.image).expect("a device that works");
        let Verdict::Changed { rect, .. } = verdict else { panic!("{verdict:?}") };
        assert_eq!(rect, Rect { x: 1360, y: 288, width: 6, height: 16 });
    }
}

fn damage(rect: Rect) -> Damage {
    Damage::Rects(ArrayVec::from_iter([rect]))
}

/// A canvas of 64x64, so sixteen tiles, with a pass that knows its first picture.
fn known(machine: &Machine) -> (Canvas, Classify, Arc<Notes>, Vec<u8>) {
    let format = format(Fourcc::XBGR8888);
    let mut canvas = Canvas::new(machine, size(64, 64), format, Tiling::Optimal, Color::SRGB);
    let (mut pass, notes) = classify(machine, &canvas, Route::Best);
    let bytes = noise(9, 64 * 64 * 4);
    let frame = canvas.show(machine, &bytes, Damage::Unknown);
    look(&mut pass, &canvas, &frame);
    (canvas, pass, notes, bytes)
}

/// Each picture comes in the same memfd, of colours in an image and of planes as buffers.
fn copied_each_time(machine: &Machine) {
    let plane = |offset, stride| PlaneLayout { object: 0, offset, stride };
    let ways = [
        (Fourcc::XRGB8888, Route::Gpu, ArrayVec::from_iter([plane(0, 256)]), (40 * 64 + 40) * 4),
        (Fourcc::NV12, Route::Plain, [plane(0, 64), plane(4096, 64)].into_iter().collect(), 2600),
    ];
    for (fourcc, route, planes, pixel) in ways {
        let (extent, modifier, color) = (size(64, 64), Modifier::LINEAR, Color::SRGB);
        let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
        let (mut canvas, mut host) = Canvas::copied(machine, descriptor);
        assert!(canvas.image.copies().cpu_bytes > 0, "{fourcc}");
        let (mut pass, _) = classify(machine, &canvas, route);
        host.bytes_mut().fill(77);
        let first = canvas.present(Damage::Unknown);
        assert_eq!(look(&mut pass, &canvas, &first).len(), 16, "{fourcc}");
        for round in 0..3 {
            host.bytes_mut()[pixel] ^= 1;
            let next = canvas.present(Damage::Unknown);
            assert_eq!(look(&mut pass, &canvas, &next), [10], "{fourcc} {round}");
            let same = canvas.present(Damage::Unknown);
            assert!(look(&mut pass, &canvas, &same).is_empty(), "{fourcc} {round}");
        }
    }
}

fn a_lost_picture(machine: &Machine) {
    let (mut canvas, mut pass, notes, mut bytes) = known(machine);
    canvas.lose_one();
    // Changed by the picture that was lost; this one changed nothing.
    bytes[(40 * 64 + 40) * 4] ^= 1;
    let frame = canvas.show(machine, &bytes, Damage::Rects(ArrayVec::new()));
    assert_eq!(look(&mut pass, &canvas, &frame), [10]);
    assert!(notes.fallbacks.lock().expect("no panic inside").is_empty());
}

fn a_lying_source(machine: &Machine) {
    let (mut canvas, mut pass, notes, mut bytes) = known(machine);
    let corner = Rect { x: 0, y: 0, width: 1, height: 1 };
    // A change elsewhere in each picture, damage always in the corner.
    let mut caught = None;
    for round in 0..20 {
        bytes[(40 * 64 + 40) * 4] ^= 1;
        bytes[(60 * 64 + 60) * 4] ^= 1;
        let frame = canvas.show(machine, &bytes, damage(corner));
        let found = look(&mut pass, &canvas, &frame);
        match caught {
            None if found.is_empty() => {}
            None => {
                assert_eq!(found, [10, 15], "the picture that gives it away is seen whole");
                caught = Some(round);
            }
            Some(_) => assert_eq!(found, [10, 15]),
        }
    }
    assert!(caught.is_some_and(|round| round <= 16), "{caught:?}");
    let fallbacks = notes.fallbacks.lock().expect("no panic inside");
    assert_eq!(fallbacks.len(), 1);
    assert_eq!(fallbacks[0].what, "damage");
}

fn an_honest_source(machine: &Machine) {
    let (mut canvas, mut pass, notes, mut bytes) = known(machine);
    for round in 0..40_u32 {
        let (x, y) = (round * 7 % 64, round * 13 % 64);
        bytes[((y * 64 + x) * 4) as usize] ^= 1;
        let at = Rect { x, y, width: 1, height: 1 };
        let frame = canvas.show(machine, &bytes, damage(at));
        assert_eq!(look(&mut pass, &canvas, &frame), [(y / 16 * 4 + x / 16) as usize]);
    }
    assert!(notes.fallbacks.lock().expect("no panic inside").is_empty());
}

fn another_shape(machine: &Machine) {
    let (_, mut pass, _, _) = known(machine);
    let format = format(Fourcc::XRGB8888);
    let mut other = Canvas::new(machine, size(64, 64), format, Tiling::Optimal, Color::SRGB);
    let frame = other.show(machine, &noise(1, 64 * 64 * 4), Damage::Unknown);
    let err = pass.classify(&frame, &other.image).expect_err("another format");
    assert_eq!(err.to_string(), "a 64x64 XR24 picture for a pass over 64x64 XB24 ones");
}

fn convert(machine: &Machine, canvas: &Canvas, chroma: Chroma, route: Route) -> Convert {
    let notes = Arc::<Notes>::default();
    let pass = Convert::new(&machine.device, &canvas.descriptor, chroma, notes);
    pass.expect("a known format").with_route(route)
}

fn whole(canvas: &Canvas) -> TileSet {
    TileSet::all(Grid::of(canvas.descriptor.extent))
}

fn converted(pass: &mut Convert, canvas: &Canvas, frame: &Arc<Frame>) -> Planes {
    let out = pass.convert(frame, &canvas.image, &whole(canvas)).expect("a device that works");
    planes_of(&out.expect("a free buffer"))
}

/// What colour means what, for half floats.
fn colors(format: PixelFormat) -> Vec<Color> {
    match format.fourcc() {
        Fourcc::ABGR16161616F => vec![Color::SRGB, Color { transfer: 8, ..Color::SRGB }],
        _ => vec![Color::SRGB],
    }
}

/// Within one code of the real numbers, and padded by the last row and column.
fn converts(machine: &Machine, route: Route, tiling: Tiling) {
    for format in PixelFormat::all().iter().filter(|it| it.is_rgb()) {
        for color in colors(*format) {
            for (width, height) in SIZES {
                let extent = size(width, height);
                let mut canvas = Canvas::new(machine, extent, *format, tiling, color);
                let bytes = noise(5, canvas.image.bytes() as usize);
                let frame = canvas.show(machine, &bytes, Damage::Unknown);
                for chroma in [Chroma::Interleaved, Chroma::Planar, Chroma::Deep] {
                    let mut pass = convert(machine, &canvas, chroma, route);
                    let found = converted(&mut pass, &canvas, &frame);
                    let bits = if chroma == Chroma::Deep { 10 } else { 8 };
                    let expected = Planes::by_definition(bits, &bytes, extent, *format, &color);
                    let off = found.distance(&expected);
                    assert!(off <= 1, "{} {width}x{height} {chroma:?}: {off}", format.fourcc());
                }
            }
        }
    }
}

fn converts_a_large_picture(machine: &Machine) {
    let (extent, format) = (size(1366, 768), format(Fourcc::XRGB8888));
    let bytes = noise(5, 1366 * 768 * 4);
    let expected = Planes::by_definition(8, &bytes, extent, format, &Color::SRGB);
    for tiling in [Tiling::Optimal, Tiling::Linear] {
        let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
        let frame = canvas.show(machine, &bytes, Damage::Unknown);
        let mut pass = convert(machine, &canvas, Chroma::Planar, Route::Best);
        assert!(converted(&mut pass, &canvas, &frame).distance(&expected) <= 1, "{tiling:?}");
    }
}

/// Bit for bit.
fn agree(machine: &Machine) {
    for format in PixelFormat::all().iter().filter(|it| it.is_rgb()) {
        for ((width, height), chroma) in SIZES.into_iter().zip(CHROMA.into_iter().cycle()) {
            let extent = size(width, height);
            let [shader, place] = [(Tiling::Optimal, Route::Gpu), (Tiling::Linear, Route::InPlace)]
                .map(|(tiling, route)| {
                    let mut canvas = Canvas::new(machine, extent, *format, tiling, Color::SRGB);
                    let bytes = noise(11, canvas.image.bytes() as usize);
                    let frame = canvas.show(machine, &bytes, Damage::Unknown);
                    let mut pass = convert(machine, &canvas, chroma, route);
                    converted(&mut pass, &canvas, &frame)
                });
            assert_eq!(shader.distance(&place), 0, "{} {width}x{height}", format.fourcc());
        }
    }
}

const CHROMA: [Chroma; 3] = [Chroma::Interleaved, Chroma::Deep, Chroma::Planar];

fn only_stale_tiles(machine: &Machine) {
    for tiling in [Tiling::Optimal, Tiling::Linear] {
        let extent = size(130, 70);
        let format = format(Fourcc::ARGB8888);
        let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
        let mut pass = convert(machine, &canvas, Chroma::Planar, Route::Best);
        let mut bytes = noise(21, canvas.image.bytes() as usize);
        let mut held = Vec::new();
        for round in 0..12_usize {
            let at = round * 7919 % bytes.len();
            let old = bytes.clone();
            bytes[at] ^= 0x55;
            let frame = canvas.show(machine, &bytes, Damage::Unknown);
            let mut tiles = TileSet::none(Grid::of(extent));
            changed_tiles(&old, &bytes, extent, format).iter().for_each(|i| tiles.insert(*i));
            if round % 5 == 4 {
                pass.skip(&tiles);
                continue;
            }
            let out = pass.convert(&frame, &canvas.image, &tiles).expect("works").expect("free");
            let expected = Planes::by_definition(8, &bytes, extent, format, &Color::SRGB);
            assert!(planes_of(&out).distance(&expected) <= 1, "round {round}");
            // As an encoder does: the last two are out.
            held.push(out);
            if held.len() > 2 {
                held.remove(0);
            }
        }
    }
}

fn a_hoarder(machine: &Machine) {
    let format = format(Fourcc::XRGB8888);
    let mut canvas = Canvas::new(machine, size(32, 32), format, Tiling::Optimal, Color::SRGB);
    let mut pass = convert(machine, &canvas, Chroma::Interleaved, Route::Best);
    let tiles = whole(&canvas);
    let mut hoard = Vec::new();
    for value in 0..8 {
        let frame = canvas.show(machine, &[value * 16; 4096], Damage::Unknown);
        hoard.push(pass.convert(&frame, &canvas.image, &tiles).expect("works").expect("free"));
    }
    let frame = canvas.show(machine, &[255; 4096], Damage::Unknown);
    assert!(pass.convert(&frame, &canvas.image, &tiles).expect("works").is_none());
    // What is out is not touched, and what comes home is used.
    let gone = hoard.remove(3).buffer().id();
    let out = pass.convert(&frame, &canvas.image, &tiles).expect("works").expect("free");
    assert_eq!(out.buffer().id(), gone);
    assert_eq!(planes_of(&out).y[0], 235);
    assert_eq!(planes_of(&hoard[0]).y[0], 16);
    assert_eq!(out.info().sequence, frame.info().sequence);
}

/// A device of its own, so that the validation layer can tell what is left when it goes.
fn resizes(_: &Machine) {
    let machine = Machine::open(true).expect("it opened before");
    let round = |i: u32| {
        let format = format(if i.is_multiple_of(2) { Fourcc::XRGB8888 } else { Fourcc::XBGR8888 });
        let tiling = if i.is_multiple_of(3) { Tiling::Linear } else { Tiling::Optimal };
        let extent = size(100 + i % 7 * 31, 60 + i % 5 * 17);
        let mut canvas = Canvas::new(&machine, extent, format, tiling, Color::SRGB);
        let (mut classify, _) = classify(&machine, &canvas, Route::Best);
        let mut convert = convert(&machine, &canvas, Chroma::Planar, Route::Best);
        let bytes = noise(i, canvas.image.bytes() as usize);
        let mut imports = ImportCache::new(&machine.device);
        for _ in 0..3 {
            let frame = canvas.show(&machine, &bytes, Damage::Unknown);
            let image = imports.get(frame.buffer()).expect("an import").image;
            let verdict = classify.classify(&frame, &image).expect("works");
            if let Some(tiles) = verdict.tiles() {
                let out = convert.convert(&frame, &image, tiles).expect("works");
                drop(out.expect("a free buffer"));
            }
        }
    };
    let files = || std::fs::read_dir("/proc/self/fd").expect("proc").count();
    (0..20).for_each(round);
    let before = files();
    (20..120).for_each(round);
    assert_eq!(files(), before, "descriptors");
    let Machine { instance, device, queue } = machine;
    drop(queue);
    assert!(Arc::into_inner(device).is_some(), "nobody else holds the device");
    let said = instance.messages().map(|messages| messages.texts()).unwrap_or_default();
    assert!(said.is_empty(), "{said:#?}");
}
