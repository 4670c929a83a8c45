//! The test programs that the kit holds.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::kit::Kit;
use crate::process;
use crate::row::Row;

/// How the files of test programs begin.
pub(crate) const PREFIX: &str = "test-";

/// The program of the conformance tests.
const CONFORMANCE: &str = "test-layer-wsi-conformance";

/// Those of its tests that measure time and so do not bear company.
const PACED: &str = "pacing::";

/// Tests of windows, and of what is asked without a device: they say nothing of a GPU.
const LEFT_OUT: [&str; 8] = [
    "::xcb",
    "::xlib",
    "::wayland",
    "::display",
    "display::",
    "procedures::",
    "surface::",
    "window::",
];

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(150);

/// Runs each but those, and says what it says.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let programs = programs(kit)?;
    if programs.is_empty() {
        Row::absent("test programs", "none is packed here; `cargo xtask test` runs them").tell();
    }
    let short = sockets()?;
    for name in programs.iter().filter(|name| **name != CONFORMANCE) {
        one(kit, short.path(), name, &name[PREFIX.len()..], &[]).tell();
    }
    Ok(())
}

/// The conformance tests. Each makes devices, for which NVIDIA's driver takes a quarter of a second, one
/// after the other, and minutes when sixteen ask at once: two tests have something to wait for at a time.
pub(super) fn conformance(kit: &Kit) -> Result<()> {
    let short = sockets()?;
    if !kit.program(CONFORMANCE).is_file() {
        Row::absent("conformance", "it is not packed here; `cargo xtask test` runs it").tell();
        return Ok(());
    }
    let left_out: Vec<_> = LEFT_OUT.iter().flat_map(|part| ["--skip", part]).collect();
    let rest = ["--skip", PACED, "--test-threads", "2"];
    for (name, arguments) in
        [("paced", &[PACED, "--test-threads", "1"][..]), ("headless", &rest[..])]
    {
        one(kit, short.path(), CONFORMANCE, name, &[arguments, &left_out].concat()).tell();
    }
    Ok(())
}

/// A folder for sockets, which have short names (`unix(7)`: 108 bytes), as that of the steps may not.
fn sockets() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("zerohop-").tempdir()?)
}

/// What one program says of its tests.
fn one(kit: &Kit, sockets: &Path, program: &str, name: &str, arguments: &[&str]) -> Row {
    let mut command = Command::new(kit.program(program));
    command.args(arguments).current_dir(kit.folder());
    // A kit without these would prove nothing.
    command.env("ZEROHOP_REQUIRE", "device,layer,validation").env("TMPDIR", sockets);
    match process::run(&mut command, name, kit.folder(), LIMIT) {
        Ok(ended) => verdict(name, &ended.out, ended.status.success()),
        Err(err) => Row::fails(name, format!("{err:#}")),
    }
}

/// Those beside this program.
fn programs(kit: &Kit) -> Result<Vec<String>> {
    let entries = fs::read_dir(kit.program(""))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut found = names.collect::<Result<Vec<_>>>()?;
    found.retain(|name| name.starts_with(PREFIX));
    found.sort();
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
