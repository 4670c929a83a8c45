//! A Debian 13 beside a Debian 12: a newer loader, newer drivers, and programs that 12 lacks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::App;
use crate::{project, setup, shell};

/// What is installed there.
const PACKAGES: &str =
    "libvulkan1,mesa-vulkan-drivers,vulkan-tools,xvfb,vkmark,libsdl2-tests,libsdl3-tests";

/// Where the target folder is in there.
const INSIDE: &str = "/mnt";

/// Enters the root in a mount and a process namespace of its own: whatever is left running in it
/// ends with the command, and nothing stays mounted.
const ENTER: &str = "set -e; root=$1; target=$2; shift 2; mount --make-rprivate /; \
    mount --bind \"$target\" \"$root/mnt\"; mount -t proc proc \"$root/proc\"; \
    mount --rbind /dev \"$root/dev\"; mount -t tmpfs -o mode=1777 tmp \"$root/tmp\"; \
    exec chroot \"$root\" \"$@\"";

/// The folder of a Debian 13.
pub(super) struct Trixie(PathBuf);

impl Trixie {
    /// The one beside a Debian 12, made first if it is not there. `None` where it cannot be, after
    /// saying why, and on a system that is as new itself.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub(super) fn beside(folder: &Path) -> Result<Option<Self>> {
        if setup::is_since(13)? {
            return Ok(None);
        }
        if !rustix::process::geteuid().is_root() {
            println!(
                "NOT RUN: the programs of Debian 13, which only root can make beside this one"
            );
            return Ok(None);
        }
        let root = folder.join("trixie");
        if !root.join("usr/bin/vkmark").exists() {
            println!("making a Debian 13 in {}", root.display());
            make(&root)?;
        }
        Ok(Some(Self(root)))
    }

    /// `program` of the target folder, in there.
    ///
    /// # Errors
    ///
    /// It is not in the target folder.
    pub(super) fn command(&self, program: &Path) -> Result<Command> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]);
        command.arg(&self.0).arg(project::target()).arg(Self::inside(program)?);
        Ok(command)
    }

    /// What a path in the target folder is called in there.
    ///
    /// # Errors
    ///
    /// It is not in the target folder.
    pub(super) fn inside(path: &Path) -> Result<PathBuf> {
        let rest = path.strip_prefix(project::target()).context("not in the target folder")?;
        Ok(Path::new(INSIDE).join(rest))
    }
}

fn make(root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root).with_context(|| format!("remove {}", root.display()))?;
    }
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap.args(["--quiet", "--variant=minbase", "--include", PACKAGES, "trixie"]);
    shell::run(mmdebstrap.arg(root).arg(setup::mirror()?))
}

/// The programs that are run there, or here where this is one.
pub(super) fn apps() -> Vec<App> {
    let headless = App {
        display: "none",
        ..App::new("vkmark-headless", "vkmark --winsys headless -b cube:duration=3", None)
    };
    vec![
        App::new("vkcube-13", "vkcube --wsi xcb --c 300 --width 1280 --height 720", None),
        App::new("vkmark-xcb", "vkmark --winsys xcb -b cube:duration=3 --size 640x360", None),
        headless,
        App::new("sdl2-13", "/usr/libexec/installed-tests/SDL2/testvulkan", Some(4)),
        App::new("sdl3-13", "/usr/libexec/installed-tests/SDL3/testvulkan", Some(4)),
    ]
}
