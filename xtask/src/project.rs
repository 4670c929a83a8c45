//! Where things lie in this repository, and what Cargo knows about it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// Everything that can be built, what needs FFmpeg's headers too.
pub(crate) const ALL: [&str; 3] =
    ["--workspace", "--features", "zerohop-producer-decode/ffmpeg,zerohop-testkit-va/ffmpeg"];

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Cargo's output folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The Cargo that runs us.
pub(crate) fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(command).current_dir(root());
    cargo
}

/// What `cargo metadata` says, with or without the packages from outside.
///
/// # Errors
///
/// Cargo fails, or says something else.
pub(crate) fn metadata(with_dependencies: bool) -> Result<Value> {
    let mut cargo = cargo("metadata");
    cargo.args(["--format-version=1", "--locked"]);
    if !with_dependencies {
        cargo.arg("--no-deps");
    }
    serde_json::from_str(&shell::output(&mut cargo)?).context("cargo metadata is not JSON")
}

/// The files under version control, relative to the checkout.
///
/// # Errors
///
/// Git fails.
pub(crate) fn tracked_files() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    // The checkout may belong to somebody else, as in a container.
    git.args(["-c", "safe.directory=*", "ls-files", "-z"]).current_dir(root());
    let names = shell::output(&mut git)?;
    let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(files.filter(|file| root().join(file).is_file()).collect())
}
