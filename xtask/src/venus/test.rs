//! Real programs as Venus guests, on each Mesa: what their frames cost, and that they are exact.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::host::{Host, HostLayer};
use super::way::Way;
use super::{Guest, harm, mesa, pages};
use crate::apps::{self, App, Expect, Place};
use crate::report::Report;
use crate::roots::{Root, Suite};
use crate::setup::{self, Purpose};
use crate::timing::Timing;
use crate::{programs, project, shell, tree};

/// Pictures of the pattern that are compared.
const PICTURES: u32 = 60;

/// Runs all tests, or those whose names hold one of `names`, and says at the end which failed.
///
/// # Errors
///
/// One failed, or left a process running.
pub(crate) fn run(names: &[String], timing: &mut Timing) -> Result<()> {
    tree::adopt_orphans()?;
    timing.part("setup", || setup::ensure(&[Purpose::Build, Purpose::Venus]))?;
    let zerohop = timing.part("build", programs::zerohop)?;
    let pattern = timing.part("build the pattern", programs::pattern)?;
    let mut results = Results { names, passed: 0, failed: Vec::new() };
    for suite in [Suite::Trixie, Suite::Sid] {
        let mesa = mesa(suite);
        let root = timing.part(&format!("the root with Mesa {mesa}"), || Root::of(suite))?;
        let folder = project::target().join("venus").join(mesa);
        fs::create_dir_all(&folder).context("make a folder in target/venus")?;
        let host = Host::start(&root, &folder, HostLayer::DmaBuf)?;
        let guest = Guest::of(&root, &host)?;
        for app in &apps(mesa) {
            results.one(timing, &app.name, || {
                zero_copy(&apps::record(&zerohop, &folder, app, Place::Guest(&guest))?)
            });
        }
        results
            .one(timing, &format!("{mesa}-exact"), || exact(&zerohop, &pattern, &folder, &guest));
        let harm: [(&str, Proof); 3] = [
            ("same-pages", pages::same),
            ("two-at-once", harm::two_at_once),
            ("killed-guest", harm::killed_guest),
        ];
        for (name, proof) in harm {
            results.one(timing, &format!("{mesa}-{name}"), || proof(&zerohop, &folder, &guest));
        }
        println!("the last that the host said:\n{}", host.last_words(5));
        drop(host);
        results.one(timing, &format!("{mesa}-killed-host"), || {
            harm::killed_host(&zerohop, &folder, &root)
        });
        tree::nothing_left("the Venus hosts and guests")?;
    }
    results.end()
}

/// A test of a guest, with zerohop and a folder for its files.
type Proof = fn(&Path, &Path, &Guest<'_>) -> Result<()>;

/// What came of the tests so far.
struct Results<'a> {
    names: &'a [String],
    passed: usize,
    failed: Vec<String>,
}

impl Results<'_> {
    fn one(&mut self, timing: &mut Timing, name: &str, test: impl FnOnce() -> Result<()>) {
        if !self.names.is_empty() && self.names.iter().all(|one| !name.contains(one.as_str())) {
            return;
        }
        match timing.part(name, test) {
            Ok(()) => self.passed += 1,
            Err(err) => {
                println!("error: {err:#}");
                self.failed.push(name.to_owned());
            }
        }
    }

    fn end(self) -> Result<()> {
        let Self { passed, failed, .. } = self;
        let word = if failed.is_empty() { "ok" } else { "FAILED" };
        println!("\ntest result: {word}. {passed} passed; {} failed; 0 ignored", failed.len());
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }
}

/// The programs of Debian 13, and one of GTK 4.
fn apps(mesa: &str) -> Vec<App> {
    let gtk = App {
        expect: Expect::Presents(20),
        ..App::new("gtk4", "env GSK_RENDERER=vulkan gtk4-demo --run=fishbowl", Some(6))
    };
    let mut apps = apps::debian_13();
    apps.push(gtk);
    for app in &mut apps {
        app.name = format!("{mesa}-{}", app.name.trim_end_matches("-13"));
    }
    apps
}

/// The frames came in the memory that they were rendered to.
fn zero_copy(report: &Report) -> Result<()> {
    let way = Way::of(report)?;
    println!("path: {way}");
    if way.is_zero_copy() { Ok(()) } else { bail!("frames were copied") }
}

/// Every pixel of every picture is what the application drew.
fn exact(zerohop: &Path, pattern: &Path, folder: &Path, guest: &Guest<'_>) -> Result<()> {
    let pictures: PathBuf = folder.join("pictures");
    if pictures.exists() {
        fs::remove_dir_all(&pictures).context("remove the pictures of an earlier run")?;
    }
    let report = folder.join("exact.json");
    let count = PICTURES.to_string();
    let mut run = guest.command(zerohop)?;
    run.args(["run", "--no-progress", "--png"]).arg(Root::inside(&pictures)?);
    run.arg("--report").arg(Root::inside(&report)?).arg("--");
    run.arg(Root::inside(pattern)?).args(["--frames", &count]);
    // The private display is slow to draw on: nowhere is enough.
    shell::run_within(&mut run, Duration::from_secs(120))?;
    let mut check = std::process::Command::new(pattern);
    check.args(["check", "--frames", &count]).arg(&pictures);
    shell::run(&mut check)?;
    zero_copy(&Report::read(&report)?)
}
