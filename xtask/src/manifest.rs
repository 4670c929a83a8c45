//! The layers' manifests, for the Vulkan loader.

use std::path::Path;

use anyhow::{Context, Result, bail};
use zerohop_manifest::{Activation, LAYERS, Layer};

use crate::args::Args;
use crate::project;

/// `cargo xtask manifest [--release]`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let profile = if args.flag("--release") { "release" } else { "debug" };
    args.end()?;
    let folder = project::target().join(profile);
    write(&folder)?;
    for layer in built(&folder) {
        for folder in [folder.clone(), folder.join("implicit")] {
            println!("{}", folder.join(layer.file_name).display());
        }
    }
    Ok(())
}

/// Writes those of each layer whose library is in `folder` beside it: the explicit ones there, the
/// implicit ones in a folder of its own, since one folder may hold one kind only.
///
/// # Errors
///
/// No layer is there, or a file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let layers = built(folder);
    if layers.is_empty() {
        bail!("no layer is built in {}", folder.display());
    }
    let implicit = folder.join("implicit");
    for layer in &layers {
        for (folder, library, activation) in [
            (folder, Path::new(".").join(layer.library), Activation::Explicit),
            (&implicit, Path::new("..").join(layer.library), Activation::Implicit),
        ] {
            layer
                .install(&library, folder, activation)
                .with_context(|| format!("write the manifest of {}", layer.name))?;
        }
    }
    Ok(())
}

/// The layers whose libraries are in `folder`.
fn built(folder: &Path) -> Vec<Layer> {
    LAYERS.into_iter().filter(|layer| folder.join(layer.library).is_file()).collect()
}
