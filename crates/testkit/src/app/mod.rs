//! The application `zerohop-pattern`, for its own program and for tests that start themselves as
//! one.

mod extensions;
mod options;
mod play;
mod pngs;
mod stage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use zerohop_frame::with_causes;

use options::{Command, Options};

/// Runs the application with a command line, whose first word is the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = Options::parse_from(args);
    let done = match &options.command {
        Some(Command::Check(check)) => pngs::check(check),
        Some(Command::Extensions) => extensions::print(),
        None => play::play(&options.play),
    };
    match done {
        Ok(code) => code,
        Err(err) => {
            eprintln!("zerohop-pattern: {}", with_causes(&*err));
            ExitCode::FAILURE
        }
    }
}
