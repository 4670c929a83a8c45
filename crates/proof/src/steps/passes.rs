//! What passes cost on this device, against the bytes that they must move.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::kit::Kit;
use crate::row::{Row, Target};

/// The program that measures (`zerohop-passes`, example `bandwidth`).
const PROGRAM: &str = "bandwidth";

/// Cases with a target: microseconds of device time for a picture of 3840x2160. What the graphics pipe
/// drew is read as slowly as what no cache holds, so that is judged, too.
const ASKED: [(&str, f64); 3] =
    [("classify", 12.0), ("classify drawn", 12.0), ("refresh NV12", 25.0)];

/// What others call cases here.
const NAMES: [(&str, &str); 2] = [
    ("classify", "classify what is in no cache"),
    ("classify drawn", "classify what a shader just drew"),
];

/// The most times that a pass over decoded pictures may take of what a copy of as many bytes takes.
const DECODED: f64 = 2.0;

/// A row for each pass at 3840x2160.
pub(super) fn run(kit: &Kit) -> Result<()> {
    if !kit.program(PROGRAM).is_file() {
        Row::absent("passes", format!("no {PROGRAM} beside this program")).tell();
        return Ok(());
    }
    let json = kit.path("passes.json");
    let mut bandwidth = Command::new(kit.program(PROGRAM));
    bandwidth.args([
        "--sizes",
        "3840x2160",
        "--formats",
        "XR24",
        "--pictures",
        kit.few("240", "3"),
    ]);
    kit.run(bandwidth.arg("--json").arg(&json), "passes")?;
    let text = fs::read_to_string(&json).context("read what was measured")?;
    let table: Value = serde_json::from_str(&text).context("understand what was measured")?;
    for row in table["rows"].as_array().into_iter().flatten() {
        tell(row);
    }
    Ok(())
}

fn tell(row: &Value) {
    let case = row["case"].as_str().unwrap_or_default();
    let Some(took) = row["p50_us"].as_f64() else { return };
    let slowest = row["p99_us"].as_f64().unwrap_or(f64::NAN);
    let limits = limits(row);
    if let (Some(format @ ("NV12" | "P010" | "YU12")), Some(ratio)) =
        (row["format"].as_str(), row["ratio"].as_f64())
    {
        let found = Row::judged(&format!("{format} {case}"), ratio, "x", Target::AtMost(DECODED));
        return found.note(format!("{took:.1} us, p99 {slowest:.1} us{limits}")).tell();
    }
    let name = NAMES.iter().find(|(known, _)| *known == case).map_or(case, |(_, name)| name);
    let asked = ASKED.iter().find(|(asked, _)| *asked == case);
    let found = match asked {
        Some((_, most)) => Row::judged(name, took, "us", Target::AtMost(*most)),
        None => Row::measured(name, took, "us"),
    };
    let copies = row["ratio"].as_f64().map(|it| format!("; {it:.2} times the copy"));
    found.note(format!("p99 {slowest:.1} us{limits}{}", copies.unwrap_or_default())).tell();
}

/// What a copy of as many bytes takes in the same run, and what the memory alone would.
fn limits(row: &Value) -> String {
    let of = |key: &str, what: &str| {
        let found = row[key].as_f64().map(|it| format!("; {what} {it:.1} us"));
        found.unwrap_or_default()
    };
    of("limit_us", "a copy of as many bytes") + &of("memory_us", "the memory alone")
}
