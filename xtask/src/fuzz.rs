//! Random input for all that takes any from strangers, for as long as one likes.

use std::time::Duration;

use anyhow::Result;

use crate::project;
use crate::shell;

/// What is fed: bytes and orders of the wire protocol, descriptors of pictures, packets of symbols.
const TARGETS: [&str; 3] = ["zerohop-wire", "zerohop-vulkan", "zerohop-symbols"];

/// Feeds each fuzz target for its part of `time`.
///
/// # Errors
///
/// One found a fault, or cannot be built.
pub(crate) fn run(time: Duration) -> Result<()> {
    let each = (time.as_secs() / TARGETS.len() as u64).max(1).to_string();
    for target in TARGETS {
        let mut fuzz = project::cargo("run");
        fuzz.args(["--locked", "--release", "-p", target, "--example", "fuzz", "--"]);
        shell::run(fuzz.args(["--seconds", &each]))?;
    }
    Ok(())
}
