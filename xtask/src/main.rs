//! What is done with this repository besides compiling it: `cargo xtask COMMAND`.
//!
//! Each command is a file. Nothing here is part of what users install.

#![forbid(unsafe_code)]

mod apps;
mod args;
mod bench;
mod cargo_test;
mod ci;
mod demo;
mod fuzz;
mod gpu_kit;
mod hide;
mod licences;
mod manifest;
mod programs;
mod project;
mod report;
mod roots;
mod screen;
mod setup;
mod sheet;
mod shell;
mod spdx;
mod test;
mod tidy;
mod timing;
mod tree;
mod venus;
mod vm;

use std::process::ExitCode;

use crate::args::Args;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo                     a video of vkcube in target/demo, from nothing
  test [--slow]            everything that is tested; --slow: also what takes minutes
  test --apps [NAMES...]   real programs under zerohop run: target/apps
  test --venus [NAMES...]  the same as Venus guests of Mesa 25 and 26: target/venus
  venus [-o FILE.mp4] [--mesa 25|26] [--no-host-layer] [--seconds S] -- COMMAND
                           a program as a Venus guest, recorded in there
  test --vm [NAMES...]     the tests of kernel devices, in the virtual machine
  ci                       what must pass before a change lands
  tidy                     the rules of the house that no compiler checks
  licences                 of what is built in, and where it comes from
  manifest [--release]     the layer's manifest, beside the layer
  bench [--json FILE] [NAMES...]
                           what it costs, against what one would use instead
  gpu-kit [-o DIR]         what proves all this on a bare GPU machine, in one folder; gpu-kit --help
  vm [OPTIONS] -- COMMAND  a command in a virtual machine with kernel graphics devices; vm --help
  setup [PURPOSE...]       the Debian packages for: build, demo, test, apps, bench,
                           venus, vm
";

fn main() -> ExitCode {
    let mut args = Args::from_env();
    match dispatch(&mut args) {
        Ok(code) => code,
        Err(err) => {
            eprintln!("xtask: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &mut Args) -> anyhow::Result<ExitCode> {
    let command = args.word();
    std::env::set_current_dir(project::root())?;
    let done = match command.as_deref() {
        // The one that ends as another program did.
        Some("vm") => return vm::run(args),
        Some("bench") => bench::run(args),
        Some("gpu-kit") => gpu_kit::run(args),
        Some("demo") => demo::run(args),
        Some("test") => test::run(args),
        Some("venus") => venus::run(args),
        Some("ci") => ci::run(args),
        Some("tidy") => tidy::run(args),
        Some("licences") => licences::run(args),
        Some("manifest") => manifest::run(args),
        Some("setup") => setup::run(args),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
        Some(other) => anyhow::bail!("no command {other:?}\n{USAGE}"),
        None => anyhow::bail!("say what to do\n{USAGE}"),
    };
    done.map(|()| ExitCode::SUCCESS)
}
