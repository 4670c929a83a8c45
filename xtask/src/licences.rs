//! What we build on: its licences, where it comes from, and whether faults of it are known.
//!
//! The rules are cargo-deny's, in `deny.toml`. Licences and sources are checked here too, since
//! that takes no network and no three minutes to compile cargo-deny. Advisories need its database:
//! they are checked where it can be had, and where not, this says so.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::args::Args;
use crate::{project, shell, spdx};

/// `cargo xtask licences`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.end()?;
    check()?;
    advisories()
}

/// Checks licences and sources of every package that is built in.
///
/// # Errors
///
/// A licence is not in `deny.toml`, or a package comes from elsewhere than the registry.
pub(crate) fn check() -> Result<()> {
    let deny = fs::read_to_string(project::root().join("deny.toml")).context("read deny.toml")?;
    let allowed =
        list(&deny, "[licenses]", "allow").context("deny.toml has no [licenses] allow")?;
    let metadata = project::metadata(true)?;
    let packages = metadata["packages"].as_array().context("metadata without packages")?;
    let faults: Vec<String> =
        packages.iter().filter_map(|package| fault(package, &allowed)).collect();
    for fault in &faults {
        println!("error: {fault}");
    }
    if !faults.is_empty() {
        bail!("{} of {} packages may not be used", faults.len(), packages.len());
    }
    println!("{} packages: licences and sources as deny.toml has them", packages.len());
    Ok(())
}

fn fault(package: &Value, allowed: &[String]) -> Option<String> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    let source = package["source"].as_str();
    if source.is_some_and(|source| !source.starts_with("registry+")) {
        return Some(format!("{name} comes from {}", source.unwrap_or_default()));
    }
    let is_allowed = |licence: &str| allowed.iter().any(|one| one == licence);
    match package["license"].as_str() {
        Some(licence) if spdx::is_allowed(licence, &is_allowed) => None,
        Some(licence) => Some(format!("{name} is under {licence}, which deny.toml does not allow")),
        None => Some(format!("{name} names no licence")),
    }
}

/// The strings of `key = [...]` in a section of a TOML file.
fn list(toml: &str, section: &str, key: &str) -> Option<Vec<String>> {
    let mut lines = toml.lines().skip_while(|line| *line != section).skip(1);
    let start = format!("{key} = [");
    let lines = lines.by_ref().take_while(|line| !line.starts_with('['));
    let text: String = lines.skip_while(|line| !line.starts_with(&start)).collect();
    let inside = text.strip_prefix(&start)?.split_once(']')?.0;
    Some(inside.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Asks cargo-deny for known faults, where its database can be reached; installs it in the target
/// folder if the machine has none.
///
/// # Errors
///
/// A package has a known fault.
pub(crate) fn advisories() -> Result<()> {
    const DATABASE: &str = "https://github.com/rustsec/advisory-db";
    let mut ask = Command::new("timeout");
    ask.args(["20", "git", "ls-remote", "--exit-code", DATABASE, "HEAD"]);
    ask.env("GIT_TERMINAL_PROMPT", "0");
    if let Err(err) = shell::output(&mut ask) {
        println!("advisories: NOT CHECKED: their database cannot be reached: {err:#}");
        return Ok(());
    }
    let tools = project::target().join("tools");
    let deny = shell::find("cargo-deny").unwrap_or_else(|| tools.join("bin/cargo-deny"));
    if !deny.exists() {
        let mut install = project::cargo("install");
        shell::run(install.args(["--locked", "--quiet", "cargo-deny", "--root"]).arg(&tools))?;
    }
    shell::run(Command::new(deny).args(["check", "advisories"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_judged_by_licence_and_source() {
        let allowed = ["MIT".to_owned()];
        let package = |licence: Value, source: Value| {
            let map = [("name", "a".into()), ("version", "1.0.0".into())];
            let more = [("license", licence), ("source", source)];
            let all = map.into_iter().chain(more).map(|(key, value)| (key.to_owned(), value));
            Value::Object(all.collect())
        };
        assert_eq!(fault(&package("MIT".into(), Value::Null), &allowed), None);
        assert_eq!(fault(&package("MIT".into(), "registry+x".into()), &allowed), None);
        let wrong = fault(&package("GPL-3.0".into(), Value::Null), &allowed).unwrap();
        assert_eq!(wrong, "a 1.0.0 is under GPL-3.0, which deny.toml does not allow");
        let wrong = fault(&package("MIT".into(), "git+x".into()), &allowed).unwrap();
        assert_eq!(wrong, "a 1.0.0 comes from git+x");
        assert!(fault(&package(Value::Null, Value::Null), &allowed).is_some());
    }

    #[test]
    fn the_list_ends_with_its_section() {
        let toml = "[a]\nallow = [\"X\"]\n[licenses]\n# those\nallow = [\n  \"MIT\",\n]\n[b]\n";
        assert_eq!(list(toml, "[a]", "allow").unwrap(), ["X"]);
        assert_eq!(list(toml, "[licenses]", "allow").unwrap(), ["MIT"]);
        assert_eq!(list(toml, "[b]", "allow"), None);
    }
}
