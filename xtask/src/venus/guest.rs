//! The guest's side of Venus: programs whose Vulkan driver sends everything to the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::host::Host;
use super::icd;
use crate::roots::Root;

/// A guest of a running host.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    root: &'a Root,
    socket: PathBuf,
    driver: PathBuf,
}

impl<'a> Guest<'a> {
    /// One in `root`.
    ///
    /// # Errors
    ///
    /// The root has no Venus driver.
    pub(crate) fn of(root: &'a Root, host: &Host) -> Result<Self> {
        Ok(Self { root, socket: Root::inside(host.socket())?, driver: icd(root, "virtio")? })
    }

    /// `program` in there: of the target folder, or of the root itself.
    ///
    /// # Errors
    ///
    /// It has an absolute path outside the target folder.
    pub(crate) fn command(&self, program: &Path) -> Result<Command> {
        let mut command = self.root.command(program)?;
        command.env("VTEST_SOCKET_NAME", &self.socket).env("VN_DEBUG", "vtest");
        command.env("VK_DRIVER_FILES", &self.driver);
        for outside in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"] {
            command.env_remove(outside);
        }
        Ok(command)
    }
}
