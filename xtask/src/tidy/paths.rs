//! No file may know on which machine it was written.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::Findings;
use crate::project;

/// Refuses paths that lead into somebody's home folder or into this very checkout.
///
/// # Errors
///
/// A tracked file cannot be read.
pub(super) fn check(tracked: &[PathBuf], findings: &mut Findings) -> Result<()> {
    // Written in two pieces, or this file would be the first to be refused.
    let homes = [concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let here = format!("{}/", project::root().display());
    for file in tracked {
        let bytes = fs::read(project::root().join(file))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (number, line) in text.lines().enumerate() {
            if homes.iter().any(|home| line.contains(home)) || line.contains(&here) {
                let place = format!("{}:{}", file.display(), number + 1);
                findings.fault(format!("{place}: the path of a machine: {}", line.trim()));
            }
        }
    }
    Ok(())
}
