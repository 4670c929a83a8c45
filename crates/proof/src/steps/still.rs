//! What the host's CPU does for a picture that equals the one before.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::echo;
use crate::kit::{Kit, LIMIT};
use crate::report::Report;
use crate::row::{Row, Target};
use crate::stat;

/// Pictures in a second: several for each beat of the host, so that beats count for little. The device
/// fills each with one colour, since no CPU draws as many.
const RATE: u32 = 240;

/// Microseconds for one, as the proof of the GPU path wants it.
const TARGET: Target = Target::AtMost(20.0);

/// Shows one picture over and over, and looks at the host's CPU time at two moments between.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let (rate, seconds) = (RATE.to_string(), kit.few(6, 2));
    let mut run = kit.zerohop_run("still");
    run.args(["--to", "null", "--seconds", &(seconds + 4).to_string()]);
    let options = ["--size", "3840x2160", "--still", "1000000", "--frames", "1000000"];
    let drawn = ["--plain", "--drawn", "--present-mode", "immediate", "--rate-limit", &rate];
    let running = kit.start(kit.pattern(&mut run, &options).args(drawn), "still")?;
    sleep(Duration::from_secs(2));
    let look = || stat::cpu_time(running.id()).context("the host is gone");
    let (begin, before) = (Instant::now(), look()?);
    sleep(Duration::from_secs(seconds));
    let (took, used) = (begin.elapsed(), look()? - before);
    running.wait(LIMIT)?;
    let report = Report::read(&kit.path("still.json"))?;
    // The application may be slower than it was asked to be.
    let rate = report.number("/frames_presented")? / report.number("/duration_s")?;
    let each = used.as_secs_f64() * 1e6 / (took.as_secs_f64() * rate);
    let unchanged = report.number("/verdicts/unchanged")?;
    let note = format!("{rate:.0} pictures/s, {unchanged} unchanged; {}", report.path());
    let name = "host's CPU for an unchanged picture";
    Row::judged(name, each, "us", TARGET).note(note).tell();
    let floor = echo::cost(RATE, kit.few(RATE * 2, RATE / 4))?;
    let note = "a thread that is woken as often by a message, answers it and sleeps: no host does with less";
    Row::measured("this machine's CPU to wake up at all", floor.as_secs_f64() * 1e6, "us")
        .note(note)
        .tell();
    Ok(())
}
