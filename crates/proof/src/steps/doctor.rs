//! What the doctor says.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::kit::{Kit, LIMIT};
use crate::process;
use crate::row::Row;

/// One row for each device, and one for each thing that was tried.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let report = report(kit, &[])?;
    let ready = report["ready"].as_bool().unwrap_or(false);
    let name = "a recording works";
    if ready { Row::holds(name, "") } else { Row::fails(name, "see the rows below") }.tell();
    checks("", &report["checks"]);
    for device in array(&report["devices"]) {
        let name = word(&device["name"]);
        let path = format!("{}, {}", word(&device["handover"]), word(&device["sync_tier"]));
        let driver = word(&device["driver"]);
        Row::holds(name, format!("{driver}, Vulkan {}: {path}", word(&device["vulkan"]))).tell();
        checks(name, &device["checks"]);
    }
    Ok(())
}

/// One row for each codec, and one for each picture's way.
pub(super) fn matrix(kit: &Kit) -> Result<()> {
    let report = report(kit, &["--matrix"])?;
    checks("", &report["codecs"]);
    let cells = array(&report["matrix"]["cells"]);
    let (named, plain): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| is_named(cell));
    plain.into_iter().for_each(arrived);
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for cell in named {
        groups.entry(name(cell, "MODIFIER")).or_default().push(cell);
    }
    groups.iter().for_each(|(name, cells)| tilings(name, cells));
    Ok(())
}

/// Whether the picture is tiled as a DRM modifier says.
fn is_named(cell: &Value) -> bool {
    word(&cell["modifier"]).starts_with("0x")
}

fn name(cell: &Value, layout: &str) -> String {
    let [format, handle, consumer] =
        ["format", "handle", "consumer"].map(|key| word(&cell[key]).to_owned());
    format!("{format} {layout} {handle} {consumer}")
}

/// One row for all modifiers by which a format arrived, by the slowest; and one for each other.
fn tilings(name: &str, cells: &[&Value]) {
    let arrives = |cell: &&Value| cell["exact"] == true;
    let (exact, lost): (Vec<&Value>, Vec<&Value>) = cells.iter().copied().partition(arrives);
    let slowest = exact.iter().filter_map(|cell| cell["read_ms"].as_f64()).reduce(f64::max);
    if let Some(slowest) = slowest {
        let all: Vec<_> = exact.iter().map(|cell| word(&cell["modifier"])).collect();
        let note = format!("the slowest; exact by {}", all.join(" "));
        Row::measured(name, slowest, "ms").note(note).tell();
    }
    lost.into_iter().for_each(arrived);
}

/// Whether the picture came, and not as it was sent.
fn is_wrong(cell: &Value) -> bool {
    cell["wrong"] == true
}

fn report(kit: &Kit, more: &[&str]) -> Result<Value> {
    let mut doctor = Command::new(kit.program("zerohop"));
    doctor.args(["doctor", "--json"]).args(more);
    let ended = process::run(&mut doctor, "doctor", kit.folder(), LIMIT)?;
    serde_json::from_str(&ended.out)
        .with_context(|| format!("the doctor: {}", process::last_line(&ended.err)))
}

/// One picture's way; what comes in differs from what was sent is a failure, and no way is none.
fn arrived(cell: &Value) {
    let name = name(cell, word(&cell["modifier"]));
    let why = word(&cell["why"]);
    match cell["read_ms"].as_f64() {
        Some(read) => {
            let import = cell["import_ms"].as_f64().unwrap_or(f64::NAN);
            Row::measured(&name, read, "ms").note(format!("exact; import {import} ms"))
        }
        None if is_wrong(cell) => Row::fails(&name, why),
        None => Row::absent(&name, why),
    }
    .tell();
}

/// What was tried; what only makes a recording better may be missing.
fn checks(of: &str, checks: &Value) {
    for check in array(checks) {
        let (ok, required) = (check["ok"] == true, check["required"] == true);
        let name = format!("{of} {}", word(&check["what"])).trim().to_owned();
        let found = word(&check["found"]);
        match (ok, required) {
            (true, _) => Row::holds(&name, found),
            (false, true) => Row::fails(&name, found),
            (false, false) => Row::absent(&name, found),
        }
        .tell();
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
