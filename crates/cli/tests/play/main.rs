//! Files played and probed: what comes out equals what ffmpeg makes of the same file, and what
//! cannot be played is said in one line.
//!
//! The clips are made here, by ffmpeg's own sources. Each test says what it needs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod drivers;
mod files;
mod films;
mod formats;
mod outputs;
mod paths;
mod probed;
mod stage;
mod surfaces;
mod trial;
mod uploaded;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let rooms = [
        files::trials(),
        outputs::trials(),
        uploaded::trials(),
        paths::trials(),
        broken::trials(),
        films::trials(),
        probed::trials(),
        surfaces::trials(),
    ];
    let tests = rooms.into_iter().flatten().chain(formats::trials()).collect();
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
