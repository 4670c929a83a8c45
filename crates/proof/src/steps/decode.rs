//! Films: decoded into luma and diff, by each decoder that the machine has, alone and as many at a
//! time as a chip has engines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::kit::{Kit, LIMIT};
use crate::process::{self, Ended, Running, last_line};
use crate::row::{Row, Target};
use crate::spans;

/// Decoders on a chip, as `--decode` takes them.
const CHIPS: [&str; 2] = ["cuda", "vulkan"];

/// Films at a time: an H200 has 7 engines that decode, and each film is decoded by one.
const FILMS: (usize, usize) = (7, 2);

/// Pictures of each film that is measured: again and again from its start. Alone, and beside others.
const PICTURES: (&str, &str) = ("240", "20");
const BESIDE: (&str, &str) = ("160", "20");

/// Seconds that a decoder may take to open its device, beside others that do.
const OPENING: &str = "30";

/// Pictures that are compared with those that the CPU decodes.
const COMPARED: (&str, &str) = ("24", "6");

/// Each film that is packed, by each decoder.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let films = films(kit)?;
    if films.is_empty() {
        Row::absent("films", "none is packed beside this program").tell();
    }
    for film in films {
        let name = film.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let told = rate(kit, &film, "software", 1, false).map(|rate| {
            Row::measured(&format!("{name} software"), rate, "/s").tell();
        });
        if let Err(err) = told {
            Row::fails(&format!("{name} software"), format!("{err:#}")).tell();
        }
        for chip in CHIPS {
            match compare(kit, &film, chip) {
                Err(err) if is_lacking(&err) => {
                    Row::absent(&format!("{name} {chip}"), format!("{err:#}")).tell();
                }
                Err(err) => Row::fails(&format!("{name} {chip}"), format!("{err:#}")).tell(),
                Ok(pictures) => {
                    let said = format!("{pictures} pictures are those that the CPU decodes");
                    Row::holds(&format!("{name} {chip}, pictures"), said).tell();
                    measure(kit, &film, &name, chip).tell();
                }
            }
        }
        if kit.few(true, false) || Kit::has_nvidia() {
            together(kit, &film, &name).tell();
        }
    }
    Ok(())
}

/// Whether the machine has no such decoder, which is no failure.
fn is_lacking(err: &anyhow::Error) -> bool {
    let why = format!("{err:#}");
    ["has no decoder for it", "open the device"].iter().any(|part| why.contains(part))
}

/// Every pixel of the first pictures, as R'G'B', against the CPU's. Gives how many there were.
fn compare(kit: &Kit, film: &Path, chip: &str) -> Result<usize> {
    let sums = |decoder| -> Result<Vec<String>> {
        let mut play = Command::new(kit.program("zerohop"));
        play.arg("play").arg(film).args(["--decode", decoder, "--filter", "rgba"]);
        play.args(["--to", "checksum", "--frames", kit.few(COMPARED.0, COMPARED.1)]);
        let name = format!("sums-{decoder}");
        let ended = process::run(play.arg("--no-progress"), &name, kit.folder(), LIMIT)?;
        let out = checked(ended)?.out;
        Ok(out.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
    };
    let (found, wanted) = (sums(chip)?, sums("software")?);
    if let Some(at) = found.iter().zip(&wanted).position(|(one, other)| one != other) {
        bail!("picture {at} is not what the CPU decodes: {} against {}", found[at], wanted[at]);
    }
    if found.len() != wanted.len() || found.is_empty() {
        bail!("{} pictures came, and {} from the CPU", found.len(), wanted.len());
    }
    Ok(found.len())
}

/// One film alone.
fn measure(kit: &Kit, film: &Path, name: &str, chip: &str) -> Row {
    let alone = format!("{name} {chip}, luma, diff");
    let rates = rate(kit, film, chip, 1, false)
        .and_then(|near| Ok((near, rate(kit, film, chip, 1, true)?)));
    match rates {
        Ok((near, far)) => Row::measured(&alone, near, "/s")
            .note(format!("{far:.0}/s through the CPU, {:.2} times", near / far)),
        Err(err) => Row::fails(&alone, format!("{err:#}")),
    }
}

/// As many as there are engines, by NVDEC, against the same with each decoded picture taken through
/// the CPU into the same passes.
fn together(kit: &Kit, film: &Path, name: &str) -> Row {
    let (films, chip) = (kit.few(FILMS.0, FILMS.1), CHIPS[0]);
    let what = format!("{name} {chip}, {films} at a time");
    let rates = rate(kit, film, chip, films, false)
        .and_then(|near| Ok((near, rate(kit, film, chip, films, true)?)));
    match rates {
        Ok((near, far)) => Row::judged(&what, near / far, "x", Target::AtLeast(4.0))
            .note(format!("{near:.0} pictures/s, {far:.0} through the CPU")),
        Err(err) if is_lacking(&err) => Row::absent(&what, format!("{err:#}")),
        Err(err) => Row::fails(&what, format!("{err:#}")),
    }
}

/// Pictures a second of all `films`, while all of them play: the start is not decoding. With
/// `copied`, the CPU takes each decoded picture to memory of its own.
fn rate(kit: &Kit, film: &Path, decoder: &str, films: usize, copied: bool) -> Result<f64> {
    let running = (0..films).map(|index| play(kit, film, (decoder, index), films > 1, copied));
    let running: Vec<(Running, PathBuf)> = running.collect::<Result<_>>()?;
    let mut traces = Vec::new();
    for (one, trace) in running {
        checked(one.wait(LIMIT)?)?;
        traces.push(spans::read(&trace)?);
        // Some are large.
        let _ = fs::remove_file(trace);
    }
    spans::rate_together(&traces).context("too few pictures came")
}

fn play(
    kit: &Kit,
    film: &Path,
    (decoder, index): (&str, usize),
    beside: bool,
    copied: bool,
) -> Result<(Running, PathBuf)> {
    let name = format!("play-{decoder}-{copied}-{index}");
    let trace = kit.path(&format!("{name}.json"));
    let frames = if beside { BESIDE } else { PICTURES };
    let mut play = Command::new(kit.program("zerohop"));
    play.arg("play").arg(film).args(["--decode", decoder, "--fast", "--no-progress"]);
    play.args(["--to", "null", "--filter", "luma,diff", "--trace"]).arg(&trace);
    play.args(["--loop", "--frames", kit.few(frames.0, frames.1)]);
    play.args(["--timeout", OPENING]);
    play.args(copied.then_some("--force-linear"));
    Ok((process::start(&mut play, &name, kit.folder())?, trace))
}

fn checked(ended: Ended) -> Result<Ended> {
    if !ended.status.success() {
        bail!("{}", last_line(&ended.err));
    }
    Ok(ended)
}

/// Those in `clips` beside the folder of programs.
fn films(kit: &Kit) -> Result<Vec<PathBuf>> {
    let Ok(folder) = fs::read_dir(kit.program("../clips")) else { return Ok(Vec::new()) };
    let paths = folder.map(|entry| entry.map(|entry| entry.path()));
    let mut films = paths.collect::<Result<Vec<_>, _>>().context("read clips")?;
    films.sort();
    Ok(films)
}
