//! Recordings, from frames to files that others can play.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod boxes;
mod child;
mod codecs;
mod files;
mod interrupted;
#[path = "../../../encode/tests/picture/mod.rs"]
mod picture;
mod played;
mod record;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_needs::absent;

fn main() -> ExitCode {
    if child::is_one() {
        return child::main();
    }
    let arguments = Arguments::from_args();
    let mut trials = files::trials();
    trials.extend(codecs::trials());
    trials.extend(interrupted::trials());
    trials.extend(played::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test that needs nothing.
fn plain(name: &'static str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// A test that needs the programs of FFmpeg.
fn with_ffmpeg(name: &'static str, test: fn()) -> Trial {
    Trial::ignorable_test(name, move || match Command::new("ffprobe").arg("-version").output() {
        Ok(_) => {
            test();
            Ok(Completion::Completed)
        }
        Err(err) => absent("ffmpeg", &err.to_string()),
    })
    .with_kind("ffmpeg")
}
