//! Which libraries programs need, read from the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// The C library's own, which must be the machine's: programs of one age run with any newer one.
const OF_THE_SYSTEM: &[&str] = &[
    "ld-linux-x86-64.so.2",
    "libanl.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

/// What the libraries of `files` are, and theirs, by name; found in `folders`, and the names of
/// those that are in none.
///
/// # Errors
///
/// readelf fails.
pub(super) fn of(
    files: &[PathBuf],
    folders: &[PathBuf],
) -> Result<(BTreeMap<String, PathBuf>, BTreeSet<String>)> {
    let (mut found, mut missing) = (BTreeMap::new(), BTreeSet::new());
    let mut open = files.to_vec();
    while let Some(file) = open.pop() {
        for name in needed(&file)? {
            if OF_THE_SYSTEM.contains(&name.as_str()) || found.contains_key(&name) {
                continue;
            }
            let place = folders.iter().map(|folder| folder.join(&name)).find(|file| file.exists());
            match place {
                None => drop(missing.insert(name)),
                Some(file) => {
                    open.push(file.clone());
                    found.insert(name, file);
                }
            }
        }
    }
    Ok((found, missing))
}

/// The names of the libraries that a file is linked to.
fn needed(file: &Path) -> Result<Vec<String>> {
    let said = shell::output(Command::new("readelf").args(["-dW"]).arg(file))?;
    Ok(said.lines().filter_map(name).map(str::to_owned).collect())
}

/// ` 0x0000000000000001 (NEEDED)             Shared library: [libm.so.6]`
fn name(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("(NEEDED)")?;
    rest.split_once('[')?.1.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_libraries_are_in_brackets() {
        let line = " 0x0000000000000001 (NEEDED)             Shared library: [libm.so.6]";
        assert_eq!(name(line), Some("libm.so.6"));
        assert_eq!(name(" 0x000000000000000e (SONAME)  Library soname: [liba.so]"), None);
    }

    #[test]
    fn the_c_library_is_the_machines() {
        let (found, missing) = of(&["/proc/self/exe".into()], &[]).unwrap();
        assert!(found.is_empty());
        assert!(!missing.contains("libc.so.6"), "{missing:?}");
    }
}
