//! What happened, for the test that asks afterwards.
//!
//! A line for each thing, in the file that `ZEROHOP_NVENC_JOURNAL` names. A line that begins with
//! `fault` is a call that the real library would have had a right to answer with anything: a test
//! that finds one has found a bug. With the folder that `ZEROHOP_NVENC_PICTURES` names each picture
//! is written there too, its rows without padding, as `SESSION-NUMBER.FORMAT`.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

const JOURNAL: &str = "ZEROHOP_NVENC_JOURNAL";
const PICTURES: &str = "ZEROHOP_NVENC_PICTURES";

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
pub(crate) fn hash(bytes: &[u8]) -> u64 {
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
