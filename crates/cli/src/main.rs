//! The program `zerohop`: policy, and nothing that touches a picture.
//!
//! Everything a user may set is read here and handed down as arguments: flags, environment,
//! signals, exit codes.
#![forbid(unsafe_code)]

mod application;
mod args;
mod command;
mod decoder;
mod device;
mod display;
mod doctor;
mod facts;
mod failure;
mod films;
mod flow;
mod guard;
mod interrupts;
mod layer;
mod look;
mod opened;
mod outputs;
mod phase;
mod play;
mod probe;
mod processes;
mod pulse;
mod recorder;
mod report_file;
mod run;
mod runtime_dir;
mod screen;
mod screen_guard;
mod session;
mod silence;
mod subject;
mod to;
mod track;
mod xvfb;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::failure::{FAILED, Failure};
use crate::screen::Screen;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(err) => {
            let printed = screen::written(err.print());
            // Help and version come this way too, and are no failure.
            return if err.use_stderr() { FAILED.into() } else { end(printed.map(|()| 0)) };
        }
    };
    end(match arguments.command {
        Command::Run(options) => run::run(&options),
        Command::Play(options) => play::play(&options),
        Command::Probe(options) => probe::probe(&options),
        Command::Doctor(options) => doctor::doctor(&options),
        Command::Guard { folder } => Ok(guard::watch(&folder)),
        Command::GuardScreen { saved } => Ok(screen_guard::watch(&saved)),
        Command::ProbeLayer => doctor::probe_here(),
    })
}

fn end(done: Result<u8, Failure>) -> ExitCode {
    match done {
        Ok(code) => code.into(),
        Err(failure) => {
            Screen::new(false).say(&failure);
            failure.code().into()
        }
    }
}
