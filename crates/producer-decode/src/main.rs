//! The program `zerohop-decode`: a file or a stream, decoded by FFmpeg's libraries into memory that
//! a zerohop host reads where it lies.
//!
//! ```text
//! file ──► Input ──► Decoder ──► Handover ──► Host ──► socket
//!          packets   pictures    surfaces     announced once, out until released
//! ```
//!
//! It is a program of its own because FFmpeg can only be linked to, one version for each release of
//! a distribution, and because a decoder that crashes takes nobody along.
#![deny(unsafe_op_in_unsafe_fn)]

mod args;
#[allow(unsafe_code, reason = "FFmpeg is written in C")]
mod av;
mod fences;
mod films;
#[allow(unsafe_code, reason = "FFmpeg is written in C")]
mod formats;
mod handover;
mod host;
mod opened;
mod pace;
mod play;
mod played;
mod pool;
mod probe;
mod proof;
mod ring;
mod timeline;
mod watchdog;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use rustix::process::{Signal, getpid, kill_process};

use crate::args::Arguments;
use crate::watchdog::Watchdog;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    av::set_log(arguments.verbose);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever started us knows why it went.
        Err(err) if err.is::<host::Gone>() => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.each().len() > 1 && !arguments.probe {
        return films::play(arguments);
    }
    // Nothing else can end a thread that is in a library.
    let dog = Watchdog::start(arguments.timeout, |why| {
        eprintln!("{why}");
        // Not by an exit, which would run what libraries have to say at the end: they hang.
        let _ = kill_process(getpid(), Signal::KILL);
    })?;
    if arguments.probe {
        let found = probe::probe(arguments, &dog)?;
        writeln!(std::io::stdout(), "{found}")?;
        return Ok(());
    }
    if let Some(said) = play::play(arguments, &dog, &films::socket(0)?, |_| {})?.remark() {
        eprintln!("{said}");
    }
    Ok(())
}
