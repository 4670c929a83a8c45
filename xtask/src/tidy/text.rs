//! What each file must say: its purpose, and its stand on `unsafe`.

use super::Findings;
use super::rooms::Rooms;
use super::rust_file::RustFile;

/// `//!` first, `forbid(unsafe_code)` on each crate that may not, and no `unsafe` there.
pub(super) fn check(file: &RustFile, rooms: &Rooms, findings: &mut Findings) {
    let path = file.path.display();
    if !file.text.lines().next().is_some_and(|line| line.starts_with("//!")) {
        findings.fault(format!("{path} does not begin with `//!` and what it is for"));
    }
    let allowed = rooms.get(&file.room()).is_some_and(|room| room.may_be_unsafe);
    if allowed {
        return;
    }
    if is_crate_root(file) && !file.code.contains("#![forbid(unsafe_code)]") {
        findings.fault(format!("{path} lacks `#![forbid(unsafe_code)]`"));
    }
    for (number, line) in file.code.lines().enumerate() {
        if has_word(line, "unsafe") {
            findings.fault(format!("{path}:{}: `unsafe` in a room that has none", number + 1));
        }
    }
}

/// What Cargo compiles first in a package. Tests, examples and build scripts are left to the workspace's lint.
fn is_crate_root(file: &RustFile) -> bool {
    let roots = ["src/lib.rs", "src/main.rs"];
    roots.iter().any(|root| file.path.ends_with(root))
}

fn has_word(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    line.split(|c: char| !letter(c)).any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use super::super::rooms::Room;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let rooms = [("vulkan", true), ("wire", false)];
        let rooms = rooms.map(|(name, may_be_unsafe)| {
            (name.to_owned(), Room { uses: Vec::new(), may_be_unsafe })
        });
        let file = RustFile { path: path.into(), text: text.into(), code: text.into() };
        let mut findings = Findings::default();
        check(&file, &Rooms::from(rooms), &mut findings);
        findings.faults
    }

    #[test]
    fn unsafe_is_a_word_and_has_its_rooms() {
        let text = "//! x\nunsafe { f() }\n#![deny(unsafe_code)]\n";
        assert_eq!(findings("crates/vulkan/src/a.rs", text), [""; 0]);
        let faults = findings("crates/wire/src/a.rs", text);
        assert_eq!(faults, ["crates/wire/src/a.rs:2: `unsafe` in a room that has none"]);
    }

    #[test]
    fn a_crate_root_must_forbid() {
        let faults = findings("crates/wire/src/lib.rs", "//! x\n");
        assert_eq!(faults, ["crates/wire/src/lib.rs lacks `#![forbid(unsafe_code)]`"]);
        assert_eq!(findings("crates/wire/src/other.rs", "//! x\n"), [""; 0]);
    }
}
