//! `cargo test`, watched: what each test program took, and how many tests there were.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::project;
use crate::shell;
use crate::timing::Timing;

/// What a test may need, and what is there once the machine is set up: a test that misses one of
/// these fails.
const REQUIRED: &str =
    "device,validation,layer,xvfb,ffmpeg,decoder,vaapi,turbojpeg,vkcube,ffnvcodec,egl";
/// The same on a machine without a GPU, where the device is llvmpipe.
const REQUIRED_OF_CPU: &str = "cpu,host_pointers";
/// Where tests read it.
pub(crate) const REQUIRE: &str = "ZEROHOP_REQUIRE";

/// Runs all tests of the workspace; also the ones that take minutes when `slow`.
///
/// # Errors
///
/// A test fails, or the tests cannot be built.
pub(crate) fn run(slow: bool, timing: &mut Timing) -> Result<()> {
    let mut test = project::cargo("test");
    test.arg("--locked").args(project::ALL).arg("--no-fail-fast");
    let required = required();
    test.env(REQUIRE, &required);
    if slow {
        test.env("ZEROHOP_SLOW", "1");
    }
    println!("\n$ {REQUIRE}={required} {}", shell::line(&test));
    watched(test, timing)
}

/// Runs a command that runs test programs, shows what they print, and notes what each took.
///
/// # Errors
///
/// The command does not end with 0.
pub(crate) fn watched(mut test: Command, timing: &mut Timing) -> Result<()> {
    // One pipe for both, so that names and results come in their order.
    let (output, input) = std::io::pipe().context("make a pipe")?;
    test.stdout(input.try_clone()?).stderr(input);
    let mut child = test.spawn().context("cannot start the tests")?;
    // The command holds the pipe's other end; without this the reading would never end.
    drop(test);
    let mut watch = Watch::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("read what the tests print")?;
        println!("{line}");
        watch.see(&line, timing);
    }
    watch.close(timing);
    let status = child.wait()?;
    println!("\n{}", watch.summary(status.success()));
    if !status.success() {
        bail!("tests failed ({status})");
    }
    Ok(())
}

/// The user may require more, as on a machine with a GPU.
fn required() -> String {
    let has_gpu = ["/dev/dri", "/dev/nvidiactl"].iter().any(|node| Path::new(node).exists());
    let of_cpu = if has_gpu { "" } else { REQUIRED_OF_CPU };
    let more = std::env::var(REQUIRE).unwrap_or_default();
    let all = [REQUIRED, of_cpu, more.as_str()];
    all.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(",")
}

/// What the lines said so far.
#[derive(Debug, Default)]
struct Watch {
    running: Option<(String, Instant)>,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Watch {
    fn see(&mut self, line: &str, timing: &mut Timing) {
        if let Some(name) = program(line) {
            self.close(timing);
            self.running = Some((name, Instant::now()));
        }
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += count(result, "passed");
            self.failed += count(result, "failed");
            self.ignored += count(result, "ignored");
        }
    }

    fn close(&mut self, timing: &mut Timing) {
        if let Some((name, begin)) = self.running.take() {
            timing.add(&format!("test {name}"), begin.elapsed());
        }
    }

    /// In the words that test programs use, for whoever reads the last lines only.
    fn summary(&self, good: bool) -> String {
        let Self { passed, failed, ignored, .. } = self;
        let word = if good { "ok" } else { "FAILED" };
        format!("test result: {word}. {passed} passed; {failed} failed; {ignored} ignored")
    }
}

/// The program that `line` announces, as in `Running tests/hardware.rs (target/…/hardware-1f2e)`.
fn program(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("docs of {name}"));
    }
    let (what, file) = line.strip_prefix("Running ")?.split_once(" (")?;
    let name = file.trim_end_matches(')').rsplit('/').next()?;
    let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
    let unit = what.starts_with("unittests");
    Some(if unit { format!("{name} (units)") } else { format!("{name} ({what})") })
}

/// The number before `word`, as in `3 passed; 0 failed`.
fn count(result: &str, word: &str) -> u64 {
    let part = result.split([';', '.']).find(|part| part.trim().ends_with(word));
    part.and_then(|part| part.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up_over_programs() {
        let mut watch = Watch::default();
        let mut timing = Timing::new();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/zerohop_wire-0a1b)",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "     Running tests/hardware.rs (target/debug/deps/hardware-0a1b)",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            watch.see(line, &mut timing);
        }
        assert_eq!(watch.summary(false), "test result: FAILED. 14 passed; 3 failed; 1 ignored");
        assert_eq!(watch.running.unwrap().0, "hardware (tests/hardware.rs)");
    }
}
