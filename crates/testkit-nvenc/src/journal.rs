//! What happened, for the test that asks afterwards.
//!
//! A line for each thing. One that begins with `fault` is a call that the real library would have
//! had a right to answer with anything: a test that finds one has found a bug.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The file that the [`Journal`] is written to.
pub const JOURNAL: &str = "ZEROHOP_NVENC_JOURNAL";

/// The folder that each picture is written to, its rows without padding, as `SESSION-NUMBER.FORMAT`.
pub const PICTURES: &str = "ZEROHOP_NVENC_PICTURES";

/// What the library wrote down, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal(Vec<String>);

impl Journal {
    /// Reads the file that [`JOURNAL`] named.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self(fs::read_to_string(path)?.lines().map(str::to_owned).collect()))
    }

    /// The calls that were wrong.
    pub fn faults(&self) -> Vec<&str> {
        self.lines("fault ").collect()
    }

    /// What is said after `begin`, in the order in which it was said.
    pub fn lines<'a>(&'a self, begin: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |line| line.strip_prefix(begin))
    }

    /// The hashes of the pictures of session `number`, counted from 1.
    pub fn hashes(&self, number: u32) -> Vec<u64> {
        let begin = format!("session {number} picture ");
        let hash = |line: &str| u64::from_str_radix(line.rsplit(' ').next()?, 16).ok();
        self.lines(&begin).filter_map(hash).collect()
    }
}

/// Writes one line.
pub(crate) fn say(line: &str) {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let open = || {
        let path = std::env::var_os(JOURNAL)?;
        Some(OpenOptions::new().create(true).append(true).open(path).expect("open the journal"))
    };
    if let Some(mut file) = FILE.get_or_init(open).as_ref() {
        // One write, so that processes do not write into each other's lines.
        file.write_all(format!("{line}\n").as_bytes()).expect("write the journal");
    }
}

/// Writes down that a call was wrong, where everybody sees it.
pub(crate) fn fault(what: &str) {
    eprintln!("testkit-nvenc: fault: {what}");
    say(&format!("fault {what}"));
}

/// Keeps the bytes of a picture, if that was asked for.
pub(crate) fn keep(name: &str, bytes: &[u8]) {
    let Some(folder) = std::env::var_os(PICTURES).map(PathBuf::from) else { return };
    fs::write(folder.join(name), bytes).expect("write a picture");
}

/// FNV-1a of 64 bits, by which a test knows a picture again.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_are_those_of_fnv() {
        assert_eq!(super::hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
