//! The layer's manifest, for the Vulkan loader.

use std::path::Path;

use anyhow::Result;

use crate::args::Args;
use crate::project;

/// `cargo xtask manifest [--release]`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let profile = if args.flag("--release") { "release" } else { "debug" };
    args.end()?;
    write(&project::target().join(profile))
}

/// Writes it into `folder`, where the layer's library is.
pub(crate) fn write(_folder: &Path) -> Result<()> {
    Ok(())
}
