//! What the passes cost against the bytes that they must move, by the example `bandwidth`, which runs
//! without cargo as well: on a machine with a GPU.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Figures, Limit};
use crate::{project, shell};

/// Sizes, by the names of their figures.
const SIZES: [(&str, &str); 4] =
    [("360p", "640x360"), ("720p", "1280x720"), ("1080p", "1920x1080"), ("2160p", "3840x2160")];

/// The passes on the device of this machine.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let mut bandwidth = Command::new(example("bandwidth")?);
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    let json = folder.join("passes.json");
    shell::run(bandwidth.arg("--json").arg(&json))?;
    let text = fs::read_to_string(&json).context("read what bandwidth wrote")?;
    let all: Value = serde_json::from_str(&text).context("understand what bandwidth wrote")?;
    let rows = all["rows"].as_array().cloned().unwrap_or_default();
    for row in &rows {
        keep(figures, row);
    }
    for (name, size) in SIZES {
        compare(figures, name, size, &rows);
    }
    ring(figures)
}

/// Copies down to a software encoder, overlapped with its work against one after the other.
fn ring(figures: &mut Figures) -> Result<()> {
    for (name, size) in &SIZES[1..3] {
        let json = project::target().join(format!("bench/ring-{name}.json"));
        shell::run(Command::new(example("ring")?).arg(size).arg(&json))?;
        let text = fs::read_to_string(&json).context("read what ring wrote")?;
        let found: Value = serde_json::from_str(&text).context("understand what ring wrote")?;
        for what in ["serial_ms", "overlapped_ms", "bytes_down"] {
            let figure = found[what].as_f64().context("a number")?;
            figures.keep(&format!("ring_{name}_{what}"), figure);
        }
        let ratio = found["ratio"].as_f64().context("a number")?;
        figures.judge(&format!("ring_{name}_ratio"), ratio, Limit::AtMost(1.0));
    }
    Ok(())
}

/// An example of the passes, built for speed.
pub(super) fn example(name: &str) -> Result<PathBuf> {
    let mut build = project::cargo("build");
    build.args(["--locked", "--release", "-p", "zerohop-passes", "--example", name]);
    shell::run(&mut build)?;
    Ok(project::target().join("release/examples").join(name))
}

/// The figures of one measurement.
fn keep(figures: &mut Figures, row: &Value) {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let name = SIZES.iter().find(|(_, size)| *size == text("size")).map_or("", |(name, _)| name);
    let case = text("case").replace(' ', "_");
    let key = format!("passes_{name}_{}_{case}", text("format")).to_lowercase();
    for (what, field) in
        [("us", "p50_us"), ("p95_us", "p95_us"), ("p99_us", "p99_us"), ("ratio", "ratio")]
    {
        if let Some(figure) = row[field].as_f64() {
            figures.keep(&format!("{key}_{what}"), figure);
        }
    }
}

/// One read against two: by shaders, and in place on a device that is the CPU.
fn compare(figures: &mut Figures, name: &str, size: &str, rows: &[Value]) {
    let of = |case: &str| {
        let mine = |row: &&Value| {
            (row["case"].as_str(), row["size"].as_str(), row["format"].as_str())
                == (Some(case), Some(size), Some("XR24"))
        };
        rows.iter().find(mine).and_then(|row| row["p50_us"].as_f64())
    };
    for (what, one, two) in [
        ("fused", "refresh NV12", "apart NV12"),
        ("fused_in_place", "in place one", "in place two"),
    ] {
        if let (Some(one), Some(two)) = (of(one), of(two)) {
            let key = format!("passes_{name}_{what}_ratio");
            figures.judge(&key, one / two, Limit::AtMost(1.0));
        }
    }
}
