//! What the passes cost against the bytes that they must move, by the example `bandwidth`, which runs
//! without cargo as well: on a machine with a GPU.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Figures, Limit};
use crate::{project, shell};

/// Sizes, by the names of their figures.
const SIZES: [(&str, &str); 3] =
    [("720p", "1280x720"), ("1080p", "1920x1080"), ("2160p", "3840x2160")];
/// Pictures of a measurement: few, since a CPU takes its time for what is made for a GPU.
const PICTURES: &str = "20";

/// The passes on the device of this machine.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let mut build = project::cargo("build");
    build.args(["--locked", "--release", "-p", "zerohop-passes", "--example", "bandwidth"]);
    shell::run(&mut build)?;
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    let json = folder.join("passes.json");
    let program = project::target().join("release/examples/bandwidth");
    let mut bandwidth = std::process::Command::new(program);
    shell::run(bandwidth.args(["--pictures", PICTURES, "--json"]).arg(&json))?;
    let text = fs::read_to_string(&json).context("read what bandwidth wrote")?;
    let all: Value = serde_json::from_str(&text).context("understand what bandwidth wrote")?;
    let rows = all["rows"].as_array().cloned().unwrap_or_default();
    for row in &rows {
        keep(figures, row);
    }
    for (name, size) in SIZES {
        compare(figures, name, size, &rows);
    }
    Ok(())
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
