//! The libraries of another Debian's FFmpeg, for the guest: what decodes here is linked to them, and
//! the guest has newer ones by other names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{project, shell};

/// What belongs together with the kernel and the programs of a release: the guest's own.
const OF_THE_SYSTEM: [&str; 7] =
    ["ld-linux", "libc.", "libm.", "libpthread.", "libdl.", "librt.", "libresolv."];

/// Copies all that `program` is linked to into a folder of the target folder, and returns that. What
/// is there already stays.
///
/// # Errors
///
/// It lacks a library itself, or one cannot be copied.
pub(super) fn carry(program: &Path) -> Result<PathBuf> {
    let folder = project::target().join("vm-libraries");
    fs::create_dir_all(&folder).context("make target/vm-libraries")?;
    let listed = shell::output(Command::new("ldd").arg(program))?;
    for line in listed.lines() {
        let Some((name, place)) = line.trim().split_once(" => ") else { continue };
        if OF_THE_SYSTEM.iter().any(|system| name.starts_with(system)) {
            continue;
        }
        let place = place.split(" (").next().unwrap_or_default();
        if !place.starts_with('/') {
            bail!("{} lacks {name}", program.display());
        }
        let copy = folder.join(name);
        if !copy.exists() {
            fs::copy(place, &copy).with_context(|| format!("copy {place}"))?;
        }
    }
    Ok(folder)
}

/// What makes the guest find them, after its own.
pub(super) fn found(folder: &Path) -> String {
    let folder = shell::quoted(&folder.to_string_lossy());
    format!("echo {folder} > /etc/ld.so.conf.d/zz-zerohop.conf; ldconfig\n")
}
