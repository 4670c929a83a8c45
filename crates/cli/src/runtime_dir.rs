//! A folder of our own for the socket and what the application must find, gone at the end.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;

use crate::failure::Failure;

/// What our folders are called, before the process id.
const PREFIX: &str = "run-";

/// The longest runtime folder of a user that is taken, in bytes: the path of a socket below it has
/// at most 107 (`unix(7)`).
const LONGEST: usize = 70;

/// A folder that only its user can enter, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct RuntimeDir {
    path: PathBuf,
    /// Locked for as long as we live, by which others know that the folder is in use.
    _lock: File,
}

impl RuntimeDir {
    /// Makes one under `$XDG_RUNTIME_DIR`, or under the folder for temporary files, and removes
    /// those of processes that were killed.
    pub(crate) fn create() -> Result<Self, Failure> {
        let base = std::path::absolute(base()).unwrap_or_else(|_| base());
        let made = private(&base).and_then(|()| {
            sweep(&base);
            Self::below(&base)
        });
        made.map_err(|err| {
            let todo = "set XDG_RUNTIME_DIR or TMPDIR to a folder of yours that can be written";
            Failure::new(base.display().to_string(), err, todo)
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn below(base: &Path) -> io::Result<Self> {
        let path = base.join(format!("{PREFIX}{}", process::id()));
        // A process of another namespace may have our number; its folder is locked, ours is not.
        let path = if path.exists() { path.with_extension("2") } else { path };
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::create(path.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn base() -> PathBuf {
    let user = geteuid().as_raw();
    let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let ours = |path: &PathBuf| {
        path.is_absolute()
            && path.as_os_str().len() <= LONGEST
            && fs::metadata(path).is_ok_and(|dir| dir.is_dir() && dir.uid() == user)
    };
    given
        .filter(ours)
        .map_or_else(|| env::temp_dir().join(format!("zerohop-{user}")), |dir| dir.join("zerohop"))
}

/// Makes `path`, or checks that nobody else made it.
fn private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let dir = fs::symlink_metadata(path)?;
    if dir.is_dir() && dir.uid() == geteuid().as_raw() && dir.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::other("it exists, and it is not a private folder of this user"))
    }
}

/// Removes the folders that nobody has locked any more.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let free = File::open(entry.path().join("lock"))
            .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok());
        if free {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_kept_and_a_forgotten_one_is_swept() {
        let base = tempfile::tempdir().unwrap();
        let forgotten = base.path().join("run-1");
        fs::create_dir(&forgotten).unwrap();
        fs::write(forgotten.join("lock"), "").unwrap();
        let dir = RuntimeDir::below(base.path()).unwrap();
        sweep(base.path());
        assert!(dir.path().exists() && !forgotten.exists());
        assert_eq!(fs::metadata(dir.path()).unwrap().mode() & 0o777, 0o700);
        let path = dir.path().to_owned();
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let open = base.path().join("open");
        DirBuilder::new().mode(0o755).create(&open).unwrap();
        assert!(private(&open).is_err());
        private(&base.path().join("new")).unwrap();
    }
}
