//! `zerohop-proof`: every claim that needs a GPU, tried and measured on the machine at hand, in one
//! table. `cargo xtask gpu-kit` packs it with all that it starts; `cargo xtask bench` runs single
//! steps of it.
//!
//! It calls nothing but programs: `zerohop`, `zerohop-pattern`, test programs, all beside itself. So
//! what it measures is what a user gets.

#![forbid(unsafe_code)]

mod conduct;
mod kit;
mod process;
mod report;
mod row;
mod spans;
mod stat;
mod steps;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::kit::Kit;

/// Tries and measures on this machine what zerohop claims, and prints one table.
///
/// Steps run one after the other, each in a process of its own with a limit of time; one that fails or hangs does not stop the others. The exit code is 0 when nothing failed and no target was missed.
#[derive(Debug, Parser)]
#[command(name = "zerohop-proof", version, after_help = steps::help())]
pub(crate) struct Options {
    /// The steps to run, in their own order; all without, none where there are earlier ones
    steps: Vec<String>,

    /// Put the rows of an earlier table (--json) into this one, but for the steps that are run again; may be given several times
    #[arg(long, value_name = "FILE.json")]
    earlier: Vec<PathBuf>,

    /// Write the table to this file too (JSON)
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,

    /// Keep what the steps write in this folder, which is made [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// Take fewer pictures and shorter measurements: to see that every step works, not how well
    #[arg(long)]
    quick: bool,

    /// The CUDA and NVENC libraries in use are the fakes of the tests: ask for what they can do
    #[arg(long)]
    fake: bool,

    /// Seconds that all steps together may take: fewer than their limits, which few of them need
    #[arg(long, value_name = "S", default_value_t = 720)]
    seconds: u64,

    /// Run the one step in this process, and print its rows as lines of JSON
    #[arg(long, hide = true)]
    alone: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(code) => code,
        Err(err) => {
            eprintln!("zerohop-proof: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    let earlier = table::read(&options.earlier)?;
    let chosen = match options.steps.is_empty() && !options.earlier.is_empty() {
        true => Vec::new(),
        false => steps::chosen(&options.steps)?,
    };
    let temporary = tempfile::Builder::new().prefix("zerohop-proof-").tempdir()?;
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    let kit = Kit::new(folder, options.quick, options.fake)?;
    if options.alone {
        process::adopt_orphans()?;
        chosen.iter().try_for_each(|step| (step.run)(&kit))?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = table::merged(earlier, conduct::all(&chosen, &kit, options)?);
    table::print(&lines);
    if let Some(file) = &options.json {
        table::write(&lines, file)?;
    }
    Ok(if lines.iter().any(|line| line.verdict.is_bad()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
