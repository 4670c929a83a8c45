//! What the doctor says.

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
    array(&report["matrix"]["cells"]).iter().for_each(arrived);
    Ok(())
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
    let words = ["format", "modifier", "handle", "consumer"].map(|key| word(&cell[key]));
    let name = words.join(" ");
    let why = word(&cell["why"]);
    match cell["read_ms"].as_f64() {
        Some(read) => {
            let import = cell["import_ms"].as_f64().unwrap_or(f64::NAN);
            Row::measured(&name, read, "ms").note(format!("exact; import {import} ms"))
        }
        None if why.contains("bytes are wrong") => Row::fails(&name, why),
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
