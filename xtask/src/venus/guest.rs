//! The guest's side of Venus: a program whose Vulkan driver sends everything to the host.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::host::Host;
use super::icd;
use crate::roots::Root;

/// `program` in `root`, as a guest of `host`: of the target folder, or of the root itself.
///
/// # Errors
///
/// The root has no Venus driver, or `program` is outside the target folder.
pub(crate) fn command(root: &Root, host: &Host, program: &Path) -> Result<Command> {
    let mut command = root.command(program)?;
    command.env("VTEST_SOCKET_NAME", Root::inside(host.socket())?);
    command.env("VN_DEBUG", "vtest");
    command.env("VK_DRIVER_FILES", icd(root, "virtio")?);
    for outside in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"] {
        command.env_remove(outside);
    }
    Ok(command)
}
