//! Programs and libraries of other people: Debian packages of this machine's release, unpacked into
//! a folder of the target folder and never into the system.
//!
//! apt is told that nothing is installed, so that it gives everything that they need, down to the C
//! library; what of it is packed is decided file by file ([`super::closure`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{project, shell};

/// What is packed, and with it what it needs.
const PACKAGES: &[&str] = &[
    "libvulkan1",
    "vulkan-validationlayers",
    "vulkan-tools",
    "xvfb",
    "x11-xkb-utils",
    "xkb-data",
    "libegl1",
    "libgl1",
    "libgles2",
    "libopengl0",
    // What NVIDIA's driver itself is linked to.
    "libx11-6",
    "libx11-xcb1",
    "libxext6",
    "libwayland-client0",
    "libdrm2",
    "libgbm1",
    "xz-utils",
];

/// A package, as apt would fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// The file's name: package, version and architecture.
    pub(super) file: String,
}

/// All packages, unpacked.
#[derive(Debug)]
pub(super) struct Debian {
    root: PathBuf,
    packages: Vec<Package>,
}

impl Debian {
    /// Fetches and unpacks them, unless that was done.
    ///
    /// # Errors
    ///
    /// apt cannot resolve or fetch them.
    pub(super) fn unpacked() -> Result<Self> {
        let packages = resolve()?;
        let folder = project::target().join("roots/gpu-kit");
        let (root, made_for) = (folder.join("root"), folder.join("packages"));
        let list: String = packages.iter().map(|one| one.file.clone() + "\n").collect();
        if fs::read_to_string(&made_for).is_ok_and(|made| made == list) {
            return Ok(Self { root, packages });
        }
        println!("fetching {} Debian packages into {}", packages.len(), folder.display());
        if root.exists() {
            fs::remove_dir_all(&root).context("remove the older packages")?;
        }
        fs::create_dir_all(&root).context("make a folder for the packages")?;
        shell::run(apt(&archives())?.args(["--download-only", "install"]).args(PACKAGES))?;
        for package in &packages {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("-x").arg(archives().join(&package.file)).arg(&root);
            shell::output(&mut unpack)?;
        }
        fs::write(&made_for, list).context("note what was unpacked")?;
        Ok(Self { root, packages })
    }

    /// A file of a package, by its path in the system.
    ///
    /// # Errors
    ///
    /// No package has it.
    pub(super) fn file(&self, path: &str) -> Result<PathBuf> {
        let file = self.root.join(path.trim_start_matches('/'));
        if !file.exists() {
            bail!("no package of the kit has {path}");
        }
        Ok(file)
    }

    /// The folders that libraries are in.
    pub(super) fn libraries(&self) -> [PathBuf; 2] {
        ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|folder| self.root.join(folder))
    }

    /// The copyright files of all packages, by package.
    pub(super) fn copyrights(&self) -> Vec<(String, PathBuf)> {
        let of = |package: &Package| {
            let name = package.file.split('_').next().unwrap_or_default().to_owned();
            let file = self.root.join("usr/share/doc").join(&name).join("copyright");
            (package.file.clone(), file)
        };
        self.packages.iter().map(of).collect()
    }
}

/// What apt would fetch, were nothing installed.
///
/// # Errors
///
/// This is no Debian, or a package is not known.
pub(super) fn resolve() -> Result<Vec<Package>> {
    // It does not name what is in its folder of archives already.
    let none = project::target().join("roots/gpu-kit/none");
    let said = shell::output(apt(&none)?.args(["--print-uris", "install"]).args(PACKAGES))?;
    let packages: Vec<_> = said.lines().filter_map(package).collect();
    if packages.is_empty() {
        bail!("apt-get names no package: {}", shell::tail(&said, 3));
    }
    Ok(packages)
}

/// `'URI' FILE SIZE HASH`. A colon in a version is escaped in the file's name.
fn package(line: &str) -> Option<Package> {
    let mut words = line.strip_prefix('\'')?.split_once('\'')?.1.split_whitespace();
    Some(Package { file: words.next()?.to_owned() })
}

fn archives() -> PathBuf {
    project::target().join("roots/gpu-kit/archives")
}

/// apt-get, for a system in which nothing is installed, with a folder for what it fetches.
fn apt(archives: &Path) -> Result<Command> {
    if shell::find("apt-get").is_none() {
        bail!("the kit's programs come from Debian packages, and there is no apt-get here");
    }
    let status = project::target().join("roots/gpu-kit/status");
    fs::create_dir_all(archives.join("partial")).context("make target/roots/gpu-kit")?;
    fs::write(&status, "").context("write an empty list of installed packages")?;
    let mut apt = Command::new("apt-get");
    for (option, value) in [
        ("Dir::State::status", status.display().to_string()),
        ("Dir::Cache::archives", archives.display().to_string()),
        ("APT::Install-Recommends", "false".to_owned()),
        ("APT::Sandbox::User", "root".to_owned()),
        ("Debug::NoLocking", "true".to_owned()),
        ("Dpkg::Use-Pty", "0".to_owned()),
    ] {
        apt.arg("-o").arg(format!("{option}={value}"));
    }
    apt.args(["-qq", "-y"]);
    Ok(apt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apts_lines_are_understood() {
        let line = "'http://m/pool/main/x/xz/xz-utils_5.4.1-1_amd64.deb' xz-utils_5.4.1-1_amd64.deb 471 SHA256:0";
        assert_eq!(package(line).unwrap().file, "xz-utils_5.4.1-1_amd64.deb");
        assert_eq!(package("Reading package lists..."), None);
    }
}
