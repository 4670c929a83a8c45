//! Each environment variable is named in one file per process.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use super::rust_file::RustFile;

/// Variables of ours begin like this.
const PREFIX: &str = concat!("ZERO", "HOP_");

/// Refuses a variable that two files of one process name.
pub(super) fn check(files: &[RustFile], findings: &mut Findings) {
    let mut places: BTreeMap<(String, &str), BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.is_dev()) {
        for name in names(file.without_tests()) {
            let key = (name, process(&file.room()));
            places.entry(key).or_default().insert(file.path.display().to_string());
        }
    }
    for ((name, process), files) in places {
        if files.len() > 1 {
            let files: Vec<_> = files.into_iter().collect();
            findings.fault(format!("{process} names {name} in {}", files.join(" and ")));
        }
    }
}

/// Which program a room's code runs in.
fn process(room: &str) -> &'static str {
    match room {
        "xtask" => "xtask",
        "proof" => "the proof",
        room if room.starts_with("testkit") => "the test kit",
        "layer" => "the application",
        room if room.starts_with("layer-") => "the application",
        _ => "the host",
    }
}

/// The variables that stand in quotes, as the code needs them.
fn names(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let quoted = code.flat_map(|line| line.split('"').skip(1).step_by(2));
    let named = quoted.filter(|word| {
        let rest = word.strip_prefix(PREFIX);
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    });
    named.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_in_two_files_of_one_process_is_found() {
        let text = format!("var(\"{PREFIX}A\")\n// \"{PREFIX}C\"\n");
        let file =
            |path: &str| RustFile { path: path.into(), text: text.clone(), code: text.clone() };
        let mut findings = Findings::default();
        check(&[file("crates/layer/src/a.rs"), file("crates/cli/src/a.rs")], &mut findings);
        assert_eq!(findings.faults, [""; 0]);
        check(&[file("crates/cli/src/a.rs"), file("crates/pipeline/src/b.rs")], &mut findings);
        let fault = "names ZEROHOP_A in crates/cli/src/a.rs and crates/pipeline/src/b.rs";
        assert!(findings.faults[0].contains(fault), "{:?}", findings.faults);
    }
}
