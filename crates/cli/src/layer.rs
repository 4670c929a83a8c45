//! How the application comes to load the layer.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use zerohop_manifest::{Activation, DMABUF, LAYER_NAME, LIBRARY, LISTING, Layer, WSI};

use crate::command::BESIDE;
use crate::failure::Failure;

/// Where a distribution's package puts the library, from the folder that `bin` is in.
const INSTALLED: [&str; 3] = ["lib/zerohop", "lib", "lib64"];

/// Lists the explicit layers to load.
const EXPLICIT: &str = "VK_INSTANCE_LAYERS";

/// Lists the folders below which implicit layers are looked for.
const DATA: &str = "XDG_DATA_DIRS";

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
            format!(
                "build it with `cargo build {BESIDE}-p zerohop-layer-wsi`, or set ZEROHOP_LAYER_PATH"
            ),
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

/// Writes the manifests for `library` into `folder`, and says which environment variables make a
/// Vulkan loader load it, after the layers that the user has chosen.
///
/// The layer is an explicit one, and an implicit one too, because instance extensions of explicit
/// layers are not shown to an application that asks before it has an instance. A loader that finds
/// both loads one. That of Vulkan 1.4.309 takes the implicit one, above all explicit ones: where
/// the user has chosen some, ours is explicit only and comes after, and an implicit one lists what
/// it adds ([`LISTING`]).
///
/// # Errors
///
/// A manifest cannot be written.
pub(crate) fn environment(
    library: &Path,
    folder: &Path,
) -> io::Result<Vec<(&'static str, OsString)>> {
    let mut variables = explicit(library, folder)?;
    let chosen = given(EXPLICIT).is_some_and(|layers| layers != LAYER_NAME);
    variables.extend(implicit(if chosen { &LISTING } else { &WSI }, library, folder)?);
    Ok(variables)
}

/// # References
///
/// Vulkan-Loader `docs/LoaderInterfaceArchitecture.md`, "Table of Debug Environment Variables":
/// `VK_ADD_LAYER_PATH` (from 1.3.207 on) is ignored when `VK_LAYER_PATH` is set.
fn explicit(library: &Path, folder: &Path) -> io::Result<Vec<(&'static str, OsString)>> {
    WSI.install(library, folder, Activation::Explicit)?;
    let path = if given("VK_LAYER_PATH").is_some() { "VK_LAYER_PATH" } else { "VK_ADD_LAYER_PATH" };
    let layers = with_ours(given(EXPLICIT));
    let mut found = given(path);
    if let Some(dmabuf) = dmabuf(&layers, library, folder)? {
        found = Some(join(Some(dmabuf.into()), found));
    }
    Ok(vec![(path, join(Some(folder.into()), found)), (EXPLICIT, layers)])
}

/// The user's layers and ours: after them, but above the layer for dma-bufs, whose they are to take.
fn with_ours(layers: Option<OsString>) -> OsString {
    match &layers {
        Some(list) if names(list, LAYER_NAME) => return list.clone(),
        Some(list) if names(list, DMABUF.name) => {
            let list = list.to_string_lossy();
            let (above, below) = list.split_once(DMABUF.name).unwrap_or((&list, ""));
            return format!("{above}{LAYER_NAME}:{}{below}", DMABUF.name).into();
        }
        _ => {}
    }
    join(layers, Some(LAYER_NAME.into()))
}

/// Writes the manifest of the layer for dma-bufs into a folder of its own, when it is among `layers`
/// and beside ours: older loaders take the order in which they find layers.
fn dmabuf(layers: &OsStr, library: &Path, folder: &Path) -> io::Result<Option<PathBuf>> {
    let library = library.with_file_name(DMABUF.library);
    if !names(layers, DMABUF.name) || !library.is_file() {
        return Ok(None);
    }
    let folder = folder.join("dmabuf");
    DMABUF.install(&library, &folder, Activation::Explicit)?;
    Ok(Some(folder))
}

/// # References
///
/// Vulkan-Loader `docs/LoaderLayerInterface.md`, "Linux Layer Discovery"; XDG Base Directory
/// Specification for what an unset or empty `XDG_DATA_DIRS` means.
fn implicit(
    layer: &Layer,
    library: &Path,
    folder: &Path,
) -> io::Result<Vec<(&'static str, OsString)>> {
    let layers = folder.join("vulkan").join("implicit_layer.d");
    layer.install(library, &layers, Activation::Implicit)?;
    let others = given(DATA).unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    Ok(vec![
        (DATA, join(Some(others), Some(folder.into()))),
        (layer.enable_environment, "1".into()),
    ])
}

/// The value of a variable that is set to something.
fn given(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
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
    fn our_layer_is_above_the_one_for_dma_bufs() {
        let list = with_ours(Some(format!("A:{}:B", DMABUF.name).into()));
        assert_eq!(list, *format!("A:{LAYER_NAME}:{}:B", DMABUF.name));
        let given = format!("{}:{LAYER_NAME}", DMABUF.name);
        assert_eq!(with_ours(Some(given.clone().into())), *given, "what the user says is all");
        assert_eq!(with_ours(Some("A".into())), *format!("A:{LAYER_NAME}"));
    }

    #[test]
    fn our_layer_comes_after_the_users() {
        assert_eq!(join(Some("A:B".into()), Some("C".into())), "A:B:C");
        assert_eq!(join(None, Some("C".into())), "C");
        assert!(names(OsStr::new("A:B"), "B") && !names(OsStr::new("A:BB"), "B"));
    }
}
