//! The programs that tasks run: ours, built first, and other people's with the right options.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{manifest, project, shell};

/// Builds the program `zerohop` and its layers for use, and says where the program is.
///
/// # Errors
///
/// The build fails.
pub(crate) fn zerohop() -> Result<PathBuf> {
    let mut build = project::cargo("build");
    build.args(["--locked", "--release", "-p", "zerohop-cli"]);
    build.args(["-p", "zerohop-layer-wsi", "-p", "zerohop-layer-dmabuf"]);
    shell::run(&mut build)?;
    let folder = project::target().join("release");
    manifest::write(&folder)?;
    Ok(folder.join("zerohop"))
}

/// Builds what only tests need, the layer that hides extensions and the application with the
/// numbered pictures, which is also their checker, and says where that is.
///
/// # Errors
///
/// The build fails.
pub(crate) fn test_tools() -> Result<PathBuf> {
    let mut build = project::cargo("build");
    build.args(["--locked", "--release", "-p", "zerohop-testkit", "-p", "zerohop-layer-hide"]);
    shell::run(&mut build)?;
    Ok(project::target().join("release/zerohop-pattern"))
}

/// Whether a program runs under the layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layer {
    /// With nobody listening.
    On,
    /// With the driver's own presentation.
    Off,
}

impl Layer {
    /// The file name of the layer.
    pub(crate) const LIBRARY: &str = zerohop_manifest::LIBRARY;

    /// Sets the loader's environment for `command`.
    pub(crate) fn put_on(self, command: &mut Command) {
        if let Self::On = self {
            command.env("VK_LAYER_PATH", project::target().join("release"));
            command.env("VK_INSTANCE_LAYERS", zerohop_manifest::LAYER_NAME);
        }
    }
}

/// vkcube's command line for a window of that size.
///
/// Newer ones choose among several window systems and must be told to take X; older ones know X
/// only, and refuse the option.
///
/// # Errors
///
/// There is no vkcube.
pub(crate) fn vkcube(width: u32, height: u32) -> Result<Vec<String>> {
    if shell::find("vkcube").is_none() {
        bail!("vkcube is not installed: Debian has it in vulkan-tools");
    }
    let mut words = vec!["vkcube".to_owned()];
    // It prints its usage to stderr, and ends with 1.
    let usage = Command::new("vkcube").arg("--help").output()?;
    let knows_wsi = [usage.stdout, usage.stderr]
        .iter()
        .any(|text| String::from_utf8_lossy(text).contains("--wsi"));
    if knows_wsi {
        words.extend(["--wsi", "xcb"].map(str::to_owned));
    }
    words.extend(["--width".into(), width.to_string(), "--height".into(), height.to_string()]);
    Ok(words)
}
