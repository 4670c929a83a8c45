//! Steps of the proof that a machine without a GPU can take too: `zerohop-proof` measures, and this
//! keeps its figures.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Figures;
use crate::{programs, project, shell};

/// From a present until the host has the picture, and in CUDA where there is CUDA.
pub(super) fn latency(figures: &mut Figures) -> Result<()> {
    step(figures, "latency")
}

/// How many applications at 60 Hz the machine carries.
pub(super) fn density(figures: &mut Figures) -> Result<()> {
    step(figures, "density")
}

/// Many pictures with resizes, and what grew.
pub(super) fn endurance(figures: &mut Figures) -> Result<()> {
    step(figures, "endurance")
}

/// Runs one, and keeps every number of its rows.
fn step(figures: &mut Figures, name: &str) -> Result<()> {
    programs::zerohop()?;
    programs::test_tools()?;
    let mut build = project::cargo("build");
    build.args(["--locked", "--release", "-p", "zerohop-proof"]);
    shell::run(&mut build)?;
    let mut build = project::cargo("build");
    build.args([
        "--locked",
        "--release",
        "-p",
        "zerohop-vulkan",
        "--example",
        "copies",
        "--example",
        "floor",
    ]);
    shell::run(&mut build)?;
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    let json = folder.join(format!("{name}.json"));
    let mut proof = Command::new(project::target().join("release/zerohop-proof"));
    // It ends with 1 where a target is missed, which a CPU may.
    let status = proof.arg(name).arg("--json").arg(&json).status();
    status.context("cannot start zerohop-proof")?;
    let text = fs::read_to_string(&json).with_context(|| format!("{name} wrote nothing"))?;
    let rows: Vec<Value> = serde_json::from_str(&text).context("understand zerohop-proof")?;
    for row in rows {
        if let (Some(what), Some(number)) = (row["name"].as_str(), row["number"].as_f64()) {
            let unit = row["unit"].as_str().unwrap_or_default();
            figures.keep(&key(name, what, unit), number);
            figures.say(format!("{what}: {number:.1} {unit}"));
        }
    }
    Ok(())
}

/// As in `latency_present_to_ready_in_cuda_p50_us`.
fn key(step: &str, what: &str, unit: &str) -> String {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let text: String = format!("{step} {what} {unit}").chars().map(letters).collect();
    text.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_words() {
        let key = key("latency", "present to ready in CUDA, p50", "us");
        assert_eq!(key, "latency_present_to_ready_in_cuda_p50_us");
    }
}
