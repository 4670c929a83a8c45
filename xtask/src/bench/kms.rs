//! Pictures on a screen where they lie, against pictures that are copied there: vkcube at 640x480 on
//! vkms, in the virtual machine.
//!
//! vkcube draws there on an emulated CPU, so few pictures a second come, and what the host does by
//! the clock (its beat, its word to those that wait) counts for each. There is no aim: an
//! emulated CPU copies as fast as it does anything else.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Figures, median};
use crate::{programs, project, shell, vm};

/// Alternating repetitions.
const ROUNDS: &str = "3";

/// What the host's CPU does for each picture, where the card shows the application's own memory;
/// and what the copy alone costs that a program with dumb buffers makes.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    if let Err(why) = vm::is_possible() {
        figures.say(format!("NOT RUN: pictures on a screen: {why:#}"));
        return Ok(());
    }
    let zerohop = programs::zerohop()?;
    let mut build = project::cargo("build");
    shell::run(build.args(["--locked", "--release", "-p", "zerohop-kms", "--example", "canvas"]))?;
    let canvas = project::target().join("release/examples/canvas");
    let mut machine = Command::new(std::env::current_exe()?);
    machine.args([
        "vm",
        "--no-build",
        "--timeout",
        "1500",
        "--",
        "bash",
        "-c",
        include_str!("kms.sh"),
        "bench",
    ]);
    machine.arg(zerohop).arg(canvas).arg(ROUNDS);
    let said = shell::output(&mut machine)?;
    let (direct, copied) = (column(&said, "direct")?, column(&said, "canvas")?);
    let [fps, cost, bytes] = direct;
    let [copied_fps, copied_cost, _] = copied;
    if bytes > 0.0 {
        bail!("the CPU copied {bytes} bytes of each picture: {said}");
    }
    figures.keep("kms_fps", fps);
    figures.keep("kms_canvas_fps", copied_fps);
    figures.keep("kms_cpu_ms", cost);
    figures.keep("kms_canvas_cpu_ms", copied_cost);
    figures.say(format!(
        "a picture of vkcube on a screen costs the host {cost:.2} ms of an emulated CPU and no copy \
         ({fps:.1} pictures a second with all that draws them); a copy into a dumb buffer costs \
         {copied_cost:.2} ms ({copied_fps:.1} a second)"
    ));
    figures.keep("kms_cpu_ratio", cost / copied_cost);
    on_another_card(figures, &said, cost)
}

/// Where a card takes its own buffers only: by whom pictures are copied, and what that costs against
/// `none`.
fn on_another_card(figures: &mut Figures, said: &str, none: f64) -> Result<()> {
    for (way, words) in
        [("cpu", "by the CPU"), ("gpu", "by the device's shader, which is the CPU too")]
    {
        let [fps, way_cost, bytes] = column(said, way)?;
        figures.keep(&format!("kms_{way}_copy_fps"), fps);
        figures.keep(&format!("kms_{way}_copy_cpu_ms"), way_cost);
        figures.say(format!(
            "on a card that takes its own buffers only, copied {words}: {way_cost:.2} ms of that CPU a \
             picture, {bytes:.0} bytes copied by the CPU ({fps:.1} a second): {:.2} of what none costs",
            way_cost / none
        ));
    }
    Ok(())
}

/// The medians of the numbers in the lines that begin with `what`.
fn column(said: &str, what: &str) -> Result<[f64; 3]> {
    let lines = said.lines().filter_map(|line| line.strip_prefix(what));
    let rows: Vec<Vec<f64>> = lines
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .filter(|row: &Vec<f64>| row.len() == 3)
        .collect();
    if rows.is_empty() {
        return Err(anyhow::anyhow!("{said:?}")).with_context(|| format!("no figures of {what}"));
    }
    let of = |place: usize| median(&rows.iter().map(|row| row[place]).collect::<Vec<_>>());
    Ok([of(0), of(1), of(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_the_medians_of_their_lines() {
        let said = "direct 30 1.5 0\ncanvas 60 4 0\ndirect 20 2.5 0\ndirect 10 0.5 0\nnoise\n";
        assert_eq!(column(said, "direct").unwrap(), [20.0, 1.5, 0.0]);
        assert_eq!(column(said, "canvas").unwrap(), [60.0, 4.0, 0.0]);
        assert!(column(said, "other").is_err());
    }
}
