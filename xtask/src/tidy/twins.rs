//! Every shader has a CPU twin beside it.

use std::path::{Path, PathBuf};

use super::Findings;

/// Refuses a pass without a twin. What several shaders share lies outside their folders.
pub(super) fn check(tracked: &[PathBuf], findings: &mut Findings) {
    for shader in tracked.iter().filter(|file| is_pass(file)) {
        let twin = shader.with_file_name("cpu.rs");
        if !tracked.contains(&twin) {
            let (shader, twin) = (shader.display(), twin.display());
            findings.fault(format!("{shader} has no CPU twin {twin}"));
        }
    }
}

/// Whether `file` is as in `convert/convert.wgsl`.
fn is_pass(file: &Path) -> bool {
    let folder = file.parent().and_then(Path::file_name);
    file.extension().is_some_and(|end| end == "wgsl") && file.file_stem() == folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pass_needs_a_twin() {
        let files = ["a/a.wgsl", "b/b.wgsl", "b/cpu.rs", "shared.wgsl"].map(PathBuf::from);
        let mut findings = Findings::default();
        check(&files, &mut findings);
        assert_eq!(findings.faults, ["a/a.wgsl has no CPU twin a/cpu.rs"]);
    }
}
