//! The passes over Y'CbCr pictures: shader against twin, and both against real numbers, for every
//! format, matrix, range and place of the chroma.

#[path = "../common/mod.rs"]
mod common;
mod picture;
mod reference;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;
use zerohop_frame::{Color, Damage, Extent, Fourcc, Frame, MemoryHandle, Siting};
use zerohop_passes::{Diff, Grid, Luma, Rgba, Route, TileSet, Verdict};
use zerohop_vulkan::{Device, Error, ImportCache, PixelFormat, Sight, Way};

use common::trials::{Test, one};
use common::{Canvas, Machine, Notes, Tiling, noise};
use picture::{Kind, Picture, bytes_of};
use reference::{Sited, colors, pixels};

const FORMATS: [&[u8; 4]; 18] = [
    b"NV12", b"NV21", b"NV16", b"NV61", b"NV24", b"NV42", b"P010", b"P012", b"P016", b"P210",
    b"YU12", b"YV12", b"YU16", b"YV16", b"YU24", b"YV24", b"S010", b"S016",
];

/// Tiny, odd, with cut tiles and whole ones.
const SIZES: [(u32, u32); 4] = [(1, 1), (7, 5), (34, 18), (64, 33)];

const SITINGS: [(Siting, Sited); 6] = [
    (Siting::Left, Sited { x: 0.0, y: 0.5 }),
    (Siting::Centre, Sited { x: 0.5, y: 0.5 }),
    (Siting::TopLeft, Sited { x: 0.0, y: 0.0 }),
    (Siting::Top, Sited { x: 0.5, y: 0.0 }),
    (Siting::BottomLeft, Sited { x: 0.0, y: 1.0 }),
    (Siting::Bottom, Sited { x: 0.5, y: 1.0 }),
];

fn main() -> ExitCode {
    let machine = Machine::open(true).map(Arc::new);
    let always = |_: &Device| true;
    let trial = |need, name, has: fn(&Device) -> bool, test: Test| {
        one(need, name, machine.clone(), has, test)
    };
    let tests = vec![
        trial("device", "luma_of_every_format_is_its_codes", always, luma_of_every_format),
        trial("device", "luma_of_rgb_is_the_sum_of_the_definition", always, luma_of_rgb),
        trial("device", "rgb_of_every_format_is_within_a_code", always, rgb_of_every_format),
        trial("device", "shaders_are_their_twins", always, |it| shaders(it, Kind::Shm)),
        trial("device", "a_tiled_image_gives_what_the_twins_give", always, |it| {
            shaders(it, Kind::Tiled);
        }),
        trial("dma_buf", "shaders_over_one_image_are_their_twins", dma_bufs, |it| {
            shaders(it, Kind::DmaBuf(Way::Image));
        }),
        trial("dma_buf", "shaders_over_an_image_for_each_plane_are_their_twins", dma_bufs, |it| {
            shaders(it, Kind::DmaBuf(Way::PlaneImages));
        }),
        trial("dma_buf", "shaders_over_linear_copies_are_their_twins", dma_bufs, |it| {
            shaders(it, Kind::DmaBuf(Way::DeviceCopy));
        }),
        trial(
            "device",
            "a_changed_tile_is_written_with_those_that_share_its_chroma",
            always,
            parts,
        ),
        trial("device", "a_difference_is_seen_in_luma_only", always, |it| {
            differences(it, Route::Best);
        }),
        trial("device", "a_difference_is_seen_by_shaders", always, |it| {
            differences(it, Route::Gpu);
            differences(it, Route::Cpu);
        }),
        trial("device", "one_read_shows_the_difference_that_two_show", always, one_read),
        trial("device", "what_stays_on_the_device_is_read_there_by_the_next_pass", always, stays),
        trial("device", "what_is_no_ycbcr_is_refused_by_name", always, refusals),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn dma_bufs(device: &Device) -> bool {
    device.has_modifiers() && std::path::Path::new("/dev/udmabuf").exists()
}

fn formats() -> impl Iterator<Item = Fourcc> {
    FORMATS.iter().map(|name| Fourcc(u32::from_le_bytes(**name)))
}

fn sizes() -> impl Iterator<Item = Extent> {
    SIZES.iter().map(|&(width, height)| Extent { width, height })
}

fn whole(picture: &Picture) -> TileSet {
    TileSet::all(Grid::of(picture.descriptor().extent))
}

fn luma(machine: &Machine, picture: &mut Picture, route: Route) -> Vec<u8> {
    let notes = Arc::<Notes>::default();
    let pass = Luma::new(&machine.device, picture.descriptor(), notes).expect("a known format");
    let (frame, tiles) = (picture.frame(), whole(picture));
    let out = pass.with_route(route).luma(&frame, &picture.image, &tiles).expect("it works");
    bytes_of(&out.expect("a free buffer"), 1)
}

fn rgba(machine: &Machine, picture: &mut Picture, siting: Siting, route: Route) -> Vec<u8> {
    let notes = Arc::<Notes>::default();
    let pass = Rgba::new(&machine.device, picture.descriptor(), siting, notes);
    let (frame, tiles) = (picture.frame(), whole(picture));
    let mut pass = pass.expect("a known format").with_route(route);
    let out = pass.convert(&frame, &picture.image, &tiles).expect("it works");
    bytes_of(&out.expect("a free buffer"), 4)
}

/// Half a code off and no more than a hundredth, in both ranges.
fn luma_of_every_format(machine: &Machine) {
    for fourcc in formats() {
        for extent in sizes() {
            for full_range in [false, true] {
                let color = Color { full_range, ..Color::BT709 };
                let mut picture = Picture::new(machine, (fourcc, extent), color, 3);
                let found = luma(machine, &mut picture, Route::Best);
                for ((x, y), found) in pixels(extent).zip(&found) {
                    let real = reference::luma(&picture, x, y);
                    let off = (f64::from(*found) - real).abs();
                    assert!(off <= 0.51, "{fourcc} {extent:?} {x},{y}: {found}, not {real}");
                }
            }
        }
    }
}

fn luma_of_rgb(machine: &Machine) {
    let extent = Extent { width: 37, height: 19 };
    for format in PixelFormat::all().iter().filter(|format| format.is_rgb()) {
        let bytes = noise(17, 37 * 19 * format.bytes());
        let each = [(Tiling::Linear, Route::Best), (Tiling::Optimal, Route::Gpu)];
        let both = each.map(|(tiling, route)| {
            let mut canvas = Canvas::new(machine, extent, *format, tiling, Color::SRGB);
            let frame = canvas.show(machine, &bytes, Damage::Unknown);
            let notes = Arc::<Notes>::default();
            let pass = Luma::new(&machine.device, &canvas.descriptor, notes).expect("a format");
            let tiles = TileSet::all(Grid::of(extent));
            let out = pass.with_route(route).luma(&frame, &canvas.image, &tiles).expect("works");
            bytes_of(&out.expect("a free buffer"), 1)
        });
        assert_eq!(both[0], both[1], "{}", format.fourcc());
        if format.fourcc() == Fourcc::XRGB8888 {
            for (pixel, found) in bytes.chunks_exact(4).zip(&both[0]) {
                let [b, g, r] = [0, 1, 2].map(|i| f64::from(pixel[i]));
                let real = 0.2126 * r + 0.7152 * g + 0.0722 * b;
                assert!((f64::from(*found) - real).abs() <= 0.51, "{pixel:?}: {found}");
            }
        }
    }
}

fn rgb_of_every_format(machine: &Machine) {
    let mut worst = 0.0_f64;
    for fourcc in formats() {
        for color in colors() {
            for (siting, sited) in SITINGS {
                for extent in sizes() {
                    let mut picture = Picture::new(machine, (fourcc, extent), color, 5);
                    let found = rgba(machine, &mut picture, siting, Route::Best);
                    let off = distance(&picture, sited, &found);
                    assert!(off <= 1.0, "{fourcc} {color:?} {siting:?} {extent:?}: {off}");
                    worst = worst.max(off);
                }
            }
        }
    }
    // What `rgba/matrix.rs` says.
    assert!(worst < 0.5 + 0.27, "{worst}");
}

/// The largest difference to the real numbers, which are not rounded.
fn distance(picture: &Picture, sited: Sited, found: &[u8]) -> f64 {
    let all = pixels(picture.descriptor().extent).zip(found.chunks_exact(4));
    let each = all.map(|((x, y), found)| {
        assert_eq!(found[3], 255);
        let real = reference::rgb(picture, sited, x, y);
        (0..3).map(|i| (f64::from(found[i]) - real[i]).abs()).fold(0.0, f64::max)
    });
    each.fold(0.0, f64::max)
}

/// Bit for bit, where the device sees images and where it sees buffers.
fn shaders(machine: &Machine, kind: Kind) {
    let mut seen = 0;
    // An emulated machine must get through those of dma-bufs.
    let (few, step) = if matches!(kind, Kind::DmaBuf(_)) { (2, 3) } else { (4, 1) };
    for (turn, fourcc) in formats().enumerate().step_by(step) {
        for (more, extent) in sizes().skip(1).chain(sizes()).take(few).enumerate() {
            // One by one they are compared with real numbers elsewhere.
            let color = colors()[(turn + more) % 6];
            let shape = (fourcc, extent);
            let other = match Picture::of(machine, shape, color, kind, 7) {
                Ok(other) => other,
                // An image of all planes has a format of its own, and even sides.
                Err(Error::Modifier { known, .. }) if known == "none" => continue,
                Err(Error::Odd(_) | Error::Format(_)) => continue,
                // Not every device has images of every format.
                Err(Error::NotImportable { .. }) if kind == Kind::Tiled => continue,
                Err(err) => panic!("{fourcc} {extent:?}: {err}"),
            };
            same(machine, &mut Picture::new(machine, shape, color, 7), other, kind);
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} pictures came as {kind:?}");
}

fn same(machine: &Machine, twin: &mut Picture, mut seen: Picture, kind: Kind) {
    let images = matches!(kind, Kind::Tiled | Kind::DmaBuf(Way::Image | Way::PlaneImages));
    let sight = if images { Sight::Images } else { Sight::Buffers };
    assert_eq!(seen.image.sight(), Some(sight));
    let what = format!("{:?} as {kind:?}", seen.descriptor());
    let expected = luma(machine, twin, Route::Best);
    assert!(expected == luma(machine, &mut seen, Route::Gpu), "luma of {what}");
    let few = if matches!(kind, Kind::DmaBuf(_)) { 1 } else { SITINGS.len() };
    for (siting, _) in SITINGS.into_iter().take(few) {
        let expected = rgba(machine, twin, siting, Route::Best);
        let found = rgba(machine, &mut seen, siting, Route::Gpu);
        assert!(expected == found, "{siting:?} of {what}");
    }
}

/// One changed chroma sample changes pixels of the next tile too.
fn parts(machine: &Machine) {
    let extent = Extent { width: 64, height: 64 };
    for route in [Route::Best, Route::Gpu] {
        let color = Color::BT709;
        let mut picture = Picture::new(machine, (Fourcc::NV12, extent), color, 11);
        let notes = Arc::<Notes>::default();
        let pass = Rgba::new(&machine.device, picture.descriptor(), Siting::Centre, notes);
        let mut pass = pass.expect("a known format").with_route(route);
        let convert = |pass: &mut Rgba, picture: &mut Picture, tiles: &TileSet| -> Arc<Frame> {
            let frame = picture.frame();
            let out = pass.convert(&frame, &picture.image, tiles).expect("it works");
            out.expect("a free buffer")
        };
        let all = whole(&picture);
        drop(convert(&mut pass, &mut picture, &all));
        for round in 0..6_usize {
            // The last column and row of chroma of a tile.
            let (column, row) = (round % 3, round / 2);
            picture.poke(1, (column * 8 + 7) * 2, row * 8 + 7);
            let mut tiles = TileSet::none(Grid::of(extent));
            tiles.insert(row * 4 + column);
            let found = bytes_of(&convert(&mut pass, &mut picture, &tiles), 4);
            let expected = rgba(machine, &mut picture, Siting::Centre, Route::Best);
            assert!(found == expected, "round {round} by {route:?}");
        }
    }
}

fn differences(machine: &Machine, route: Route) {
    let extent = Extent { width: 100, height: 40 };
    for fourcc in [Fourcc::NV12, Fourcc::P010, Fourcc::YUV420, Fourcc::NV24] {
        let color = Color::BT709;
        let mut picture = Picture::new(machine, (fourcc, extent), color, 13);
        let notes = Arc::<Notes>::default();
        let pass = Diff::new(&machine.device, picture.descriptor(), notes).expect("a format");
        let mut pass = pass.with_route(route);
        let mut look = |picture: &mut Picture| {
            let (frame, image) = (picture.frame(), Arc::clone(&picture.image));
            let found = pass.diff(&frame, &image).expect("it works");
            (found.verdict, bytes_of(&found.picture.expect("a free buffer"), 1))
        };
        let (verdict, shown) = look(&mut picture);
        assert_eq!(verdict.tiles().map(TileSet::len), Some(21), "everything is new");
        assert_eq!(shown, luma(machine, &mut picture, Route::Best));
        let (verdict, shown) = look(&mut picture);
        assert_eq!(verdict, Verdict::Unchanged);
        assert!(shown.iter().all(|byte| *byte == 0), "{fourcc}: nothing is shown");
        picture.poke(1, 3, 3);
        assert_eq!(look(&mut picture).0, Verdict::Unchanged, "{fourcc}: chroma is not looked at");
        let bytes = if picture.format.bits > 8 { 2 } else { 1 };
        picture.poke(0, 50 * bytes + bytes - 1, 20);
        let (verdict, shown) = look(&mut picture);
        let tiles = verdict.tiles().expect("a change").clone();
        assert_eq!(tiles.iter().collect::<Vec<_>>(), [10], "{fourcc}");
        let whole = luma(machine, &mut picture, Route::Best);
        for ((x, y), (found, luma)) in pixels(extent).zip(shown.iter().zip(&whole)) {
            let inside = (48..64).contains(&x) && (16..32).contains(&y);
            assert_eq!(*found, if inside { *luma } else { 0 }, "{fourcc} {x},{y}");
        }
    }
}

/// The same verdicts and pictures, whatever changed and however the picture is seen.
fn one_read(machine: &Machine) {
    let mut seen = 0;
    let fourccs = [Fourcc::NV12, Fourcc::P010, Fourcc::YUV420];
    for (fourcc, kind) in fourccs.into_iter().flat_map(|it| [(it, Kind::Shm), (it, Kind::Tiled)]) {
        let shape = (fourcc, Extent { width: 150, height: 34 });
        let picture = |seed| Picture::of(machine, shape, Color::BT709, kind, seed);
        let mut pictures = match (picture(19), picture(23)) {
            (Ok(one), Ok(other)) => [one, other],
            (Err(Error::NotImportable { .. }), _) if kind == Kind::Tiled => continue,
            (one, _) => panic!("{fourcc}: {:?}", one.err()),
        };
        let [mut one, mut two] = [Diff::apart, |it| it].map(|as_asked| {
            let (shape, notes) = (pictures[0].descriptor(), Arc::<Notes>::default());
            let pass = Diff::new(&machine.device, shape, notes).expect("a format");
            as_asked(pass.with_route(Route::Gpu))
        });
        for (turn, which) in [0, 0, 1, 1, 0].into_iter().enumerate() {
            let (frame, image) = (pictures[which].frame(), Arc::clone(&pictures[which].image));
            let [a, b] = [&mut one, &mut two].map(|it| it.diff(&frame, &image).expect("it works"));
            assert_eq!(a.verdict, b.verdict, "{fourcc} {kind:?} {turn}");
            let [a, b] = [a, b].map(|it| bytes_of(&it.picture.expect("a free buffer"), 1));
            assert!(a == b, "{fourcc} {kind:?} {turn}");
        }
        seen += 1;
    }
    assert!(seen >= 3, "only {seen}");
}

/// A picture that stayed on the device, read there by the next pass.
fn stays(machine: &Machine) {
    let extent = Extent { width: 100, height: 40 };
    let mut picture = Picture::new(machine, (Fourcc::NV12, extent), Color::BT709, 17);
    let (frame, image) = (picture.frame(), Arc::clone(&picture.image));
    let notes = Arc::<Notes>::default();
    let pass = Luma::new(&machine.device, picture.descriptor(), notes).expect("a format");
    let mut pass = pass.with_route(Route::Gpu).with_far_host().staying();
    let all = TileSet::all(Grid::of(extent));
    let stayed = pass.luma(&frame, &image, &all).expect("it works").expect("a free buffer");
    let memory = &stayed.buffer().memory()[0];
    assert!(matches!(memory, MemoryHandle::OpaqueFd { .. }), "{memory:?} is the device's");
    let image = ImportCache::new(&machine.device).get(stayed.buffer()).expect("rows").image;
    let shape = stayed.buffer().descriptor();
    let notes = Arc::<Notes>::default();
    let pass = Luma::new(&machine.device, shape, notes).expect("a format");
    let mut pass = pass.with_route(Route::Gpu);
    let read = pass.luma(&stayed, &image, &all).expect("it works").expect("a free buffer");
    assert_eq!(bytes_of(&read, 1), luma(machine, &mut picture, Route::Best));
}

fn refusals(machine: &Machine) {
    let extent = Extent { width: 16, height: 16 };
    let picture = Picture::new(machine, (Fourcc::NV12, extent), Color::BT709, 1);
    let mut descriptor = picture.descriptor().clone();
    let why = |descriptor: &zerohop_frame::FrameDescriptor| {
        let notes = Arc::<Notes>::default();
        let pass = Rgba::new(&machine.device, descriptor, Siting::Left, notes);
        pass.err().expect("a refusal").to_string()
    };
    descriptor.color.matrix = 10;
    assert!(why(&descriptor).starts_with("no pass knows the colour matrix 10 of H.273"));
    descriptor.fourcc = Fourcc::XRGB8888;
    assert_eq!(why(&descriptor), "a XR24 picture is not Y'CbCr of several planes");
    descriptor.fourcc = Fourcc::GR88;
    let notes = Arc::<Notes>::default();
    let err = Luma::new(&machine.device, &descriptor, notes).err().expect("a refusal");
    assert_eq!(err.to_string(), "a GR88 picture is not R'G'B'");
}
