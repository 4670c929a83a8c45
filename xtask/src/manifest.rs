//! The layer's manifests, for the Vulkan loader.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use zerohop_manifest::{Activation, FILE_NAME, LAYER_NAME, LIBRARY, manifest};

use crate::args::Args;
use crate::project;

/// `cargo xtask manifest [--release]`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let profile = if args.flag("--release") { "release" } else { "debug" };
    args.end()?;
    let folder = project::target().join(profile);
    write(&folder)?;
    let explicit = folder.join(FILE_NAME);
    println!("{} and {}", explicit.display(), folder.join("implicit").join(FILE_NAME).display());
    Ok(())
}

/// Writes them beside the layer in `folder`: the explicit one there, the implicit one in a folder
/// of its own, since one folder may hold one kind only.
///
/// # Errors
///
/// The layer is not there, or a file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let library = folder.join(LIBRARY);
    if !library.is_file() {
        bail!("{} is not built", library.display());
    }
    let implicit = folder.join("implicit");
    fs::create_dir_all(&implicit).with_context(|| format!("make {}", implicit.display()))?;
    for (folder, library, activation) in [
        (folder, format!("./{LIBRARY}"), Activation::Explicit),
        (&implicit, format!("../{LIBRARY}"), Activation::Implicit),
    ] {
        let file = folder.join(FILE_NAME);
        let text = manifest(&library, activation);
        fs::write(&file, text).with_context(|| format!("write the manifest of {LAYER_NAME}"))?;
    }
    Ok(())
}
