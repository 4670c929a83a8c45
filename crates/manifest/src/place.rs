//! Manifests on a disk.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

/// Writes a manifest into `folder`, which is made where it is not there, whole or not at all: a loader
/// that reads the folder at that moment finds the one before or this one. One that found half of it
/// would have no such layer, and make no instance.
///
/// # Errors
///
/// What making the folder, writing and renaming say.
pub(crate) fn place(folder: &Path, file_name: &str, text: &str) -> io::Result<()> {
    /// Several threads of several programs may do so at once.
    static PARTS: AtomicU64 = AtomicU64::new(0);
    fs::create_dir_all(folder)?;
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    // No loader takes it for a manifest: those end in `.json`.
    let part = folder.join(format!("{file_name}.{}-{number}", process::id()));
    fs::write(&part, text)?;
    fs::rename(part, folder.join(file_name))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn whoever_reads_a_manifest_that_is_written_again_finds_all_of_it() {
        let folder = std::env::temp_dir().join(format!("zerohop-place-{}", process::id()));
        let text = "{}".repeat(4096);
        place(&folder, "a.json", &text).unwrap();
        thread::scope(|scope| {
            let writers = [(); 2].map(|()| {
                scope.spawn(|| (0..200).try_for_each(|_| place(&folder, "a.json", &text)))
            });
            while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
                assert_eq!(fs::read_to_string(folder.join("a.json")).unwrap().len(), text.len());
            }
            writers.into_iter().for_each(|writer| writer.join().unwrap().unwrap());
        });
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no part is left");
        fs::remove_dir_all(folder).unwrap();
    }
}
