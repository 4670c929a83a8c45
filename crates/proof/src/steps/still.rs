//! What the host's CPU does for a picture that equals the one before.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::kit::{Kit, LIMIT};
use crate::report::Report;
use crate::row::{Row, Target};
use crate::stat;

/// Pictures in a second, paced: several for each beat of the host, so that beats count for little. The
/// device fills each with one colour, since no CPU draws as many.
const PACED: u32 = 240;

/// Microseconds for one, as the proof of the GPU path wants it. Judged where pictures come as fast as the
/// application presents them: at the rates of screens it costs a virtual machine more to wake a thread.
const TARGET: Target = Target::AtMost(20.0);

/// Shows one picture over and over, paced and as fast as it goes; and beside each what a program costs
/// that does nothing with a message but answer it.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let paced = look(kit, "paced", Some(PACED))?;
    Row::measured(&format!("an unchanged picture at {PACED}/s"), paced.each, "us")
        .note(paced.note)
        .tell();
    floor(kit, PACED)?;
    let free = look(kit, "free", None)?;
    Row::judged("an unchanged picture, as fast as they come", free.each, "us", TARGET)
        .note(free.note)
        .tell();
    floor(kit, free.rate)
}

/// What the host used.
struct Looked {
    /// Microseconds of a processor for each picture, all threads together.
    each: f64,
    /// Pictures a second.
    rate: u32,
    note: String,
}

/// Looks at the host's CPU time at two moments of a run with one picture, presented over and over.
fn look(kit: &Kit, name: &str, rate: Option<u32>) -> Result<Looked> {
    let seconds = kit.few(3, 2);
    let name = format!("still-{name}");
    let mut run = kit.zerohop_run(&name);
    run.args(["--to", "null", "--seconds", &(seconds + 3).to_string()]);
    let options = ["--size", "3840x2160", "--still", "1000000", "--frames", "1000000"];
    let application = kit.pattern(&mut run, &options);
    application.args(["--plain", "--drawn", "--present-mode", "immediate"]);
    application.args(rate.map(|rate| format!("--rate-limit={rate}")));
    let running = kit.start(application, &name)?;
    sleep(Duration::from_secs(2));
    let threads = || stat::thread_times(running.id()).context("the host is gone");
    let (begin, before) = (Instant::now(), threads()?);
    sleep(Duration::from_secs(seconds));
    let (took, after) = (begin.elapsed().as_secs_f64(), threads()?);
    running.wait(LIMIT)?;
    let report = Report::read(&kit.path(&format!("{name}.json")))?;
    // The application may be slower than it was asked to be.
    let rate = report.number("/frames_presented")? / report.number("/duration_s")?;
    let used = |threads: &stat::ThreadTimes| threads.values().sum::<Duration>().as_secs_f64();
    let per_picture = |used: f64| used * 1e6 / (took * rate);
    let busiest = after.iter().map(|(thread, now)| {
        now.saturating_sub(before.get(thread).copied().unwrap_or_default()).as_secs_f64()
    });
    let busiest = busiest.fold(0.0, f64::max);
    let (unchanged, path) = (report.number("/verdicts/unchanged")?, report.path());
    let note = format!(
        "{rate:.0} pictures/s, {unchanged} unchanged, {:.1} us of it in the thread that hears them; {path}",
        per_picture(busiest)
    );
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    Ok(Looked { each: per_picture(used(&after) - used(&before)), rate: rate as u32, note })
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
