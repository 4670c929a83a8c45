//! The manifest of the library that cargo built with the tests.

use std::io;
use std::path::Path;

use zerohop_manifest::{Activation, WSI};

/// Writes the manifest into `folder`. Cargo puts the library beside the test program.
pub(crate) fn install(program: &Path, folder: &Path, activation: Activation) -> io::Result<()> {
    WSI.install(&program.with_file_name(WSI.library), folder, activation)
}
