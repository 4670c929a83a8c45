//! Every shader has a CPU twin beside it.

use std::path::PathBuf;

use super::Findings;

/// Refuses a shader without a twin in its folder.
pub(super) fn check(tracked: &[PathBuf], findings: &mut Findings) {
    let shaders = tracked.iter().filter(|file| file.extension().is_some_and(|end| end == "wgsl"));
    for shader in shaders {
        let twin = shader.with_file_name("cpu.rs");
        if !tracked.contains(&twin) {
            let (shader, twin) = (shader.display(), twin.display());
            findings.fault(format!("{shader} has no CPU twin {twin}"));
        }
    }
}
