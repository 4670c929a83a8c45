//! This program again, as a recorder that something happens to.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use zerohop_frame::BoxError;
use zerohop_sinks::Mp4;

use crate::record::{SIZE, every, record};

const PATH: &str = "ZEROHOP_TEST_RECORD";

/// A command that runs this program as a recorder into `path`, through `wrapper` if there is one.
pub(crate) fn command(path: &std::path::Path, wrapper: &[&str]) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(this),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(this);
            command
        }
    };
    command.env(PATH, path);
    command
}

pub(crate) fn is_one() -> bool {
    std::env::var_os(PATH).is_some()
}

/// Records a long time, or five seconds into the standard output.
pub(crate) fn main() -> ExitCode {
    let path = PathBuf::from(std::env::var_os(PATH).unwrap_or_default());
    let mp4 = Mp4::create(&path);
    let times = every(60, if path.as_os_str() == "-" { 300 } else { 20_000 });
    let recorded = mp4
        .map_err(BoxError::from)
        .and_then(|mp4| record(mp4, &times, Duration::from_secs(400), |_| SIZE));
    if let Err(err) = recorded {
        let cause = err.source().map(ToString::to_string);
        eprintln!("{err}: {}", cause.unwrap_or_default());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
