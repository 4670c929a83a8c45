//! The test programs that the kit holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::kit::Kit;
use crate::process;
use crate::row::Row;

/// How the files of test programs begin.
pub(crate) const PREFIX: &str = "test-";

/// A program, and tests of it that measure time and so do not bear company.
const PACED: (&str, &str) = ("layer-wsi-conformance", "pacing::");

/// Of that program: tests of windows, which say nothing of a GPU. Each test makes devices, for which
/// NVIDIA's driver takes a quarter of a second, one after the other.
const WINDOWS: [&str; 8] =
    ["--skip", "::xcb", "--skip", "::xlib", "--skip", "::wayland", "--skip", "::display"];

/// As many of its tests at once as have something to wait for then; with sixteen the driver takes
/// minutes.
const THREADS: [&str; 2] = ["--test-threads", "2"];

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(200);

/// Runs each, and says what it says.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let programs = programs(kit)?;
    if programs.is_empty() {
        Row::absent("test programs", "none is packed here; `cargo xtask test` runs them").tell();
    }
    // Sockets have short names (`unix(7)`: 108 bytes), which the folder of the steps may not have.
    let short = tempfile::Builder::new().prefix("zerohop-").tempdir()?;
    for program in programs {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(&program);
        command.current_dir(kit.folder());
        if name.ends_with(PACED.0) {
            command.args(["--skip", PACED.1]).args(WINDOWS).args(THREADS);
        }
        // A kit without these would prove nothing.
        command.env("ZEROHOP_REQUIRE", "device,layer,validation").env("TMPDIR", short.path());
        match process::run(&mut command, &name, kit.folder(), LIMIT) {
            Ok(ended) => verdict(&name[PREFIX.len()..], &ended.out, ended.status.success()),
            Err(err) => Row::fails(&name[PREFIX.len()..], format!("{err:#}")),
        }
        .tell();
    }
    paced(kit, short.path())
}

/// The tests that were left out, one at a time.
fn paced(kit: &Kit, folder: &Path) -> Result<()> {
    let program = kit.program(&format!("{PREFIX}{}", PACED.0));
    if program.is_file() {
        let mut command = Command::new(program);
        command.args([PACED.1, "--test-threads", "1"]).args(WINDOWS).env("TMPDIR", folder);
        let ended = process::run(&mut command, "paced", kit.folder(), LIMIT)?;
        let name = format!("{} {}", PACED.0, PACED.1);
        verdict(&name, &ended.out, ended.status.success()).tell();
    }
    Ok(())
}

/// Those beside this program.
fn programs(kit: &Kit) -> Result<Vec<PathBuf>> {
    let folder = kit.program("");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) {
            found.push(path);
        }
    }
    // What takes longest comes last, so that it costs nobody else his time.
    found.sort_by_key(|path| (path.to_string_lossy().contains("conformance"), path.clone()));
    Ok(found)
}

/// What the last line of a test program and its `FAILED` lines say.
fn verdict(name: &str, said: &str, good: bool) -> Row {
    let result = said.lines().rfind(|line| line.starts_with("test result:"));
    let result = result.unwrap_or("it gave no result").trim_start_matches("test result: ");
    let result = result.split("; 0 measured").next().unwrap_or_default();
    if good {
        return Row::holds(name, result);
    }
    let failed = said.lines().filter(|line| line.contains("FAILED") && line.starts_with("test "));
    let failed: Vec<_> = failed.filter(|line| !line.starts_with("test result")).collect();
    let names = failed
        .iter()
        .filter_map(|line| line.trim_end_matches("FAILED").split_whitespace().rev().nth(1));
    let names: Vec<_> = names.collect();
    Row::fails(name, format!("{result}: {}", names.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named() {
        let said = "test [device] a_name ... FAILED\ntest other ... ok\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let row = verdict("x", said, false);
        assert_eq!(row.note, "FAILED. 1 passed; 1 failed; 0 ignored: a_name");
        let said = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(verdict("x", said, true).note, "ok. 2 passed; 0 failed; 1 ignored");
    }
}
