//! Keeping a driver's library in memory after its last instance.

use std::fs;
use std::path::PathBuf;

use libloading::os::unix::{Library, RTLD_NOW};

/// `RTLD_NODELETE` of `<dlfcn.h>` on Linux: the library stays until the process ends.
const RTLD_NODELETE: i32 = 0x1000;

/// Keeps the library with this file name, if it is loaded. Where that fails, nothing is different.
pub(crate) fn keep_loaded(name: &str) {
    let Some(path) = loaded(name) else { return };
    // SAFETY: it is loaded already, so no code of it runs now.
    let _ = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_NODELETE) };
}

/// Where the library with this file name was loaded from.
///
/// # References
///
/// `proc_pid_maps(5)`: the path is the last column.
fn loaded(name: &str) -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let mut paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    let path = paths.find(|path| path.rsplit('/').next() == Some(name))?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_found_where_it_was_loaded_from() {
        let libc = loaded("libc.so.6").unwrap();
        assert!(libc.is_file(), "{}", libc.display());
        assert_eq!(loaded("libvulkan_of_nobody.so"), None);
        keep_loaded("libc.so.6");
    }
}
