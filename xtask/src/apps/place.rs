//! Where a program runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::roots::Root;
use crate::venus::Guest;

/// Where a program runs, and what files are called there.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// On this system.
    Here,
    /// In another Debian beside it.
    Root(&'a Root),
    /// In another Debian, with a Vulkan driver that sends everything to a host.
    Guest(&'a Guest<'a>),
}

impl Place<'_> {
    /// `program` of the target folder, there.
    ///
    /// # Errors
    ///
    /// It is not in the target folder, which is all that other places see of this one.
    pub(crate) fn command(self, program: &Path) -> Result<Command> {
        let mut command = match self {
            Self::Here => Command::new(program),
            Self::Root(root) => root.command(program)?,
            Self::Guest(guest) => guest.command(program)?,
        };
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        Ok(command)
    }

    /// What a path in the target folder is called there.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub(crate) fn inside(self, path: &Path) -> Result<PathBuf> {
        match self {
            Self::Here => Ok(path.to_owned()),
            Self::Root(_) | Self::Guest(_) => Root::inside(path),
        }
    }
}
