//! The rules of the house that no compiler checks.
//!
//! A file or function that must be long says why: `//! Long because …` in the file's head,
//! `// Long because …` above the function or in it.

mod arrows;
mod environment;
mod functions;
mod paths;
mod rooms;
mod rust_file;
mod sizes;
mod text;
mod twins;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::project;
use rust_file::RustFile;

/// What was found. Only faults make the run fail.
#[derive(Debug, Default)]
struct Findings {
    faults: Vec<String>,
    remarks: Vec<String>,
}

impl Findings {
    fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

/// `cargo xtask tidy`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.end()?;
    check()
}

/// Checks everything and prints what it finds.
///
/// # Errors
///
/// A rule is broken.
pub(crate) fn check() -> Result<()> {
    let mut findings = Findings::default();
    let tracked = project::tracked_files()?;
    let files = tracked.iter().filter(|file| file.extension().is_some_and(|end| end == "rs"));
    let files: Vec<RustFile> = files.map(|file| RustFile::read(file)).collect::<Result<_>>()?;

    let rooms = rooms::table()?;
    arrows::check(&rooms, &mut findings)?;
    for file in &files {
        text::check(file, &rooms, &mut findings);
        sizes::check(file, &mut findings);
        functions::check(file, &mut findings);
    }
    environment::check(&files, &mut findings);
    paths::check(&tracked, &mut findings)?;
    twins::check(&tracked, &mut findings);
    report(&findings, files.len())
}

fn report(findings: &Findings, files: usize) -> Result<()> {
    for remark in &findings.remarks {
        println!("note: {remark}");
    }
    for fault in &findings.faults {
        println!("error: {fault}");
    }
    if !findings.faults.is_empty() {
        bail!("{} rules are broken in {files} files", findings.faults.len());
    }
    println!("tidy: {files} files hold the rules, {} notes", findings.remarks.len());
    Ok(())
}
