//! Real programs as Venus guests, on each Mesa: what their frames cost, and that they are exact.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::exact::{self, Stage};
use super::host::{Host, HostLayer};
use super::way::Way;
use super::{Guest, harm, mesa, pages};
use crate::apps::{self, App, Expect, Place};
use crate::report::Report;
use crate::roots::{Root, Suite};
use crate::setup::{self, Purpose};
use crate::timing::Timing;
use crate::{programs, project, tree};

/// Runs all tests, or those whose names hold one of `names`, and says at the end which failed.
///
/// # Errors
///
/// One failed, or left a process running.
pub(crate) fn run(names: &[String], timing: &mut Timing) -> Result<()> {
    tree::adopt_orphans()?;
    timing.part("setup", || setup::ensure(&[Purpose::Build, Purpose::Venus]))?;
    let zerohop = timing.part("build", programs::zerohop)?;
    let pattern = timing.part("build what tests need", programs::test_tools)?;
    let built = zerohop.parent().context("zerohop lies in no folder")?;
    let mut results = Results { names, passed: 0, failed: Vec::new() };
    for suite in [Suite::Trixie, Suite::Sid] {
        on(suite, built, &pattern, &mut results, timing)?;
    }
    results.end()
}

/// What CI has time for: no programs but ours, on Mesa 25, as the other tests have built them.
const FOR_CI: [&str; 8] = [
    "25-exact",
    "25-resized",
    "25-validated",
    "25-mapped",
    "25-same-pages",
    "25-two-at-once",
    "25-killed-guest",
    "25-killed-host",
];

/// Runs what CI has time for; where no other Debian can be entered, says so and why.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn where_possible() -> Result<()> {
    if let Err(why) = Root::possible() {
        println!("NOT RUN: guests of Venus: {why}");
        return Ok(());
    }
    setup::ensure(&[Purpose::Venus])?;
    tree::adopt_orphans()?;
    let built = project::target().join("debug");
    let names = FOR_CI.map(str::to_owned);
    let mut results = Results { names: &names, passed: 0, failed: Vec::new() };
    let mut timing = Timing::new();
    on(Suite::Trixie, &built, &built.join("zerohop-pattern"), &mut results, &mut timing)?;
    timing.print();
    results.end()
}

/// All that is asked for on one Mesa, with the programs in `built`.
fn on(
    suite: Suite,
    built: &Path,
    pattern: &Path,
    results: &mut Results<'_>,
    timing: &mut Timing,
) -> Result<()> {
    let mesa = mesa(suite);
    if !results.wants(mesa) {
        return Ok(());
    }
    let root = timing.part(&format!("the root with Mesa {mesa}"), || Root::of(suite))?;
    let folder = project::target().join("venus").join(mesa);
    fs::create_dir_all(&folder).context("make a folder in target/venus")?;
    let zerohop = &built.join("zerohop");
    let place = Where { mesa, built, zerohop, pattern, root, folder };
    place.with_dma_bufs(results, timing)?;
    place.with_others(results, timing)?;
    tree::nothing_left("the Venus hosts and guests")
}

/// What tests have in common.
struct Where<'a> {
    mesa: &'static str,
    built: &'a Path,
    zerohop: &'a Path,
    pattern: &'a Path,
    root: Root,
    folder: PathBuf,
}

/// A test of a guest, with zerohop and a folder for its files.
type Proof = fn(&Path, &Path, &Guest<'_>) -> Result<()>;

/// A test of pictures.
type Exact = fn(&Stage<'_>) -> Result<()>;

impl Where<'_> {
    /// Guests of a host with our layer.
    fn with_dma_bufs(&self, results: &mut Results<'_>, timing: &mut Timing) -> Result<()> {
        let Self { mesa, zerohop, folder, .. } = self;
        let host = Host::start(&self.root, self.built, folder, HostLayer::DmaBuf)?;
        let guest = Guest::of(&self.root, &host)?;
        for app in &apps(mesa) {
            results.one(timing, &app.name, || {
                zero_copy(&apps::record(zerohop, folder, app, Place::Guest(&guest))?)
            });
        }
        let exact: [(&str, Exact); 3] = [
            ("exact", |stage| stage.in_place()),
            ("resized", |stage| stage.resized()),
            ("validated", |stage| stage.validated()),
        ];
        for (name, test) in exact {
            results.one(timing, &format!("{mesa}-{name}"), || test(&self.stage(&guest)));
        }
        let proofs: [(&str, Proof); 3] = [
            ("same-pages", pages::same),
            ("two-at-once", harm::two_at_once),
            ("killed-guest", harm::killed_guest),
        ];
        for (name, proof) in proofs {
            results.one(timing, &format!("{mesa}-{name}"), || proof(zerohop, folder, &guest));
        }
        Ok(())
    }

    /// Guests of hosts of their own.
    fn with_others(&self, results: &mut Results<'_>, timing: &mut Timing) -> Result<()> {
        let Self { mesa, built, zerohop, folder, root, .. } = self;
        results.one(timing, &format!("{mesa}-mapped"), || {
            let host = Host::start(root, built, folder, HostLayer::Mapping)?;
            self.stage(&Guest::of(root, &host)?).mapped()
        });
        results.one(timing, &format!("{mesa}-validated-host"), || {
            let host = Host::start(root, built, folder, HostLayer::Validated)?;
            self.stage(&Guest::of(root, &host)?).in_place()?;
            exact::check_host(&host.last_words(usize::MAX))
        });
        results.one(timing, &format!("{mesa}-killed-host"), || {
            harm::killed_host(zerohop, folder, root)
        });
        Ok(())
    }

    fn stage<'a>(&'a self, guest: &'a Guest<'a>) -> Stage<'a> {
        Stage { zerohop: self.zerohop, pattern: self.pattern, folder: &self.folder, guest }
    }
}

/// What came of the tests so far.
struct Results<'a> {
    names: &'a [String],
    passed: usize,
    failed: Vec<String>,
}

impl Results<'_> {
    /// Whether a test of this Mesa may be asked for.
    fn wants(&self, mesa: &str) -> bool {
        let other = |name: &String| name.starts_with("25-") || name.starts_with("26-");
        self.names.is_empty() || self.names.iter().any(|it| it.starts_with(mesa) || !other(it))
    }

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
