//! The program that decodes: where it is, and how it is started.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Pid;
use zerohop_wire::SOCKET_VARIABLE;

use crate::args::{Decode, Play};
use crate::command::{self, BESIDE};
use crate::failure::{FAILED, Failure};
use crate::processes::Processes;
use crate::pulse::Pulse;

/// Its name.
const PROGRAM: &str = "zerohop-decode";

/// Where a distribution's package puts it, from the folder that `bin` is in.
const INSTALLED: [&str; 2] = ["libexec/zerohop", "lib/zerohop"];

/// Finds it: where `ZEROHOP_DECODER` says, else beside this program, else where a package puts it,
/// else in `PATH`.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    if let Some(given) = env::var_os("ZEROHOP_DECODER").filter(|given| !given.is_empty()) {
        return command::find(&given).map_err(|err| {
            Failure::new("ZEROHOP_DECODER", err.why(), "name the program zerohop-decode")
        });
    }
    let here = env::current_exe().unwrap_or_default();
    let folder = here.parent().unwrap_or(Path::new(""));
    // A test's own program lies one below the others.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let installed =
        folder.parent().into_iter().flat_map(|prefix| INSTALLED.map(|it| prefix.join(it)));
    let mut folders = std::iter::once(folder.to_owned()).chain(installed);
    let beside = folders.find_map(|folder| Some(folder.join(PROGRAM)).filter(|it| it.is_file()));
    beside.map_or_else(|| command::find(PROGRAM.as_ref()).map_err(|_| missing()), Ok)
}

fn missing() -> Failure {
    Failure::new(
        PROGRAM,
        "it is not beside zerohop, and not in PATH",
        format!(
            "build it beside zerohop with `cargo build {BESIDE}-p zerohop-producer-decode --features \
             ffmpeg`, which needs FFmpeg's headers (on Debian `cargo xtask setup` installs them), \
             or set ZEROHOP_DECODER"
        ),
    )
    .with_code(FAILED)
}

/// What is to be decoded, and how.
pub(crate) struct Task<'a> {
    pub(crate) inputs: &'a [OsString],
    pub(crate) decode: &'a Decode,
    /// The device that decodes, if one is named.
    pub(crate) device: Option<&'a str>,
}

/// The command line for `task`, with `more` options.
pub(crate) fn command(program: &Path, task: &Task<'_>, more: &[String]) -> Command {
    let Decode { decode, upload, force_linear, timeout, threads, start } = task.decode;
    let mut command = Command::new(program);
    command.args(["--decode", decode]).args(more);
    command.arg("--timeout").arg(timeout.as_secs_f64().to_string());
    command.arg("--start").arg(start.unwrap_or_default().as_secs_f64().to_string());
    command.args(threads.iter().flat_map(|threads| ["--threads".to_owned(), threads.to_string()]));
    command.args(upload.iter().flat_map(|way| ["--upload", way]));
    command.args(force_linear.then_some("--force-linear"));
    command.args(task.device.iter().flat_map(|device| ["--device", device]));
    command.arg("--").args(task.inputs);
    command
}

/// Starts it for `options`. It finds the host at `socket`, what it says goes to `log`, and its pulse
/// is returned.
pub(crate) fn start(
    program: &Path,
    options: &Play,
    socket: &Path,
    log: &Path,
    processes: &mut Processes,
) -> Result<(Pid, Pulse), Failure> {
    let failed = |err: std::io::Error| {
        let todo = "check that it is a program for this machine";
        Failure::new(program.display().to_string(), err, todo)
    };
    let Play { inputs, decode, ring, again, .. } = options;
    let mut more = vec!["--ring".to_owned(), ring.to_string()];
    more.extend(again.then(|| "--loop".to_owned()));
    more.extend(options.in_real_time().then(|| "--realtime".to_owned()));
    let mut command = command(program, &Task { inputs, decode, device: options.node() }, &more);
    let said = File::create(log).map_err(failed)?;
    let (pulse, beat) = Pulse::new(decode.timeout).map_err(failed)?;
    // Nothing of its own goes where checksums may go.
    command.stdin(beat).stdout(Stdio::null()).stderr(said).env(SOCKET_VARIABLE, socket);
    processes.spawn(&mut command).map(|(pid, _)| (pid, pulse)).map_err(failed)
}
