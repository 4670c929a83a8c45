//! The layer for tests that makes a driver a lesser one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use zerohop_manifest::{Activation, HIDE};

/// What says what is hidden (`zerohop_layer_hide::VARIABLE`).
pub(crate) const VARIABLE: &str = "ZEROHOP_HIDE";

/// Writes the manifest of the one in `built`, and says in which folder.
/// [`crate::programs::test_tools`] builds it.
///
/// # Errors
///
/// The manifest cannot be written.
pub(crate) fn manifest_folder(built: &Path) -> Result<PathBuf> {
    let folder = built.join("hide");
    let library = Path::new("..").join(HIDE.library);
    HIDE.install(&library, &folder, Activation::Explicit).context("write a manifest")?;
    Ok(folder)
}
