//! A Rust file with its comments and literals told apart from its code.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project;

/// One source file.
#[derive(Debug)]
pub(super) struct RustFile {
    /// Relative to the checkout.
    pub(super) path: PathBuf,
    /// As it is on the disk.
    pub(super) text: String,
    /// The same, with spaces where comments and the insides of literals were. Line numbers agree.
    pub(super) code: String,
}

impl RustFile {
    /// Reads a file of the checkout.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(project::root().join(path));
        let text = text.with_context(|| format!("read {}", path.display()))?;
        Ok(Self { path: path.to_owned(), code: code_of(&text), text })
    }

    /// The folder under `crates/`, or `xtask`.
    pub(super) fn room(&self) -> String {
        let mut parts = self.path.iter().map(|part| part.to_string_lossy());
        let first = parts.next().unwrap_or_default();
        if first == "crates" { parts.next().unwrap_or_default().into_owned() } else { first.into() }
    }

    /// Whether the file is compiled for tests, examples or benches only.
    pub(super) fn is_dev(&self) -> bool {
        let dev = |part: &std::ffi::OsStr| {
            ["tests", "examples", "benches", "fuzz"].iter().any(|name| part == *name)
        };
        self.path.iter().any(dev)
    }

    /// The code before the first `#[cfg(test)]`, which closes a file by custom.
    pub(super) fn without_tests(&self) -> &str {
        let end = self.code.find("#[cfg(test)]").unwrap_or(self.code.len());
        &self.text[..end]
    }
}

/// Blanks comments and the insides of literals, and keeps every line break and every length.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    // Only whole comments and literals were blanked, so this is UTF-8 still.
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn skipped(text: &[u8], at: usize) -> usize {
    match &text[at..] {
        [b'/', b'/', ..] => find(text, at, b"\n"),
        [b'/', b'*', ..] => block_comment(text, at),
        [b'"', ..] => string(text, at),
        [b'r' | b'b' | b'c', ..] if starts_word(text, at) => raw_string(text, at).unwrap_or(at),
        [b'\'', rest @ ..] => at + character(rest),
        _ => at,
    }
}

fn starts_word(text: &[u8], at: usize) -> bool {
    at == 0 || !(text[at - 1].is_ascii_alphanumeric() || text[at - 1] == b'_')
}

fn find(text: &[u8], at: usize, what: &[u8]) -> usize {
    let found = text[at..].windows(what.len()).position(|window| window == what);
    found.map_or(text.len(), |offset| at + offset)
}

fn block_comment(text: &[u8], begin: usize) -> usize {
    let (mut at, mut depth) = (begin, 0_u32);
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// `r"…"`, `br#"…"#` and their kin. `b"…"` is left to [`string`].
fn raw_string(text: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    while matches!(text.get(at), Some(b'b' | b'c')) {
        at += 1;
    }
    if text.get(at) != Some(&b'r') {
        return None;
    }
    let hashes = text[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    if text.get(at + 1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let end = find(text, at + 2 + hashes, &close) + close.len();
    Some(end.min(text.len()))
}

/// The length of a character literal; 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.first() == Some(&b'\\') {
        let from = 2.min(rest.len());
        return find(rest, from, b"'") + 2;
    }
    // One character has up to four bytes, and a lifetime has no quote after its first letter.
    let first = std::str::from_utf8(&rest[..rest.len().min(4)]);
    let valid = match first {
        Ok(text) => text,
        Err(err) => std::str::from_utf8(&rest[..err.valid_up_to()]).unwrap_or_default(),
    };
    let length = valid.chars().next().map_or(0, char::len_utf8);
    if length > 0 && rest.get(length) == Some(&b'\'') { length + 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank_and_code_is_not() {
        for (text, code) in [
            ("a // {\nb", "a     \nb"),
            ("a /* { /* } */ */ b", "a                 b"),
            (r#"f("{\"", x)"#, "f(     , x)"),
            (r##"f(r#"{"#, 'x', '\'', b'{')"##, "f(      ,    ,     , b   )"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("for r in x {}", "for r in x {}"),
        ] {
            assert_eq!(code_of(text), code, "{text}");
        }
    }

    #[test]
    fn lengths_stay_even_with_letters_of_several_bytes() {
        let text = "x // é → ü\n'→' y";
        assert_eq!(code_of(text).len(), text.len());
        assert!(code_of(text).ends_with(" y"));
    }
}
