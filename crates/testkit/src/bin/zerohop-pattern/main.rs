//! `zerohop-pattern`: a Vulkan application whose pictures say which one they are, and a checker
//! for what became of them.

use std::process::ExitCode;

use clap::Parser;

mod options;
mod play;
mod pngs;
mod stage;

use options::{Command, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        Some(Command::Check(check)) => pngs::check(check),
        None => play::play(&options.play),
    };
    match done {
        Ok(code) => code,
        Err(err) => {
            let mut line = format!("zerohop-pattern: {err}");
            let mut cause = err.source();
            while let Some(err) = cause {
                line = format!("{line}: {err}");
                cause = err.source();
            }
            eprintln!("{line}");
            ExitCode::FAILURE
        }
    }
}
