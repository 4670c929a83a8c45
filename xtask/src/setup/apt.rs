//! dpkg and apt-get.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::need::Need;
use crate::shell;

/// Where Debian 12 has what is newer than itself.
pub(super) const BACKPORTS: &str = "bookworm-backports";

/// A release of Debian, by its number. Testing and unstable count as the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release(pub(crate) u32);

/// Whether this machine runs Debian itself, whose package names we know.
pub(crate) fn is_debian() -> bool {
    os_release("ID").as_deref() == Some("debian") && shell::find("apt-get").is_some()
}

/// Which release.
///
/// # Errors
///
/// It is older than Debian 12.
pub(crate) fn release() -> Result<Release> {
    let Some(number) = os_release("VERSION_ID") else {
        return Ok(Release(u32::MAX));
    };
    let number: u32 = number.parse().with_context(|| format!("Debian {number}"))?;
    if number < 12 {
        bail!("this is Debian {number}; 12 is the oldest that will do");
    }
    Ok(Release(number))
}

fn os_release(key: &str) -> Option<String> {
    value_in(&fs::read_to_string("/etc/os-release").ok()?, key)
}

fn value_in(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    line.map(|value| value.trim_matches('"').to_owned())
}

/// Whether dpkg has it, new enough.
pub(crate) fn has(need: &Need) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f=${db:Status-Status} ${Version}", need.package]);
    let Ok(answer) = shell::output(&mut query) else { return false };
    let Some(version) = answer.strip_prefix("installed ") else { return false };
    let Some(least) = need.at_least else { return true };
    let mut compare = Command::new("dpkg");
    compare.args(["--compare-versions", version, "ge", least]);
    compare.status().is_ok_and(|status| status.success())
}

/// Reads the package lists anew.
///
/// # Errors
///
/// apt-get fails.
pub(crate) fn update() -> Result<()> {
    shell::run(as_root("apt-get")?.args(["update", "-qq"]))
}

/// Installs the packages. Only what must be new comes from the backports, with what it needs.
///
/// # Errors
///
/// apt-get fails.
pub(crate) fn install(needs: &[&Need], release: Release) -> Result<()> {
    let mut install = as_root("apt-get")?;
    install.args(["install", "-y", "-qq", "--no-install-recommends"]);
    // No progress bars in the middle of other lines.
    install.args(["-o", "Dpkg::Use-Pty=0"]);
    install.args(needs.iter().map(|need| match need.needs_backports(release) {
        true => format!("{}/{BACKPORTS}", need.package),
        false => need.package.to_owned(),
    }));
    let done = shell::run(&mut install);
    if done.is_ok() || release != Release(12) {
        return done;
    }
    println!("apt-get finds no way; perhaps the machine has more from the backports already");
    shell::run(install.args(["-t", BACKPORTS]))
}

/// A command that runs as root and asks no questions about packages.
///
/// # Errors
///
/// We are not root, and there is no sudo.
pub(crate) fn as_root(program: &str) -> Result<Command> {
    const QUIET: &str = "DEBIAN_FRONTEND=noninteractive";
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("env");
        command.args([QUIET, program]);
        return Ok(command);
    }
    if shell::find("sudo").is_none() {
        bail!(
            "only root may install packages, and there is no sudo here: run `cargo xtask setup` as root first"
        );
    }
    let mut command = Command::new("sudo");
    command.args(["env", QUIET, program]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_with_and_without_quotes() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(value_in(text, "ID").as_deref(), Some("debian"));
        assert_eq!(value_in(text, "VERSION_ID").as_deref(), Some("12"));
        assert_eq!(value_in(text, "VERSION"), None);
    }
}
