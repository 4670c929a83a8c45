//! Which room uses which: `cargo metadata` against the table.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Findings;
use super::rooms::Rooms;
use crate::project;

/// Every arrow must be in the table, and every row of the table must be a room.
///
/// # Errors
///
/// `cargo metadata` fails.
pub(super) fn check(rooms: &Rooms, findings: &mut Findings) -> Result<()> {
    let metadata = project::metadata(false)?;
    let packages = metadata["packages"].as_array().context("metadata without packages")?;
    let names: Vec<String> = packages.iter().filter_map(folder).collect();
    for package in packages {
        let Some(name) = folder(package) else { continue };
        let Some(room) = rooms.get(&name) else {
            findings.fault(format!("room {name} is not in the table of ARCHITECTURE.md"));
            continue;
        };
        for used in uses(package) {
            if !room.uses.contains(&used) {
                findings.fault(format!("{name} uses {used}, which ARCHITECTURE.md does not allow"));
            }
        }
    }
    for name in rooms.keys().filter(|name| !names.contains(name)) {
        findings.fault(format!("ARCHITECTURE.md has a room {name}, the repository has not"));
    }
    Ok(())
}

/// `crates/wire/Cargo.toml` is in room `wire`; what is not under `crates/` is no room.
fn folder(package: &Value) -> Option<String> {
    let path = package["manifest_path"].as_str()?;
    let (_, rest) = path.split_once("/crates/")?;
    Some(rest.split('/').next()?.to_owned())
}

/// The rooms a package is built from. Tests may use any room.
fn uses(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let built = all.iter().filter(|one| one["kind"] != "dev");
    let rooms = built.filter_map(|one| one["path"].as_str()?.rsplit('/').next());
    rooms.map(str::to_owned).collect()
}
