//! Symbols: shader against twin, and what a reader makes of them against the picture.

mod common;
#[path = "planar/picture.rs"]
mod picture;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;
use zerohop_frame::{Color, Damage, Extent, Fourcc};
use zerohop_passes::{Grid, Luma, Route, SymbolSettings, Symbols, TileSet};
use zerohop_symbols::{Action, Kind, Packet, Reader};
use zerohop_vulkan::PixelFormat;

use common::trials::{Test, one};
use common::{Canvas, Machine, Notes, Tiling, noise};
use picture::{Picture, bytes_of};

/// Every block size, and steps from lossless to coarse.
const SETTINGS: [(u32, u32, u32); 6] =
    [(8, 6, 1), (16, 6, 2), (16, 5, 3), (16, 4, 7), (32, 3, 20), (8, 2, 64)];

fn main() -> ExitCode {
    let machine = Machine::open(true).map(Arc::new);
    let trial = |name, test: Test| one("device", name, machine.clone(), |_| true, test);
    let tests = vec![
        trial("a_reader_sees_every_picture_within_half_a_step", every_picture),
        trial("the_shader_writes_what_the_twin_writes", the_same),
        trial("symbols_of_rgb_are_those_of_its_luma", of_rgb),
        trial("a_still_picture_is_skipped_and_costs_no_trits", still),
        trial("a_key_picture_can_be_asked_for", begin_anew),
        trial("settings_that_reach_too_little_are_refused", refused),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn settings((block, planes, step): (u32, u32, u32)) -> SymbolSettings {
    SymbolSettings { block, planes, step }
}

fn symbols(machine: &Machine, picture: &Picture, of: SymbolSettings, route: Route) -> Symbols {
    let notes = Arc::<Notes>::default();
    let pass = Symbols::new(&machine.device, picture.descriptor(), of, notes);
    pass.expect("sound settings").with_route(route)
}

fn write(pass: &mut Symbols, picture: &mut Picture) -> Packet {
    let frame = picture.frame();
    pass.write(&frame, &picture.image).expect("a device that works")
}

fn luma(machine: &Machine, picture: &mut Picture) -> Vec<u8> {
    let notes = Arc::<Notes>::default();
    let mut pass = Luma::new(&machine.device, picture.descriptor(), notes).expect("a format");
    let tiles = TileSet::all(Grid::of(picture.descriptor().extent));
    let frame = picture.frame();
    let out = pass.luma(&frame, &picture.image, &tiles).expect("works");
    bytes_of(&out.expect("a free buffer"), 1)
}

/// The largest difference.
fn off(read: &[u8], expected: &[u8]) -> u32 {
    assert_eq!(read.len(), expected.len());
    read.iter().zip(expected).map(|(a, b)| a.abs_diff(*b).into()).max().unwrap_or(0)
}

/// Changes a few pixels here and there.
fn disturb(picture: &mut Picture, round: usize) {
    let Extent { width, height } = picture.descriptor().extent;
    let bytes = if picture.format.bits > 8 { 2 } else { 1 };
    for i in 0..round * 2 {
        let (x, y) = ((i * 37 + round * 11) % width as usize, (i * 23 + round) % height as usize);
        picture.poke(0, x * bytes + bytes - 1, y);
    }
}

fn every_picture(machine: &Machine) {
    for of in SETTINGS.map(settings) {
        for (width, height) in [(1, 1), (33, 17), (100, 70)] {
            let shape = (Fourcc::NV12, Extent { width, height });
            let mut picture = Picture::new(machine, shape, Color::BT709, 3);
            let mut pass = symbols(machine, &picture, of, Route::Best);
            let mut reader = Reader::new();
            for round in 0..6 {
                disturb(&mut picture, round);
                let packet = write(&mut pass, &mut picture);
                let (bytes, expected) = (packet.encode(), luma(machine, &mut picture));
                assert_eq!((bytes.len(), packet.header.key), (packet.bytes(), round == 0));
                let read = reader.read(&bytes).expect("a sound packet");
                let off = off(read, &expected);
                assert!(off <= of.step / 2, "{of:?} {width}x{height} round {round}: {off}");
            }
        }
    }
}

fn the_same(machine: &Machine) {
    for of in SETTINGS.map(settings) {
        for (fourcc, width, height) in
            [(Fourcc::NV12, 33, 17), (Fourcc::P010, 70, 40), (Fourcc::YUV420, 64, 64)]
        {
            let shape = (fourcc, Extent { width, height });
            let make = || Picture::new(machine, shape, Color::BT709, 5);
            let (mut here, mut there) = (make(), make());
            let mut twin = symbols(machine, &here, of, Route::Best);
            let mut shader = symbols(machine, &there, of, Route::Gpu);
            for round in 0..4 {
                disturb(&mut here, round);
                disturb(&mut there, round);
                let expected = write(&mut twin, &mut here);
                let found = write(&mut shader, &mut there);
                assert!(found == expected, "{of:?} {fourcc} round {round}");
            }
        }
    }
}

fn of_rgb(machine: &Machine) {
    let extent = Extent { width: 50, height: 30 };
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    let bytes = noise(9, 50 * 30 * 4);
    let both =
        [(Tiling::Linear, Route::Best), (Tiling::Optimal, Route::Gpu)].map(|(tiling, route)| {
            let mut canvas = Canvas::new(machine, extent, format, tiling, Color::SRGB);
            let frame = canvas.show(machine, &bytes, Damage::Unknown);
            let notes = Arc::<Notes>::default();
            let of = settings((16, 6, 1));
            let pass = Symbols::new(&machine.device, &canvas.descriptor, of, notes);
            let mut pass = pass.expect("sound settings").with_route(route);
            pass.write(&frame, &canvas.image).expect("a device that works")
        });
    assert!(both[0] == both[1]);
    let mut reader = Reader::new();
    let read = reader.read(&both[0].encode()).expect("a sound packet");
    for (pixel, found) in bytes.chunks_exact(4).zip(read) {
        let [b, g, r] = [0, 1, 2].map(|i| f64::from(pixel[i]));
        let real = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        assert!((f64::from(*found) - real).abs() <= 0.51);
    }
}

fn kinds(packet: &Packet) -> Vec<Kind> {
    let action = |(block, word): (usize, &u32)| Action::of(*word, block, 6).expect("sound").kind;
    packet.actions.iter().enumerate().map(action).collect()
}

fn still(machine: &Machine) {
    let shape = (Fourcc::NV12, Extent { width: 64, height: 64 });
    for route in [Route::Best, Route::Gpu] {
        let mut picture = Picture::new(machine, shape, Color::BT709, 3);
        let mut pass = symbols(machine, &picture, SymbolSettings::default(), route);
        assert!(kinds(&write(&mut pass, &mut picture)).iter().all(|kind| *kind == Kind::Intra));
        let packet = write(&mut pass, &mut picture);
        assert_eq!((packet.bytes(), packet.trits.len()), (64 + 16 * 4, 0));
        assert!(kinds(&packet).iter().all(|kind| *kind == Kind::Skip));
        picture.poke(0, 20, 40);
        let packet = write(&mut pass, &mut picture);
        let changed = kinds(&packet).iter().filter(|kind| **kind != Kind::Skip).count();
        assert_eq!((changed, packet.actions[2 * 4 + 1] & 0xff), (1, 1), "a delta where it changed");
    }
}

fn begin_anew(machine: &Machine) {
    let shape = (Fourcc::NV12, Extent { width: 40, height: 24 });
    let mut picture = Picture::new(machine, shape, Color::BT709, 3);
    let mut pass = symbols(machine, &picture, SymbolSettings::default(), Route::Best);
    let _ = write(&mut pass, &mut picture);
    assert!(!write(&mut pass, &mut picture).header.key);
    pass.begin_anew();
    let packet = write(&mut pass, &mut picture);
    assert_eq!((packet.header.key, packet.header.sequence), (true, 3));
    assert!(Reader::new().read(&packet.encode()).is_ok(), "nothing before is needed");
}

fn refused(machine: &Machine) {
    let shape = (Fourcc::NV12, Extent { width: 16, height: 16 });
    let picture = Picture::new(machine, shape, Color::BT709, 3);
    let why = |of| {
        let notes = Arc::<Notes>::default();
        let pass = Symbols::new(&machine.device, picture.descriptor(), settings(of), notes);
        let err = pass.err().expect("settings that reach too little");
        std::error::Error::source(&err).expect("a cause").to_string()
    };
    assert_eq!(why((16, 4, 6)), "4 planes reach 40 steps of 6, and a difference may be 255");
    assert_eq!(why((12, 4, 7)), "the block size 12 is unknown");
    assert_eq!(why((16, 7, 7)), "the number of planes is 7, not 1 to 6");
}
