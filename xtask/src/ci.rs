//! What must pass before a change lands: the same here and in CI.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::setup::{self, Purpose};
use crate::timing::Timing;
use crate::{fuzz, gpu_kit, licences, project, shell, test, tidy, venus, vm};

/// How long what takes anything from strangers is fuzzed, all together.
const FUZZING: Duration = Duration::from_secs(60);

/// `cargo xtask ci`. Runs every part, also after one failed.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.end()?;
    let mut timing = Timing::new();
    // The rest means nothing on a machine without a compiler.
    timing.part("setup", || setup::ensure(&[Purpose::Build, Purpose::Test]))?;
    let mut failed = Vec::new();
    let mut part = |name: &str, work: &mut dyn FnMut() -> Result<()>| {
        if let Err(err) = timing.part(name, work) {
            println!("error: {err:#}");
            failed.push(name.to_owned());
        }
    };
    part("format", &mut || cargo("fmt", &["--all", "--check"]));
    part("tidy", &mut tidy::check);
    part("licences", &mut licences::check);
    part("advisories", &mut licences::advisories);
    part("clippy", &mut || {
        let clippy = [&["--locked"], &project::ALL[..], &["--all-targets", "--", "-D", "warnings"]];
        cargo("clippy", &clippy.concat())
    });
    part("docs", &mut docs);
    part("tests", &mut || test::usual(false));
    part("gpu-kit", &mut gpu_kit::rehearse);
    part("kernel devices", &mut vm::test_where_possible);
    part("venus", &mut venus::test_where_possible);
    part("fuzz", &mut || fuzz::run(FUZZING));
    timing.print();
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn cargo(command: &str, args: &[&str]) -> Result<()> {
    shell::run(project::cargo(command).args(args))
}

fn docs() -> Result<()> {
    let mut doc = project::cargo("doc");
    doc.arg("--locked").args(project::ALL).args(["--no-deps", "--document-private-items"]);
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
