//! The folder that is packed: what lies where in it.
//!
//! | place | what |
//! |---|---|
//! | `with` | runs a command with all of this around it |
//! | `bin` | our programs, layers and tests, and those of others |
//! | `lib` | what they are linked to, and the Vulkan, EGL and GL loaders |
//! | `lib/spare` | what nearly every machine has newer; used where it has not |
//! | `share` | manifests of layers, keyboards |
//! | `fake` | stand-ins for NVIDIA's libraries |
//! | `clips` | films to decode |

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::closure;
use super::copy;
use super::debian::Debian;
use super::ours::Ours;
use crate::{hide, manifest, shell};

/// Programs of others, by where Debian has them.
const PROGRAMS: &[&str] = &["/usr/bin/vkcube", "/usr/bin/xkbcomp"];

/// Libraries that are loaded by name, and so stand in no program's list.
const LOADED: &[&str] = &[
    "libvulkan.so.1",
    "libVkLayer_khronos_validation.so",
    "libEGL.so.1",
    "libGL.so.1",
    "libGLX.so.0",
    "libGLESv2.so.2",
    "libOpenGL.so.0",
    "libX11.so.6",
    "libX11-xcb.so.1",
    "libXext.so.6",
    "libxcb.so.1",
    "libwayland-client.so.0",
    "libdrm.so.2",
    "libgbm.so.1",
];

/// What any machine with a C++ program has, and newer: an older one in its place would break it.
const SPARE: &[&str] = &["libstdc++.so.6", "libgcc_s.so.1"];

/// What is not ours.
pub(super) struct Others<'a> {
    pub(super) debian: &'a Debian,
    /// The folder with FFmpeg's libraries.
    pub(super) libraries: PathBuf,
    /// Films.
    pub(super) clips: Vec<PathBuf>,
}

/// Everything, where it belongs.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Copies all of it into `root`, which is emptied before.
    ///
    /// # Errors
    ///
    /// Something is missing.
    pub(super) fn plant(root: &Path, ours: &Ours, others: &Others<'_>) -> Result<Self> {
        let debian = others.debian;
        if root.exists() {
            fs::remove_dir_all(root).with_context(|| format!("remove {}", root.display()))?;
        }
        let tree = Self { root: root.to_owned() };
        tree.ours(ours)?;
        tree.server(debian)?;
        for program in PROGRAMS {
            let name = super::name(Path::new(program));
            copy(&debian.file(program)?, &tree.root.join("bin").join(name))?;
        }
        let layer = "share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json";
        copy(&debian.file(&format!("/usr/{layer}"))?, &tree.root.join(layer))?;
        tree.libraries(others)?;
        for clip in &others.clips {
            copy(clip, &tree.root.join("clips").join(super::name(clip)))?;
        }
        tree.script("with", include_str!("with.sh"))?;
        Ok(tree)
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn ours(&self, ours: &Ours) -> Result<()> {
        let bin = self.root.join("bin");
        for (name, path) in ours.files.iter().chain(&ours.tests) {
            copy(path, &bin.join(name))?;
            strip(&bin.join(name))?;
        }
        for (name, path) in &ours.fakes {
            copy(path, &self.root.join("fake").join(name))?;
            strip(&self.root.join("fake").join(name))?;
        }
        manifest::write(&bin)?;
        hide::manifest_folder(&bin)?;
        Ok(())
    }

    /// The X server, with its keyboards.
    fn server(&self, debian: &Debian) -> Result<()> {
        let server = self.root.join("x11/Xvfb");
        copy(&debian.file("/usr/bin/Xvfb")?, &server)?;
        let patched = by_path(fs::read(&server)?).context("Xvfb")?;
        fs::write(&server, patched).context("write the X server")?;
        self.script("bin/Xvfb", include_str!("xvfb.sh"))?;
        let (from, to) = (debian.file("/usr/share/X11/xkb")?, self.root.join("share/X11"));
        fs::create_dir_all(&to).context("make a folder for keyboards")?;
        // Links and all.
        shell::output(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
    }

    /// What all programs are linked to.
    fn libraries(&self, others: &Others<'_>) -> Result<()> {
        let folders = others.debian.libraries();
        let loaded = LOADED.iter().map(|name| {
            let file = folders.iter().map(|folder| folder.join(name)).find(|file| file.exists());
            file.with_context(|| format!("no package of the kit has {name}"))
        });
        let loaded = loaded.collect::<Result<Vec<_>>>()?;
        let mut roots: Vec<_> = files(&self.root.join("bin"))?;
        roots.push(self.root.join("x11/Xvfb"));
        roots.retain(|file| is_elf(file));
        roots.extend(loaded.iter().cloned());
        let all = [&folders[..], std::slice::from_ref(&others.libraries)].concat();
        let (found, missing) = closure::of(&roots, &all)?;
        if !missing.is_empty() {
            bail!(
                "no package of the kit has {}",
                missing.into_iter().collect::<Vec<_>>().join(", ")
            );
        }
        let loaded = loaded.into_iter().map(|file| (super::name(&file), file));
        for (name, file) in found.into_iter().chain(loaded) {
            let folder = if SPARE.contains(&name.as_str()) { "lib/spare" } else { "lib" };
            copy(&file, &self.root.join(folder).join(name))?;
        }
        Ok(())
    }

    fn script(&self, name: &str, text: &str) -> Result<()> {
        script(&self.root.join(name), text)
    }
}

/// Writes a program of the shell's.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn script(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Takes away what only debuggers read.
fn strip(file: &Path) -> Result<()> {
    shell::output(Command::new("strip").arg(file)).map(drop)
}

/// The X server calls `xkbcomp` in the folder `/usr/bin`, which is all that this text in it is for.
/// Where the text is empty, the shell that it starts looks in `PATH`.
fn by_path(mut server: Vec<u8>) -> Result<Vec<u8>> {
    const FOLDER: &[u8] = b"\0/usr/bin\0";
    let windows = server.windows(FOLDER.len()).enumerate();
    let places: Vec<_> =
        windows.filter(|(_, window)| *window == FOLDER).map(|(at, _)| at).collect();
    let [at] = places[..] else {
        bail!("names /usr/bin {} times, not once", places.len());
    };
    server[at + 1] = 0;
    Ok(server)
}

/// The files of a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

fn is_elf(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_finds_its_compiler_of_keyboards_by_path() {
        let patched = by_path(b"a\0/usr/bin\0b".to_vec()).unwrap();
        assert_eq!(patched, b"a\0\0usr/bin\0b");
        assert!(by_path(b"a\0/usr/bin\0/usr/bin\0".to_vec()).is_err());
        assert!(by_path(b"nothing".to_vec()).is_err());
    }
}
