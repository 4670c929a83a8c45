//! What passes cost on a device, against the bytes that they must move: microseconds of device time by
//! timestamps around each dispatch, and the same bytes by a plain copy in the same run.
//!
//! `bandwidth [--sizes 1280x720,...] [--formats XR24,...] [--pictures N] [--json FILE]`. On a CPU
//! device, where a shader takes a thousand times as long, it measures few pictures of one small size
//! unless told otherwise.
//!
//! A pass cannot be faster than the device moves its bytes: `limit` is what a copy by a shader, sixteen
//! bytes by each invocation, takes in the same run that moves as many bytes, read and written
//! together, and `ratio` how often that fits into the median. It has the beginning and the end of a
//! dispatch in it; `memory` is what the memory's own bandwidth allows, without these, where it is known.
//! (`vkCmdCopyBuffer` is no limit: on an H200 it takes four times as long.) Pictures take turns, so
//! that no cache holds them, and the device is kept busy before each measurement, so that its clock
//! is up.

#[path = "bandwidth/cases.rs"]
mod cases;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "bandwidth/copy.rs"]
mod copy;
#[path = "bandwidth/planar.rs"]
mod planar;
#[path = "bandwidth/stage.rs"]
mod stage;
#[path = "bandwidth/table.rs"]
mod table;

use std::process::ExitCode;

use zerohop_frame::{Extent, Fourcc};
use zerohop_vulkan::PixelFormat;

use cases::CASES;
use common::Machine;
use copy::{Copier, Limits};
use planar::Found;
use stage::Stage;
use table::{Row, Table};

/// Pictures of one measurement.
const PICTURES: usize = 120;
/// The most of what the CPU does alone.
const MOST_ON_THE_CLOCK: usize = 8;
/// The same on a CPU device.
const FEW: usize = 5;
/// Pictures that are not measured: the first ones compile, allocate, and write everything.
const WARM: usize = 8;

fn main() -> ExitCode {
    let machine = match Machine::open(false) {
        Ok(machine) => machine,
        Err(why) => {
            println!("nothing to measure on: {why}");
            return ExitCode::from(3);
        }
    };
    let ask = match Ask::read(std::env::args().skip(1), machine.device.is_cpu()) {
        Ok(ask) => ask,
        Err(why) => {
            eprintln!("bandwidth: {why}");
            return ExitCode::from(2);
        }
    };
    machine.device.measure_dispatches();
    let mut table = Table::new(&machine);
    let mut limits = Limits::new(&machine, ask.pictures);
    for (extent, format) in ask.shapes() {
        let stage = Stage::new(&machine, extent, format);
        let mut copier = Copier::new(&machine, stage.bytes());
        let copy = copier.as_mut().map(|it| it.times(ask.pictures)).unwrap_or_default();
        table.add(Row::copy(&stage, &copy));
        for case in CASES.iter().filter(|case| !case.is_on_the_clock()) {
            copier.iter_mut().for_each(Copier::wake);
            if let Some(times) = case.run(&stage, ask.pictures) {
                table.add(Row::of(*case, &stage, &times).against(&mut limits));
            }
        }
    }
    for extent in &ask.sizes {
        decoded(&machine, *extent, ask.pictures, (&mut table, &mut limits));
    }
    on_the_clock(&machine, &ask, &mut table);
    table.finish(ask.json.as_deref())
}

/// What the CPU does, last: meanwhile the device's clock goes down.
fn on_the_clock(machine: &Machine, ask: &Ask, table: &mut Table) {
    for (extent, format) in ask.shapes() {
        let stage = Stage::new(machine, extent, format);
        for case in CASES.iter().filter(|case| case.is_on_the_clock()) {
            if let Some(times) = case.run(&stage, ask.pictures.min(MOST_ON_THE_CLOCK)) {
                table.add(Row::of(*case, &stage, &times));
            }
        }
    }
}

/// The passes over decoded pictures.
fn decoded(
    machine: &Machine,
    extent: Extent,
    pictures: usize,
    (table, limits): (&mut Table, &mut Limits<'_>),
) {
    let bytes = u64::from(extent.width) * u64::from(extent.height);
    let mut copier = Copier::new(machine, bytes * 4);
    for format in planar::FORMATS {
        let mut wake = || copier.iter_mut().for_each(Copier::wake);
        let mut tell = |case, found: &Found| {
            table.add(Row::planar(case, (extent, format), found).against(limits));
        };
        planar::measure(machine, (format, extent), pictures, &mut wake, &mut tell);
    }
}

/// What the words on the command line ask for.
struct Ask {
    sizes: Vec<Extent>,
    formats: Vec<PixelFormat>,
    pictures: usize,
    json: Option<String>,
}

impl Ask {
    /// Every format in every size.
    fn shapes(&self) -> impl Iterator<Item = (Extent, PixelFormat)> {
        let of = |extent: &Extent| (*extent, &self.formats);
        let all = self.sizes.iter().map(of);
        all.flat_map(|(extent, formats)| formats.iter().map(move |format| (extent, *format)))
    }

    fn read(mut words: impl Iterator<Item = String>, is_cpu: bool) -> Result<Self, String> {
        let of = |few, all| if is_cpu { few } else { all };
        let mut ask = Self {
            sizes: sizes(of("640x360", "1280x720,1920x1080,3840x2160"))?,
            formats: formats(of("XR24", "XR24,XB24,XR30,XB4H"))?,
            pictures: if is_cpu { FEW } else { PICTURES },
            json: None,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or(format!("{word} without its value"))?;
            match &*word {
                "--sizes" => ask.sizes = sizes(&value)?,
                "--formats" => ask.formats = formats(&value)?,
                "--pictures" => {
                    ask.pictures = value.parse().map_err(|_| format!("no number: {value}"))?;
                }
                "--json" => ask.json = Some(value),
                _ => return Err(format!("what is {word}?")),
            }
        }
        if ask.pictures == 0 { Err("no pictures to measure".into()) } else { Ok(ask) }
    }
}

fn sizes(text: &str) -> Result<Vec<Extent>, String> {
    let size = |text: &str| {
        let (width, height) = text.split_once('x')?;
        Some(Extent { width: width.parse().ok()?, height: height.parse().ok()? })
    };
    text.split(',').map(|one| size(one).ok_or(format!("no size: {one}"))).collect()
}

fn formats(text: &str) -> Result<Vec<PixelFormat>, String> {
    let format = |text: &str| {
        let four: [u8; 4] = text.as_bytes().try_into().ok()?;
        PixelFormat::of(Fourcc(u32::from_le_bytes(four))).ok().filter(PixelFormat::is_rgb)
    };
    text.split(',').map(|one| format(one).ok_or(format!("no R'G'B' format: {one}"))).collect()
}
