//! The manifest of the library that cargo built with the tests.

use std::path::{Path, PathBuf};
use std::{fs, io};

use zerohop_manifest::{Activation, FILE_NAME, LIBRARY};

/// Writes the manifest into a folder of the test's own, and gives the folder. Cargo puts the
/// library beside the test program.
pub(crate) fn manifest_of(program: &Path, test: &str) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-layers"));
    let library = program.with_file_name(LIBRARY);
    let json = zerohop_manifest::manifest(&library.to_string_lossy(), Activation::Explicit);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(FILE_NAME), json)?;
    Ok(folder)
}
