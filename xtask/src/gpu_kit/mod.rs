//! `cargo xtask gpu-kit`: one folder with everything that the proof needs on a bare GPU machine,
//! which has NVIDIA's driver, a C library of Debian 12's age or newer, `sh`, `tar`, and nothing else.
//!
//! What travels is an archive, the program that unpacks it, and the script `prove`, which unpacks
//! beside itself on its first run and touches nothing else.

mod archive;
mod clips;
mod closure;
mod debian;
mod ffmpeg;
mod licences;
mod ours;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::args::Args;
use crate::setup::{self, Purpose};
use crate::{hide, manifest, project, shell};

use debian::Debian;
use ffmpeg::Ffmpeg;
use ours::Ours;
use tree::{Others, Tree};

const USAGE: &str = "\
usage: cargo xtask gpu-kit [-o DIR] [--dev]
       cargo xtask gpu-kit --check

Packs into DIR (target/gpu-kit) what proves zerohop on a machine that has only NVIDIA's driver:
copy the folder there and run `DIR/prove`; `prove --help` has the steps. Here, `prove --quick
--fake` runs every step on llvmpipe, with fakes for CUDA and NVENC where the kit holds them.

  --dev    our programs as `cargo build` makes them: to work on the kit itself
  --check  resolve packages and files, and pack nothing: quick, without a download
";

/// `cargo xtask gpu-kit`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    if args.help() {
        print!("{USAGE}");
        return Ok(());
    }
    let folder = args.value("-o")?.map_or_else(|| project::target().join("gpu-kit"), PathBuf::from);
    let (dev, check_only) = (args.flag("--dev"), args.flag("--check"));
    args.end()?;
    if check_only {
        return check();
    }
    let begin = Instant::now();
    setup::ensure(&[Purpose::Build, Purpose::Test])?;
    let ffmpeg = Ffmpeg::built()?;
    let ours = Ours::build(dev)?.with("zerohop-decode", ffmpeg.decoder(dev)?);
    let (debian, clips) = (Debian::unpacked()?, clips::made()?);
    let others = Others { debian: &debian, libraries: ffmpeg.libraries(), clips };
    let tree = Tree::plant(&project::target().join("gpu-kit-tree"), &ours, &others)?;
    licences::write(&tree, &debian)?;
    archive::write(&tree, &folder, &debian)?;
    println!("packed in {:.0} s: {}", begin.elapsed().as_secs_f64(), folder.display());
    println!("there: {}/prove --json table.json", name(&folder));
    Ok(())
}

/// Whether all that is packed can be had, without having it: the packages are resolved, and the
/// targets that are built exist.
///
/// # Errors
///
/// Names what is missing.
pub(crate) fn check() -> Result<()> {
    let packages = debian::resolve().context("the packages of the kit")?;
    ours::exist()?;
    println!("gpu-kit: {} packages resolved, all our targets exist", packages.len());
    Ok(())
}

/// The steps that are cheap on a CPU.
const CHEAP: [&str; 4] = ["latency", "encoders", "harm", "dmabuf"];

/// [`check`], and the cheap steps of the proof, with the programs that the tests have built.
///
/// # Errors
///
/// Something cannot be packed; a step fails.
pub(crate) fn rehearse() -> Result<()> {
    if shell::find("apt-get").is_some() {
        check()?;
    }
    let folder = project::target().join("debug");
    manifest::write(&folder)?;
    hide::manifest_folder(&folder)?;
    let json = project::target().join("gpu-kit.json");
    let mut proof = Command::new(folder.join("zerohop-proof"));
    proof.args(["--quick", "--seconds", "90", "--json"]).arg(&json).args(CHEAP);
    println!("$ {}", shell::line(&proof));
    // Targets are a GPU's, and may be missed here.
    proof.status().context("cannot start zerohop-proof")?;
    let rows: Vec<Value> = serde_json::from_str(&fs::read_to_string(&json)?)?;
    let failed = rows.iter().filter(|row| row["verdict"] == "fails");
    let failed: Vec<_> = failed.map(|row| format!("{} {}", row["step"], row["name"])).collect();
    if !failed.is_empty() || rows.is_empty() {
        bail!("{} rows, failed: {}", rows.len(), failed.join(", "));
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Copies a file, what links point to instead of the links, into a folder that is made.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().context("a file without a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
