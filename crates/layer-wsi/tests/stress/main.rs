//! The layer for a long time, and beside processes that die, stop and come back.
//!
//! The application is this program, started again as `zerohop-pattern`; so is the host, where one
//! is to be killed.
#![allow(unsafe_code, reason = "a child must die with its parent")]

mod children;
#[path = "../common/layers.rs"]
mod layers;
mod tests;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use children::Nursery;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    match args.get(1).map(String::as_str) {
        Some(children::APPLICATION) => {
            let rest = args.into_iter().filter(|arg| arg != children::APPLICATION);
            return zerohop_testkit::app::run(rest.map(Into::into));
        }
        Some(children::HOST) => return children::host(&args[2..]),
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    // Some count pictures per second.
    arguments.test_threads = Some(1);
    let nursery = match Nursery::new() {
        Ok(nursery) => Arc::new(nursery),
        Err(err) => {
            eprintln!("stress: {err}");
            return ExitCode::FAILURE;
        }
    };
    let trials = tests::ALL.iter().map(|test| {
        let nursery = Arc::clone(&nursery);
        Trial::ignorable_test(test.name, move || {
            if test.slow && env::var("ZEROHOP_SLOW").is_err() {
                return Ok(Completion::ignored_with("slow: set ZEROHOP_SLOW=1"));
            }
            if test.xcb && nursery.display().is_none() {
                return Ok(Completion::ignored_with("no Xvfb"));
            }
            (test.run)(&nursery).map(|()| Completion::Completed).map_err(Failed::from)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
