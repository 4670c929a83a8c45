//! Films: decoded into luma and diff, by each decoder that the machine has, alone and as many in one
//! process as a chip has engines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::kit::{Kit, LIMIT};
use crate::process::{self, Ended, last_line};
use crate::row::{Row, Target};
use crate::spans;

/// Decoders on a chip, as `--decode` takes them.
const CHIPS: [&str; 2] = ["cuda", "vulkan"];

/// Films at a time: an H200 has 7 engines that decode, and each film is decoded by one.
const FILMS: (usize, usize) = (7, 2);

/// Pictures of a film that is measured alone: again and again from its start.
const PICTURES: (&str, &str) = ("120", "20");

/// Seconds that films are measured beside each other, their opening included: they begin up to a second one
/// after the other, and up to three where the CPU copies their pictures.
const BESIDE: (&str, &str) = ("3", "2");
const COPIED: (&str, &str) = ("5", "2");

/// Pictures of each at its start that do not count: shaders are compiled then.
const WARM: (usize, usize) = (50, 5);

/// Seconds that a decoder may take to open its device, beside others that do.
const OPENING: &str = "30";

/// Pictures that are compared with those that the CPU decodes.
const COMPARED: (&str, &str) = ("24", "6");

/// What is said of what was not begun.
const NO_TIME: &str = "no time left";

/// The film that is the most work, which comes first, and which is judged: of H.264 an H200 decodes less than
/// twice of what comes through the CPU, so that nobody could be four times as fast.
const FIRST: &str = "hevc-2160p";

/// When nothing is begun any more.
const TIME: Duration = Duration::from_secs(88);

/// How long the longest measurement of a kind took, which tells whether there is time for another.
#[derive(Default)]
struct Longest(Duration);

impl Longest {
    /// Does it, if there is time left since `begin`.
    fn within<T>(&mut self, begin: Instant, part: impl FnOnce() -> T) -> Option<T> {
        let before = begin.elapsed();
        if before + self.0 > TIME {
            return None;
        }
        let came = part();
        self.0 = self.0.max(begin.elapsed() - before);
        Some(came)
    }
}

/// Each film that is packed, by each decoder; several at a time while there is time.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let (begin, mut films) = (Instant::now(), films(kit)?);
    if films.is_empty() {
        Row::absent("films", "none is packed beside this program").tell();
    }
    films.sort_by_key(|film| name(film) != FIRST);
    let (mut one, mut several) = (Longest::default(), Longest::default());
    let mut later = Vec::new();
    for (index, film) in films.iter().enumerate() {
        match one.within(begin, || alone(kit, film)) {
            None => Row::absent(&name(film), NO_TIME).tell(),
            Some(false) => {}
            Some(true) if index == 0 => beside(kit, film, (begin, &mut several)),
            Some(true) => later.push(film),
        }
    }
    later.into_iter().for_each(|film| beside(kit, film, (begin, &mut several)));
    Ok(())
}

/// Tells what came of several at a time.
fn beside(kit: &Kit, film: &Path, (begin, longest): (Instant, &mut Longest)) {
    let films = kit.few(FILMS.0, FILMS.1);
    let what = format!("{} {}, {films} films", name(film), CHIPS[0]);
    let rows = longest.within(begin, || together(kit, film, &what, films));
    let rows = rows.unwrap_or_else(|| vec![Row::absent(&what, NO_TIME)]);
    rows.into_iter().for_each(Row::tell);
}

/// One film by each decoder; whether the first chip decodes it.
fn alone(kit: &Kit, film: &Path) -> bool {
    let name = name(film);
    let software = format!("{name} software");
    match rate(kit, film, &Play { decoder: "software", ..Play::default() }) {
        Ok(rate) => Row::measured(&software, rate, "/s"),
        Err(err) => Row::fails(&software, format!("{err:#}")),
    }
    .tell();
    CHIPS.map(|chip| by(kit, film, &name, chip))[0]
}

/// One film by `chip`; whether it decodes it.
fn by(kit: &Kit, film: &Path, name: &str, chip: &str) -> bool {
    let on = format!("{name} {chip}");
    match compare(kit, film, chip) {
        Ok(pictures) => {
            let said = format!("{pictures} pictures are those that the CPU decodes");
            Row::holds(&format!("{on}, pictures"), said).tell();
            if chip == CHIPS[0] || name == FIRST {
                measure(kit, film, name, chip).tell();
            }
            return true;
        }
        Err(err) if is_lacking(&err) => Row::absent(&on, format!("{err:#}")),
        Err(err) => Row::fails(&on, format!("{err:#}")),
    }
    .tell();
    false
}

fn name(film: &Path) -> String {
    film.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether the machine has no such decoder, which is no failure. A driver's device must open.
fn is_lacking(err: &anyhow::Error) -> bool {
    let why = format!("{err:#}");
    why.contains("has no decoder for it") || (why.contains("open the device") && !Kit::has_nvidia())
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
    let near = Play { decoder: chip, ..Play::default() };
    let far = Play { copied: true, ..near };
    let rates = rate(kit, film, &near).and_then(|near| Ok((near, rate(kit, film, &far)?)));
    match rates {
        Ok((near, far)) => Row::measured(&alone, near, "/s")
            .note(format!("{far:.0}/s through the CPU, {:.2} times", near / far)),
        Err(err) => Row::fails(&alone, format!("{err:#}")),
    }
}

/// As many as there are engines, by NVDEC, in one process, against the same with each decoded picture taken
/// through the CPU into the same passes; and decoded only, which neither can be faster than.
fn together(kit: &Kit, film: &Path, what: &str, films: usize) -> Vec<Row> {
    let near = Play { decoder: CHIPS[0], films, ..Play::default() };
    let (far, bare) = (Play { copied: true, ..near }, Play { passes: false, ..near });
    let rates = || -> Result<_> {
        Ok((rate(kit, film, &near)?, rate(kit, film, &far)?, rate(kit, film, &bare)?))
    };
    match rates() {
        Ok((near, far, bare)) => {
            let note = format!(
                "{near:.0} pictures/s, {far:.0} through the CPU; decoded only {bare:.0}, which is {:.2} times",
                bare / far
            );
            let times = match name(film) == FIRST {
                true => Row::judged(what, near / far, "x", Target::AtLeast(4.0)),
                false => Row::measured(what, near / far, "x"),
            };
            vec![
                times.note(note),
                Row::measured(&format!("{what}, luma, diff"), near, "/s"),
                Row::measured(&format!("{what}, decoded only"), bare, "/s"),
            ]
        }
        Err(err) => vec![Row::fails(what, format!("{err:#}"))],
    }
}

/// How a film is played.
#[derive(Clone, Copy)]
struct Play<'a> {
    decoder: &'a str,
    /// How often, beside itself.
    films: usize,
    /// Whether the CPU takes each decoded picture to memory of its own.
    copied: bool,
    /// Whether it goes through luma and diff.
    passes: bool,
}

impl Default for Play<'_> {
    fn default() -> Self {
        Self { decoder: "auto", films: 1, copied: false, passes: true }
    }
}

impl Play<'_> {
    /// For how long.
    fn limit(&self) -> (&'static str, (&'static str, &'static str)) {
        match self {
            Self { films: 1, .. } => ("--frames", PICTURES),
            Self { copied: true, .. } => ("--seconds", COPIED),
            _ => ("--seconds", BESIDE),
        }
    }
}

/// Pictures a second of all films, while all of them play.
fn rate(kit: &Kit, film: &Path, how: &Play<'_>) -> Result<f64> {
    let Play { decoder, films, copied, passes } = *how;
    let number = if films > 1 { "{}" } else { "0" };
    let name = format!("play-{decoder}-{copied}-{passes}");
    let trace = |number: &str| kit.path(&format!("{name}-{number}.json"));
    let (limit, (many, few)) = how.limit();
    let mut play = Command::new(kit.program("zerohop"));
    play.arg("play").args(vec![film; films]).args(["--decode", decoder, "--fast"]);
    play.args(["--no-progress", "--to", "null", "--trace"]).arg(trace(number));
    play.args(passes.then_some(["--filter", "luma,diff"]).iter().flatten());
    play.args(["--loop", limit, kit.few(many, few), "--timeout", OPENING]);
    play.args(copied.then_some("--force-linear"));
    checked(process::run(&mut play, &name, kit.folder(), LIMIT)?)?;
    let mut traces = Vec::new();
    for film in 0..films {
        let trace = trace(&film.to_string());
        traces.push(spans::read(&trace)?);
        // Some are large.
        let _ = fs::remove_file(trace);
    }
    spans::rate_together(&traces, kit.few(WARM.0, WARM.1)).context("too few pictures came")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_begun_that_would_take_longer_than_is_left() {
        let mut longest = Longest::default();
        assert_eq!(longest.within(Instant::now(), || 1), Some(1));
        longest.0 = TIME + Duration::from_millis(1);
        assert_eq!(longest.within(Instant::now(), || 1), None);
    }
}
