//! All tests, with what each of their programs took.

use anyhow::Result;

use crate::apps;
use crate::args::Args;
use crate::cargo_test;
use crate::project;
use crate::setup::{self, Purpose};
use crate::shell;
use crate::timing::Timing;
use crate::tree;
use crate::venus;
use crate::vm;

/// `cargo xtask test [--slow]`, or of other programs: `--apps [NAMES]`, `--venus [NAMES]`, `--vm [NAMES]`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let others: [(&str, Programs); 3] =
        [("--apps", apps::run), ("--venus", venus::test), ("--vm", vm::test)];
    let Some((_, programs)) = others.into_iter().find(|(flag, _)| args.flag(flag)) else {
        let slow = args.flag("--slow");
        args.end()?;
        return usual(slow);
    };
    let names = args.rest()?;
    let mut timing = Timing::new();
    let result = programs(&names, &mut timing);
    timing.print();
    result
}

/// Tests with other programs; all, or those with such names.
type Programs = fn(&[String], &mut Timing) -> Result<()>;

/// All tests but the applications, with a table of what they took.
///
/// # Errors
///
/// One fails, or leaves a process behind.
pub(crate) fn usual(slow: bool) -> Result<()> {
    let mut timing = Timing::new();
    let result = all(&mut timing, slow);
    timing.print();
    result
}

fn all(timing: &mut Timing, slow: bool) -> Result<()> {
    tree::adopt_orphans()?;
    timing.part("setup", || setup::ensure(&[Purpose::Build, Purpose::Test]))?;
    timing.part("build", build)?;
    let tests = cargo_test::run(slow, timing);
    tree::nothing_left("the tests")?;
    tests
}

/// Programs first: tests start `zerohop` and load the layer from where these lie.
fn build() -> Result<()> {
    shell::run(project::cargo("build").arg("--locked").args(project::ALL))?;
    crate::manifest::write(&project::target().join("debug"))?;
    shell::run(project::cargo("test").arg("--locked").args(project::ALL).arg("--no-run"))
}
