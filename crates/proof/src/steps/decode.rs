//! Films: decoded into luma and diff, by each decoder that the machine has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::kit::{Kit, LIMIT};
use crate::process::{self, last_line};
use crate::row::{Row, Target};
use crate::spans;

/// Decoders, as `--decode` takes them.
const DECODERS: [&str; 3] = ["software", "cuda", "vulkan"];

/// Each film that is packed, by each decoder.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let films = films(kit)?;
    if films.is_empty() {
        Row::absent("films", "none is packed beside this program").tell();
    }
    for film in films {
        let size = film.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // What everything is compared to: decoded, copied by the CPU, looked at.
        let copied = play(kit, &film, "software", true);
        if let Ok(rate) = &copied {
            Row::measured(&format!("{size} through the CPU"), *rate, "/s").tell();
        }
        for decoder in DECODERS {
            let name = format!("{size} {decoder}, luma, diff");
            match lacks(kit, &film, decoder) {
                Ok(Some(why)) => Row::absent(&name, why),
                Ok(None) => row(&name, decoder, play(kit, &film, decoder, false), &copied),
                Err(err) => Row::fails(&name, format!("{err:#}")),
            }
            .tell();
        }
    }
    Ok(())
}

/// Why this machine has no such decoder for the film. One that is there and fails, or crashes, is an
/// error, here or when it plays.
fn lacks(kit: &Kit, film: &Path, decoder: &str) -> Result<Option<String>> {
    let mut probe = Command::new(kit.program("zerohop"));
    probe.arg("probe").arg(film).args(["--decode", decoder, "--json"]);
    let ended = process::run(&mut probe, "probe", kit.folder(), LIMIT)?.good()?;
    let found: Value = serde_json::from_str(&ended.out).context("the probe says no JSON")?;
    let said = &found["decoders"][0];
    let why = said["reason"].as_str().unwrap_or_default();
    match said["works"].as_bool() {
        Some(true) => Ok(None),
        Some(false) if !why.contains("crash") => Ok(Some(why.to_owned())),
        _ => bail!("{why}"),
    }
}

/// Only what a chip decodes is asked to be faster than the CPU.
fn row(name: &str, decoder: &str, rate: Result<f64>, copied: &Result<f64>) -> Row {
    let rate = match rate {
        Ok(rate) => rate,
        Err(err) => return Row::fails(name, format!("{err:#}")),
    };
    let Ok(copied) = copied else { return Row::measured(name, rate, "/s") };
    let note = format!("{rate:.0} pictures/s");
    match decoder {
        "software" => Row::measured(name, rate / copied, "x"),
        _ => Row::judged(name, rate / copied, "x", Target::AtLeast(4.0)),
    }
    .note(note)
}

/// Pictures of one measurement: the film again and again.
const PICTURES: (&str, &str) = ("480", "20");

/// Pictures a second, between the first and the last one: the start is not decoding.
fn play(kit: &Kit, film: &Path, decoder: &str, copied: bool) -> Result<f64> {
    let name = format!("play-{decoder}-{copied}");
    let file = kit.path(&format!("{name}.json"));
    let mut play = Command::new(kit.program("zerohop"));
    play.arg("play").arg(film).args(["--decode", decoder, "--fast", "--no-progress"]);
    play.args(["--to", "null", "--filter", "luma,diff", "--trace"]).arg(&file);
    play.args(["--loop", "--frames", kit.few(PICTURES.0, PICTURES.1)]);
    play.args(copied.then_some("--force-linear"));
    let ended = process::run(&mut play, &name, kit.folder(), LIMIT)?;
    if !ended.status.success() {
        bail!("{}", last_line(&ended.err));
    }
    spans::rate(&spans::read(&file)?).context("too few pictures came")
}

/// Those in `clips` beside the folder of programs.
fn films(kit: &Kit) -> Result<Vec<PathBuf>> {
    let Ok(folder) = fs::read_dir(kit.program("../clips")) else { return Ok(Vec::new()) };
    let paths = folder.map(|entry| entry.map(|entry| entry.path()));
    let mut films = paths.collect::<Result<Vec<_>, _>>().context("read clips")?;
    films.sort();
    Ok(films)
}
