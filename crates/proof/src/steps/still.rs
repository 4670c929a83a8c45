//! What a picture that equals the one before costs: the host's CPU, and the application's.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::kit::{Kit, LIMIT};
use crate::process::Running;
use crate::report::Report;
use crate::row::{Row, Target};
use crate::stat;

/// Pictures in a second, paced: several for each beat of the host, so that beats count for little. The
/// device fills each with one colour, since no CPU draws as many.
const PACED: u32 = 240;

/// Microseconds of the host's for one, as the proof of the GPU path wants it.
const TARGET: Target = Target::AtMost(20.0);

/// After so many pictures that are the same comes one that is not.
const STILL: u32 = 24;

/// How long an application plays before anything is measured: it has been asked to look by then.
const WARM: Duration = Duration::from_secs(2);

/// Shows one picture over and over, paced and as fast as it goes, looked at by the application and by the
/// host; beside each what a program costs that does nothing with a message but answer it; and how long one
/// that changed takes to the host after others stood still.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let mut rates = Vec::new();
    for (name, rate, words) in [
        ("paced", Some(PACED), format!("at {PACED}/s")),
        ("free", None, "as fast as they come".to_owned()),
    ] {
        let row = format!("an unchanged picture {words}");
        let here = look(kit, "host", name, rate)?;
        rates.push(here.rate);
        tell(&row, &here, || look(kit, "application", name, rate))?;
    }
    for rate in rates {
        floor(kit, rate)?;
    }
    change(kit)
}

/// Both ways to find out that nothing changed, side by side.
fn tell(name: &str, here: &Looked, there: impl FnOnce() -> Result<Looked>) -> Result<()> {
    let row = format!("{name}, the host looks");
    Row::measured(&row, here.host, "us").note(here.note.clone()).tell();
    let there = there()?;
    let row = format!("{name}, the application looks");
    Row::judged(&row, there.host, "us", TARGET).note(there.note.clone()).tell();
    let row = format!("{name}, the application's own CPU");
    let note = format!(
        "{:.1} us while the host looks: drawing and presenting it are in both",
        here.application
    );
    Row::measured(&row, there.application, "us").note(note).tell();
    Ok(())
}

/// What both processes used for each picture, in microseconds of a processor, all threads together.
struct Looked {
    host: f64,
    application: f64,
    /// Pictures a second.
    rate: u32,
    note: String,
}

/// One picture over and over, and then another after `still` of them, found out about by `who`.
fn start(kit: &Kit, who: &str, name: &str, (still, rate): (u32, Option<u32>)) -> Result<Running> {
    let seconds = WARM.as_secs_f64() + kit.few(2.5, 1.5) + 0.3;
    let mut run = kit.zerohop_run(name);
    run.args(["--to", "null", "--look", who]);
    let application = kit.pattern(&mut run, &["--size", "3840x2160", "--frames", "10000000"]);
    application.args(["--plain", "--drawn", "--present-mode", "immediate"]);
    application.args(["--seconds", &seconds.to_string(), "--still", &still.to_string()]);
    application.args(rate.map(|rate| format!("--rate-limit={rate}")));
    kit.start(application, name)
}

/// Looks at the CPU time of both processes at two moments of a run with one picture.
fn look(kit: &Kit, who: &str, name: &str, rate: Option<u32>) -> Result<Looked> {
    let name = format!("still-{name}-{who}");
    let running = start(kit, who, &name, (u32::MAX, rate))?;
    sleep(WARM);
    let pattern = stat::descendant(running.id(), "zerohop-pattern").context("no application")?;
    let threads = |pid| stat::thread_times(pid).with_context(|| format!("process {pid} is gone"));
    let (begin, before) = (Instant::now(), [threads(running.id())?, threads(pattern)?]);
    sleep(Duration::from_secs_f64(kit.few(2.0, 1.0)));
    let (took, after) =
        (begin.elapsed().as_secs_f64(), [threads(running.id())?, threads(pattern)?]);
    let said = running.wait(LIMIT)?.good()?.out;
    let report = Report::read(&kit.path(&format!("{name}.json")))?;
    let rate = pictures_a_second(&said)?;
    let used = |at: &stat::ThreadTimes| at.values().sum::<Duration>().as_secs_f64();
    let each =
        |process: usize| (used(&after[process]) - used(&before[process])) * 1e6 / (took * rate);
    let busiest = after[0].iter().map(|(thread, now)| {
        now.saturating_sub(before[0].get(thread).copied().unwrap_or_default()).as_secs_f64()
    });
    let busiest = busiest.fold(0.0, f64::max) * 1e6 / (took * rate);
    let (unchanged, kept) = (report.number("/verdicts/unchanged")?, kept(&report, who)?);
    let path = report.path();
    let note = format!(
        "{rate:.0} pictures/s, {unchanged} unchanged, {kept} kept, {busiest:.1} us in the busiest thread; {path}"
    );
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    Ok(Looked { host: each(0), application: each(1), rate: rate as u32, note })
}

/// How many pictures a second the application says that it presented.
fn pictures_a_second(said: &str) -> Result<f64> {
    let line =
        said.lines().rfind(|line| line.contains("\"fps\"")).context("no word of its rate")?;
    let figures: Value = serde_json::from_str(line).with_context(|| format!("it says {line:?}"))?;
    figures["fps"].as_f64().with_context(|| format!("it says {line:?}"))
}

/// How many pictures stayed in the application, which must be most of them where it was to look.
fn kept(report: &Report, who: &str) -> Result<f64> {
    let (kept, all) = (report.number("/look/kept")?, report.number("/frames_presented")?);
    let asked = report.number("/look/asked")?;
    ensure!(
        who == "host" || kept > all / 2.0,
        "of {all} pictures that stood still the application kept {kept}; it was asked {asked} times"
    );
    Ok(kept)
}

/// How long a change takes to the host, of pictures that stood still before.
fn change(kit: &Kit) -> Result<()> {
    let mut notes = Vec::new();
    let mut found = None;
    for who in ["host", "application"] {
        let name = format!("still-change-{who}");
        start(kit, who, &name, (STILL, Some(PACED)))?.wait(LIMIT)?.good()?;
        let report = Report::read(&kit.path(&format!("{name}.json")))?;
        let came = report.number("/stages/present_to_host/count")?;
        let [p50, p99] =
            ["p50", "p99"].map(|p| report.number(&format!("/stages/present_to_host/{p}")));
        let (p50, p99, kept) = (p50?, p99?, kept(&report, who)?);
        notes.push(format!(
            "{who} looks: p50 {p50} us, p99 {p99} us of {came} that came, {kept} kept"
        ));
        found = Some(p50);
    }
    let p50 = found.context("nobody looked")?;
    let what = format!("a change after {STILL} still pictures, present to host");
    Row::measured(&what, p50, "us").note(notes.join("; ")).tell();
    Ok(())
}

/// What this machine takes from any program at that rate.
fn floor(kit: &Kit, rate: u32) -> Result<()> {
    let mut floor = Command::new(kit.program("floor"));
    floor.arg(rate.max(1).to_string()).arg(kit.few("1.5", "0.3"));
    let said = kit.run(&mut floor, &format!("floor-{rate}"))?.out;
    let figures: Value =
        serde_json::from_str(&said).with_context(|| format!("floor says {said:?}"))?;
    for (key, name, what) in [
        ("answers_us", "to hear and answer", "hears a message and answers it"),
        (
            "submits_us",
            "to submit and wait, too",
            "has the GPU take a picture and give it back, too",
        ),
    ] {
        let found = figures[key].as_f64().with_context(|| format!("floor says no {key}"))?;
        let note = format!("one thread of a program that only {what}; no host does with less");
        Row::measured(&format!("{name}, {rate}/s"), found, "us").note(note).tell();
    }
    Ok(())
}
