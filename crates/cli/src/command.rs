//! Finding the program that a command names, before anything else is touched.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::failure::{Failure, NOT_EXECUTABLE, NOT_FOUND};

/// The option of `cargo build` that puts what it makes beside this program.
pub(crate) const BESIDE: &str = if cfg!(debug_assertions) { "" } else { "--release " };

/// The file that `name` stands for, as `execvp(3)` finds it.
pub(crate) fn find(name: &OsStr) -> Result<PathBuf, Failure> {
    find_in(name, &env::var_os("PATH").unwrap_or_default())
}

fn find_in(name: &OsStr, path: &OsStr) -> Result<PathBuf, Failure> {
    let text = name.to_string_lossy();
    let candidates: Vec<PathBuf> = if text.contains('/') {
        vec![name.into()]
    } else {
        env::split_paths(path).map(|folder| folder.join(name)).collect()
    };
    let files = || candidates.iter().filter(|path| path.is_file());
    if let Some(found) = files().find(|path| executable(path)) {
        return Ok(found.clone());
    }
    Err(match files().next() {
        Some(file) => {
            let why = format!("{} is not executable", file.display());
            Failure::new(text, why, "check its permissions").with_code(NOT_EXECUTABLE)
        }
        None => Failure::new(text, "command not found", "check the name after --, or install it")
            .with_code(NOT_FOUND),
    })
}

fn executable(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_command_and_one_that_cannot_run_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("text"), "").unwrap();
        let code =
            |name: &str| find_in(OsStr::new(name), folder.path().as_os_str()).unwrap_err().code();
        assert_eq!((code("nothing"), code("text")), (NOT_FOUND, NOT_EXECUTABLE));
        assert!(find_in(OsStr::new("sh"), OsStr::new("/nonexistent:/bin")).is_ok());
    }
}
