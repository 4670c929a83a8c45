//! A `libnvidia-encode.so.1` without a chip, for tests: it checks how it is called, and encodes on the
//! CPU.
//!
//! The dynamic linker finds it: put it into a folder of `LD_LIBRARY_PATH` as `libnvidia-encode.so.1`.
//! It reads pictures as the real one does, through `libcuda.so.1`, on the stream that it is told, so
//! that the CUDA of `testkit-cuda` checks what it is given. H.264 is real, by OpenH264. HEVC and AV1
//! have real headers, and pictures that nobody can decode.
//!
//! What it is to be is told by [`BEHAVIOUR`]; what happened is in the [`Journal`]: how it was called,
//! each picture that it was given by its hash, and every call that was wrong.
#![allow(unsafe_code, reason = "a library is called by C, and calls it")]

mod behaviour;
mod bits;
mod check;
mod cuda;
mod entry;
mod headers;
mod journal;
mod parameters;
mod pixels;
mod questions;
mod session;
mod stream;
mod surfaces;

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

pub use behaviour::BEHAVIOUR;
pub use journal::{JOURNAL, Journal, PICTURES, hash};

/// The file name of the library, as cargo makes it.
pub const LIBRARY: &str = "libzerohop_testkit_nvenc.so";

/// Makes `folder`, which is there, one that the dynamic linker finds the stand-in in
/// (`LD_LIBRARY_PATH`), which is `library`.
///
/// # Errors
///
/// What the file system says.
pub fn install(library: &Path, folder: &Path) -> io::Result<()> {
    symlink(library, folder.join("libnvidia-encode.so.1"))
}
