//! Random bytes and random order for the wire protocol, for as long as one likes.

use std::time::Duration;

use anyhow::Result;

use crate::project;
use crate::shell;

/// Feeds the wire's fuzz targets for `time`.
///
/// # Errors
///
/// One of them found a fault, or cannot be built.
pub(crate) fn run(time: Duration) -> Result<()> {
    let mut fuzz = project::cargo("test");
    fuzz.args(["--locked", "--release", "-p", "zerohop-wire", "--test", "fuzz"]);
    fuzz.env("ZEROHOP_FUZZ_SECONDS", time.as_secs().to_string());
    shell::run(&mut fuzz)
}
