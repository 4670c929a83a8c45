//! A stand-in for `libcuda.so.1` that runs on the CPU, for tests of what calls it.
//!
//! The dynamic linker finds it, where `LD_LIBRARY_PATH` names a folder that [`install`] prepared. It
//! takes llvmpipe's `OPAQUE_FD` memory, which is a memfd, so arrays and pointers really hold the
//! application's pixels. Each stream is a thread: work really happens later than the call.
//!
//! It checks what a real driver would not say: a context that is current, no handle used after its
//! end or destroyed while work uses it, arrays freed before their memory, nothing left at the end.
//! What it finds, and every call, is counted in a [`Report`]. [`plan`] says what the environment
//! asks for, errors at the Nth call among it.
//!
//! Deliberately absent: kernels, modules, the default stream, speed.
#![allow(unsafe_code, reason = "a driver is called by C")]
#![allow(non_snake_case, reason = "entry points have the names of cuda.h")]

mod call;
mod entry;
mod gl;
mod layout;
mod names;
mod objects;
mod pages;
pub mod plan;
mod report;
mod state;
mod worker;

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

pub use report::Report;

/// The file name of the library, as cargo makes it.
pub const LIBRARY: &str = "libzerohop_testkit_cuda.so";

/// Makes `folder` one that the dynamic linker finds the stand-in in (`LD_LIBRARY_PATH`), which is
/// `library`.
///
/// # Errors
///
/// What the file system says.
pub fn install(library: &Path, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    symlink(library, folder.join("libcuda.so.1"))
}
