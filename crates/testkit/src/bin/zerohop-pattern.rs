//! `zerohop-pattern`: a Vulkan application whose pictures say which one they are, and a checker
//! for what became of them.

use std::process::ExitCode;

fn main() -> ExitCode {
    zerohop_testkit::app::run(std::env::args_os())
}
