//! What the layer's own code costs the application's thread, per picture.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Figures, median};
use crate::programs::Layer;
use crate::{project, shell};

/// Alternating repetitions.
const ROUNDS: usize = 5;
/// Pictures under callgrind, which runs them fifty times slower.
const COUNTED: (u32, u32) = (50, 250);

/// Acquire and present with the layer, less an empty submission; and the driver's own for scale.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let mut build = project::cargo("build");
    let names = ["-p", "zerohop-testkit", "--example", "present_cost"];
    shell::run(build.args(["--locked", "--release"]).args(names))?;
    let program = project::target().join("release/examples/present_cost");
    let (mut p50, mut p99, mut driver) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ours = measure(&program, Layer::On)?;
        p50.push(number(&ours, "us_p50")?);
        p99.push(number(&ours, "us_p99")?);
        driver.push(number(&measure(&program, Layer::Off)?, "us_p50")?);
    }
    let (p50, p99, driver) = (median(&p50), median(&p99), median(&driver));
    figures.keep("layer_us_p50", p50);
    figures.keep("layer_us_p99", p99);
    figures.keep("driver_us_p50", driver);
    figures.say(format!(
        "acquire and present above an empty submission: {p50:.1} us (p99 {p99:.1}) with the layer, \
         {driver:.1} us with the driver's headless swapchain"
    ));
    let counted = instructions(&program)?;
    figures.keep("layer_instructions", counted);
    figures.say(format!("{counted:.0} instructions in the layer per acquire and present"));
    Ok(())
}

fn measure(program: &Path, layer: Layer) -> Result<Value> {
    let mut command = Command::new(program);
    layer.put_on(&mut command);
    let line = shell::output(&mut command)?;
    serde_json::from_str(&line)
        .with_context(|| format!("`{}` printed {line:?}", shell::line(&command)))
}

fn number(line: &Value, key: &str) -> Result<f64> {
    line[key].as_f64().with_context(|| format!("no {key} in {line}"))
}

/// Instructions in the layer's library per picture, counted by callgrind: those of a long run less
/// those of a short one, by the pictures between.
fn instructions(program: &Path) -> Result<f64> {
    let (few, many) = COUNTED;
    let more = counted(program, many)?.saturating_sub(counted(program, few)?);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(more as f64 / f64::from(many - few))
}

fn counted(program: &Path, pictures: u32) -> Result<u64> {
    let file = project::target().join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--callgrind-out-file={}", file.display()));
    valgrind.arg(program).arg(pictures.to_string());
    // valgrind does not know the widest vectors that llvmpipe would use.
    valgrind.env("LP_NATIVE_VECTOR_WIDTH", "128");
    Layer::On.put_on(&mut valgrind);
    shell::output(&mut valgrind)?;
    let mut annotate = Command::new("callgrind_annotate");
    annotate.args(["--threshold=100", "--show-percs=no", "--auto=no"]).arg(&file);
    let listed = shell::output(&mut annotate)?;
    fs::remove_file(&file)?;
    // Each line names the function's library, or where it does not, its crate.
    let ours = listed
        .lines()
        .filter(|line| line.contains(Layer::LIBRARY) || line.contains("zerohop_layer"));
    Ok(ours
        .filter_map(|line| line.split_whitespace().next()?.replace(',', "").parse::<u64>().ok())
        .sum())
}
