//! How long files are.

use super::Findings;
use super::rust_file::RustFile;

/// Lines that deserve a word.
const USUAL: usize = 250;
/// Lines that need a reason.
const MOST: usize = 500;

/// Mentions long files, and refuses very long ones without a reason.
pub(super) fn check(file: &RustFile, findings: &mut Findings) {
    let lines = file.text.lines().count();
    let path = file.path.display();
    let mut head = file.text.lines().take_while(|line| line.starts_with("//!"));
    if head.any(|line| line.contains("Long because")) {
        return;
    }
    if lines > MOST {
        findings.fault(format!("{path} has {lines} lines and no `//! Long because …`"));
    } else if lines > USUAL {
        findings.remark(format!("{path} has {lines} lines"));
    }
}
