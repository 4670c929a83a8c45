//! The application: what it finds in its environment, and how it ended.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, WaitStatus};

use crate::args::Run;
use crate::display::Display;
use crate::failure::{Failure, NOT_EXECUTABLE};
use crate::processes::Processes;
use crate::to::To;

/// Starts the command of `options` as `program`, paced by `rate` refreshes in a second, with `environment` added to ours.
pub(crate) fn start(
    options: &Run,
    rate: f64,
    program: &Path,
    environment: Vec<(&'static str, OsString)>,
    display: &Display,
    processes: &mut Processes,
) -> Result<Pid, Failure> {
    let mut command = Command::new(program);
    command.args(&options.command[1..]).envs(environment);
    command.env("ZEROHOP_RATE", rate.to_string());
    for (name, value) in &display.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if io::stdin().is_terminal() {
        // Only the terminal's foreground processes may read it, and that is us.
        command.stdin(Stdio::null());
    }
    if options.places().iter().any(To::is_standard_output) {
        // The recording goes there, and nothing else may.
        command.stdout(io::stderr());
    }
    match processes.spawn(&mut command) {
        Ok((pid, _)) => Ok(pid),
        Err(err) => {
            let what = options.command[0].to_string_lossy();
            let todo = "check that it is a program for this machine";
            Err(Failure::new(what, err, todo).with_code(NOT_EXECUTABLE))
        }
    }
}

/// The exit code for a process that ended so: its own, or 128 and the signal that ended it.
pub(crate) fn code(status: WaitStatus) -> u8 {
    let code = status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
