//! What was packed, and under which licences.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::copy;
use super::debian::Debian;
use super::tree::Tree;
use crate::project;

/// Writes `licences/README` with a list of everything, and Debian's copyright files beside it.
///
/// # Errors
///
/// A package has no copyright file.
pub(super) fn write(tree: &Tree, debian: &Debian) -> Result<()> {
    let folder = tree.root().join("licences");
    let mut text = String::from(
        "zerohop itself: MIT or Apache-2.0. OpenH264, which is in it: BSD-2-Clause.\n\n\
         Of these Debian packages some files are packed as they are, and of xvfb the program with \
         one byte changed, so that it finds xkbcomp by PATH. Their copyright files are beside this \
         one; their sources are Debian's. FFmpeg is Debian 13's, built without what is under the GPL: \
         LGPL-2.1 or later.\n\n",
    );
    for (package, file) in debian.copyrights() {
        text += &format!("  {package}\n");
        let name = package.split('_').next().unwrap_or_default();
        // A package whose documentation is a link to another's has its copyright there.
        if file.exists() {
            copy(&file, &folder.join(name))?;
        }
    }
    text += "\nBuilt into our programs:\n\n";
    for (package, licence) in crates()? {
        text += &format!("  {package}  {licence}\n");
    }
    fs::write(folder.join("README"), text).context("write the list of licences")
}

/// Every crate with its licence.
fn crates() -> Result<BTreeMap<String, String>> {
    let metadata = project::metadata(true)?;
    let packages = metadata["packages"].as_array().context("metadata without packages")?;
    let strange = packages.iter().filter(|package| !package["source"].is_null());
    let of = |package: &Value| {
        let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
        Some((name, package["license"].as_str()?.to_owned()))
    };
    Ok(strange.filter_map(of).collect())
}
