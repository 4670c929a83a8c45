//! A small virtual machine with kernel graphics devices, which most machines and CI's lack, and a
//! command in it with this checkout's programs.

mod build;
mod libraries;
mod listen;
mod machine;
mod monitor;
mod options;
mod session;
mod tests;

use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::{manifest, project, shell};
use options::{Options, USAGE};
pub(crate) use tests::{run as test, where_possible as test_where_possible};

/// `cargo xtask vm [OPTIONS] -- COMMAND`: ends as the command did.
pub(crate) fn run(args: &mut Args) -> Result<ExitCode> {
    if args.help() {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::take(args)?;
    let roots = build::roots()?;
    if options.build {
        programs()?;
    }
    let code = session::run(&roots, &options)?;
    Ok(ExitCode::from(code))
}

/// Whether this machine can have one.
///
/// # Errors
///
/// Why not.
pub(crate) fn is_possible() -> Result<()> {
    build::may_be_made_here()
}

/// What the command may use. The output is the command's alone.
fn programs() -> Result<()> {
    let mut cargo = project::cargo("build");
    cargo.args(["--locked", "--workspace", "--quiet"]).stdout(Stdio::null());
    let line = shell::line(&cargo);
    let status = cargo.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    manifest::write(&project::target().join("debug"))
}

/// The script that runs `command` in the guest.
fn script(command: &[String]) -> String {
    let target = project::target();
    let programs = shell::quoted(&target.join("debug").to_string_lossy());
    let here = shell::quoted(&project::root().to_string_lossy());
    let words: Vec<String> = command.iter().map(|word| shell::quoted(word)).collect();
    format!(
        "export PATH={programs}:$PATH VK_ADD_LAYER_PATH={programs} XDG_RUNTIME_DIR=/run/user/0\n\
         cd {here} && exec {}",
        words.join(" ")
    )
}
