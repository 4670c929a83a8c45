//! How the application comes to load the layer.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zerohop_manifest::{Activation, FILE_NAME, LAYER_NAME, LIBRARY, manifest};

use crate::failure::Failure;

/// Where a distribution's package puts the library, from the folder that `bin` is in.
const INSTALLED: [&str; 3] = ["lib/zerohop", "lib", "lib64"];

/// Finds the layer's library: where `ZEROHOP_LAYER_PATH` says, else beside this program, else
/// where a package puts it.
pub(crate) fn library() -> Result<PathBuf, Failure> {
    let candidates =
        candidates(env::var_os("ZEROHOP_LAYER_PATH").as_deref(), env::current_exe().ok());
    candidates.iter().find(|path| path.is_file()).and_then(|path| path.canonicalize().ok()).ok_or_else(|| {
        let looked: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
        Failure::new(
            "the layer",
            format!("no {LIBRARY} at {}", looked.join(", ")),
            "build it with `cargo build --package zerohop-layer-wsi`, or set ZEROHOP_LAYER_PATH",
        )
    })
}

fn candidates(given: Option<&OsStr>, program: Option<PathBuf>) -> Vec<PathBuf> {
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        let given = PathBuf::from(given);
        return vec![if given.is_dir() { given.join(LIBRARY) } else { given }];
    }
    let Some(folder) = program.as_deref().and_then(Path::parent) else { return Vec::new() };
    // A test's own program lies one below the others.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let mut found = vec![folder.join(LIBRARY)];
    if let Some(prefix) = folder.parent() {
        found.extend(INSTALLED.iter().map(|lib| prefix.join(lib).join(LIBRARY)));
    }
    found
}

/// Writes the manifest for `library` into `folder`, and says which environment variables make a
/// Vulkan loader load it, after the layers that the user has chosen.
///
/// # Errors
///
/// The manifest cannot be written.
///
/// # References
///
/// Vulkan-Loader `docs/LoaderInterfaceArchitecture.md`, "Table of Debug Environment Variables":
/// `VK_ADD_LAYER_PATH` (from 1.3.207 on) is ignored when `VK_LAYER_PATH` is set.
pub(crate) fn environment(
    library: &Path,
    folder: &Path,
) -> io::Result<Vec<(&'static str, OsString)>> {
    let text = manifest(&library.to_string_lossy(), Activation::Explicit);
    fs::write(folder.join(FILE_NAME), text)?;
    let given = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let path = if given("VK_LAYER_PATH").is_some() { "VK_LAYER_PATH" } else { "VK_ADD_LAYER_PATH" };
    let found = join(Some(folder.into()), given(path));
    let layers = match given("VK_INSTANCE_LAYERS") {
        Some(layers) if names(&layers, LAYER_NAME) => layers,
        layers => join(layers, Some(LAYER_NAME.into())),
    };
    Ok(vec![(path, found), ("VK_INSTANCE_LAYERS", layers)])
}

/// Both, with a colon between them.
fn join(first: Option<OsString>, second: Option<OsString>) -> OsString {
    match (first, second) {
        (Some(mut first), Some(second)) => {
            first.push(":");
            first.push(second);
            first
        }
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

fn names(list: &OsStr, name: &str) -> bool {
    list.to_str().is_some_and(|list| list.split(':').any(|one| one == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_looked_for_beside_the_program_and_where_packages_put_it() {
        let found = candidates(None, Some("/usr/bin/zerohop".into()));
        assert_eq!(found[0], Path::new("/usr/bin").join(LIBRARY));
        assert_eq!(found[1], Path::new("/usr/lib/zerohop").join(LIBRARY));
        let found = candidates(Some(OsStr::new("/x/layer.so")), Some("/usr/bin/zerohop".into()));
        assert_eq!(found, [PathBuf::from("/x/layer.so")], "what the user says is all");
    }

    #[test]
    fn our_layer_comes_after_the_users() {
        assert_eq!(join(Some("A:B".into()), Some("C".into())), "A:B:C");
        assert_eq!(join(None, Some("C".into())), "C");
        assert!(names(OsStr::new("A:B"), "B") && !names(OsStr::new("A:BB"), "B"));
    }
}
