//! Random bytes and random order for the wire protocol, for as long as one likes.

use std::time::Duration;

use anyhow::Result;

use crate::project;
use crate::shell;

/// Feeds the wire's fuzz target for `time`.
///
/// # Errors
///
/// It found a fault, or cannot be built.
pub(crate) fn run(time: Duration) -> Result<()> {
    let mut fuzz = project::cargo("run");
    fuzz.args(["--locked", "--release", "-p", "zerohop-wire", "--example", "fuzz", "--"]);
    shell::run(fuzz.args(["--seconds", &time.as_secs().to_string()]))
}
