//! The manifest of the library that cargo built with the tests.

use std::io;
use std::path::Path;

use zerohop_manifest::{Activation, FILE_NAME, LIBRARY};

/// Writes the manifest into `folder`. Cargo puts the library beside the test program.
pub(crate) fn install(program: &Path, folder: &Path, activation: Activation) -> io::Result<()> {
    let library = program.with_file_name(LIBRARY);
    let json = zerohop_manifest::manifest(&library.to_string_lossy(), activation);
    zerohop_manifest::place(folder, FILE_NAME, &json)
}
