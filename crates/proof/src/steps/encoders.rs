//! Encoders: the best one that opens is taken, and the line that says why no better one was.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::kit::Kit;
use crate::process::{self, last_line};
use crate::report::Report;
use crate::row::Row;

/// What is asked for, as `--encoder` takes it.
const ASKED: [&str; 3] = ["auto", "nvenc", "openh264"];

/// Each of them.
pub(super) fn run(kit: &Kit) -> Result<()> {
    for asked in ASKED {
        let name = format!("--encoder {asked}");
        match record(kit, asked) {
            Ok(note) => Row::holds(&name, note),
            Err(err) => Row::fails(&name, format!("{err:#}")),
        }
        .tell();
    }
    Ok(())
}

/// A short recording. NVENC asked for by name may be refused, in a line that says why; nothing else may
/// fail.
fn record(kit: &Kit, asked: &str) -> Result<String> {
    let name = format!("encoder-{asked}");
    let mut run = kit.zerohop_run(&name);
    run.args(["--encoder", asked, "-o"]).arg(kit.path(&format!("{name}.mp4")));
    let (frames, size) = kit.few(("120", "1920x1080"), ("30", "320x180"));
    kit.pattern(&mut run, &["--size", size, "--plain", "--frames", frames]);
    let ended = process::run(&mut run, &name, kit.folder(), crate::kit::LIMIT)?;
    let about = ended.err.lines().find(|line| line.to_lowercase().contains("nvenc"));
    if !ended.status.success() {
        let last = last_line(&ended.err);
        match about {
            Some(line) if asked == "nvenc" => return Ok(format!("refused: {line}")),
            _ => bail!("{}: {last}", ended.status),
        }
    }
    let report = Report::read(&kit.path(&format!("{name}.json")))?;
    let (used, encoded) = (report.word("/encoder"), report.number("/frames_encoded")?);
    if encoded < 1.0 {
        bail!("{used} encoded nothing");
    }
    // Where NVIDIA's driver is not, nothing is said of it.
    let driver = kit.fake || Path::new("/proc/driver/nvidia").exists();
    let why = match (asked, used.to_lowercase().contains("nvenc")) {
        ("auto", false) if driver => {
            format!("; {}", about.context("no line says why NVENC is not used")?)
        }
        _ => String::new(),
    };
    let took = report.number("/stages/encode/p50")?;
    Ok(format!("{used}: {encoded} pictures, p50 {took:.0} us; {}{why}", report.path()))
}
