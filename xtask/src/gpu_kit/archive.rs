//! What travels: the tree in an archive, and what unpacks it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::copy;
use super::debian::Debian;
use super::tree::{self, Tree};
use crate::shell;

/// Bytes that may travel.
const MOST: u64 = 60 << 20;

/// How many of the largest files are named.
const NAMED: usize = 12;

/// Packs `tree` into `folder`, beside the program that unpacks it, and says how large it is.
///
/// # Errors
///
/// It is too large, or cannot be written.
pub(super) fn write(tree: &Tree, folder: &Path, debian: &Debian) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let archive = folder.join("kit.tar.xz");
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--use-compress-program=xz -T0 -6"]);
    shell::run(tar.arg("-cf").arg(&archive).arg("-C").arg(tree.root()).arg("."))?;
    copy(&debian.file("/usr/bin/xz")?, &folder.join("xz"))?;
    let folders = debian.libraries();
    let lzma = folders.iter().map(|one| one.join("liblzma.so.5")).find(|file| file.exists());
    copy(&lzma.context("no package of the kit has liblzma")?, &folder.join("liblzma.so.5"))?;
    copy(&tree.root().join("licences/README"), &folder.join("LICENCES"))?;
    tree::script(&folder.join("prove"), include_str!("prove.sh"))?;
    sizes(tree.root(), folder)
}

/// Says what is large.
fn sizes(root: &Path, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    all(root, root, &mut files)?;
    files.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let unpacked: u64 = files.iter().map(|(_, size)| size).sum();
    let mut travels = Vec::new();
    all(folder, folder, &mut travels)?;
    let packed: u64 = travels.iter().map(|(_, size)| size).sum();
    println!("\nthe largest of {} files:", files.len());
    for (name, size) in files.iter().take(NAMED) {
        println!("{:>10}  {name}", mib(*size));
    }
    println!("{} unpacked, {} to travel, at most {}", mib(unpacked), mib(packed), mib(MOST));
    if packed > MOST {
        bail!("the kit has {}, which is more than {}", mib(packed), mib(MOST));
    }
    Ok(())
}

fn all(root: &Path, folder: &Path, files: &mut Vec<(String, u64)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            all(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            files.push((name, fs::symlink_metadata(&path)?.len()));
        }
    }
    Ok(())
}

fn mib(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let mib = bytes as f64 / f64::from(1 << 20);
    format!("{mib:.1} MiB")
}
