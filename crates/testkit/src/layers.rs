//! Puts Vulkan layers between a program and its driver, in an order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use zerohop_manifest::{Activation, LAYERS, Layer};

/// The Khronos validation layer's name.
pub const VALIDATION: &str = "VK_LAYER_KHRONOS_validation";

/// Its library.
const VALIDATION_LIBRARY: &str = "libVkLayer_khronos_validation.so";

/// Its manifest.
const MANIFEST: &str = "VkLayer_khronos_validation.json";

/// Where Debian puts that.
const SYSTEM: &str = "/usr/share/vulkan/explicit_layer.d";

/// What it is to look at beside valid usage.
const SYNCHRONIZATION: &str = "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT";

/// What it is not to do: an old one hands its own handles to commands that it does not know.
const HANDLES: &str = "VK_VALIDATION_FEATURE_DISABLE_UNIQUE_HANDLES_EXT";

/// Makes `command` load the layers called `names`, from the application to the driver, and no
/// others. Ours are found beside this test's own program, where cargo puts the libraries of the
/// package that is tested; their manifests are written into folders below `folder`. A layer with a
/// folder of its name there already is found in it.
///
/// # Errors
///
/// A manifest cannot be written, or a library is not there.
pub fn stack(command: &mut Command, folder: &Path, names: &[&str]) -> io::Result<()> {
    let path: Vec<String> = names
        .iter()
        .map(|name| match LAYERS.iter().find(|layer| layer.name == *name) {
            Some(layer) => Ok(install(layer, folder)?.display().to_string()),
            None if folder.join(name).is_dir() => Ok(folder.join(name).display().to_string()),
            None => Ok(system()),
        })
        .collect::<io::Result<_>>()?;
    for name in ["VK_LOADER_LAYERS_ENABLE", "VK_ADD_LAYER_PATH"] {
        command.env_remove(name);
    }
    for layer in LAYERS {
        command.env_remove(layer.enable_environment);
    }
    // Older loaders put the layer that is found first next to the application, whatever the other
    // variable says.
    command
        .env("VK_LAYER_PATH", if path.is_empty() { system() } else { path.join(":") })
        .env("VK_INSTANCE_LAYERS", names.join(":"))
        .env("VK_LAYER_ENABLES", SYNCHRONIZATION)
        .env("VK_LAYER_DISABLES", HANDLES);
    Ok(())
}

/// Where the validation layer's manifest is: below one of the data folders that loaders look in
/// (`XDG_DATA_DIRS`), else where Debian puts it.
pub fn system() -> String {
    let folders = env::var("XDG_DATA_DIRS").unwrap_or_default();
    let mut folders = folders.split(':').map(|one| Path::new(one).join("vulkan/explicit_layer.d"));
    let found = folders.find(|one| one.join(MANIFEST).is_file());
    found.map_or_else(|| SYSTEM.to_owned(), |one| one.display().to_string())
}

/// Writes the manifest of `layer` into a folder of its own below `folder`.
fn install(layer: &Layer, folder: &Path) -> io::Result<PathBuf> {
    let library = env::current_exe()?.with_file_name(layer.library);
    if !library.is_file() {
        return Err(io::Error::other(format!("{} is not built", library.display())));
    }
    let folder = folder.join(layer.name);
    layer.install(&library, &folder, Activation::Explicit)?;
    Ok(folder)
}

/// What the environment of this process asks for and the loader did not load; it would not say so.
pub fn missing() -> Vec<String> {
    let asked = env::var("VK_INSTANCE_LAYERS").unwrap_or_default();
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let ours = LAYERS.iter().map(|layer| (layer.name, layer.library));
    let all = ours.chain([(VALIDATION, VALIDATION_LIBRARY)]);
    let lost = all.filter(|(name, library)| asked.contains(name) && !maps.contains(library));
    lost.map(|(name, _)| name.to_owned()).collect()
}
