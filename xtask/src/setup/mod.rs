//! What must be on the machine beside Rust, and getting it there on Debian.

mod apt;
mod backports;
mod need;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::project;
use crate::shell;
pub(crate) use need::Purpose;
use need::{NEEDS, Need};

/// `cargo xtask setup [PURPOSE...]`; all purposes but the applications by default.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let words = args.rest()?;
    if words.is_empty() {
        return ensure(&[Purpose::Build, Purpose::Demo, Purpose::Test, Purpose::Bench]);
    }
    let purposes: Result<Vec<_>> = words.iter().map(|word| Purpose::named(word)).collect();
    ensure(&purposes?)
}

/// Makes the machine ready for `purposes`: installs what is missing on Debian, says so, and says
/// why. Elsewhere it only says what is missing.
///
/// # Errors
///
/// A package cannot be installed; on other systems, a program is not there.
pub(crate) fn ensure(purposes: &[Purpose]) -> Result<()> {
    let wanted: Vec<&Need> = NEEDS.iter().filter(|need| need.serves(purposes)).collect();
    if !apt::is_debian() {
        return elsewhere(&wanted);
    }
    let release = apt::release()?;
    let missing: Vec<&Need> =
        wanted.into_iter().filter(|need| need.exists_in(release) && !apt::has(need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let begin = Instant::now();
    install(&missing, release)?;
    println!("installed in {:.0} s\n", begin.elapsed().as_secs_f64());
    Ok(())
}

fn install(missing: &[&Need], release: apt::Release) -> Result<()> {
    println!("missing Debian packages, to be installed with apt-get:");
    for need in missing {
        println!("  {:<24} {}", need.package, need.why);
    }
    if missing.iter().any(|need| need.needs_backports(release)) {
        backports::add(release)?;
    }
    apt::update()?;
    apt::install(missing, release)?;
    if missing.iter().any(|need| need.package == "nasm") {
        rebuild_encoder()?;
    }
    Ok(())
}

/// Whether this is that release of Debian or a newer one; other systems are taken for the newest.
///
/// # Errors
///
/// This is a Debian older than 12.
pub(crate) fn is_since(release: u32) -> Result<bool> {
    Ok(!apt::is_debian() || apt::release()?.0 >= release)
}

/// Where the packages of this machine's Debian come from.
///
/// # Errors
///
/// No source in `/etc/apt` says.
pub(crate) fn mirror() -> Result<String> {
    backports::mirror()
}

/// What apt must know to have packages and sources of another release, from the same mirror.
///
/// # Errors
///
/// As [`mirror`].
pub(crate) fn source_of(suite: &str) -> Result<String> {
    backports::source_of(suite)
}

/// Other systems have other package managers; we say what is needed, and go on if it is there.
fn elsewhere(wanted: &[&Need]) -> Result<()> {
    let missing: Vec<&&Need> = wanted.iter().filter(|need| !need.is_present()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("this is not Debian; please install what these Debian packages hold:");
    for need in &missing {
        eprintln!("  {:<24} {}", need.package, need.why);
    }
    bail!("{} needed things are missing", missing.len())
}

/// OpenH264 built without an assembler is three times slower and does not say so.
fn rebuild_encoder() -> Result<()> {
    let target = project::target();
    for profile in ["debug", "release"] {
        if !target.join(profile).join("build").is_dir() {
            continue;
        }
        let mut clean = project::cargo("clean");
        clean.args(["--quiet", "-p", "openh264-sys2"]);
        if profile == "release" {
            clean.arg("--release");
        }
        shell::run(&mut clean)?;
    }
    Ok(())
}
