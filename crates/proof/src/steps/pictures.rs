//! Pixels: what an application drew is what CUDA reads in the host's process.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::kit::Kit;
use crate::report::Report;
use crate::row::Row;

/// Sizes of the pictures.
const SIZES: [(u32, u32); 3] = [(1280, 720), (1920, 1080), (3840, 2160)];

/// Both applications at each size.
pub(super) fn run(kit: &Kit) -> Result<()> {
    for (width, height) in SIZES {
        let size = format!("{width}x{height}");
        for (name, tried) in [
            (format!("pattern {size}"), pattern(kit, &size)),
            (format!("vkcube {size}"), vkcube(kit, (width, height))),
        ] {
            tried
                .map_or_else(
                    |err| Row::fails(&name, format!("{err:#}")),
                    |note| Row::holds(&name, note),
                )
                .tell();
        }
    }
    Ok(())
}

/// Every pixel of numbered pictures, kept as files.
fn pattern(kit: &Kit, size: &str) -> Result<String> {
    let (name, frames) = (format!("pattern-{size}"), kit.few("12", "3"));
    let folder = kit.path(&name);
    let place = kit.view(&format!("png:{}", folder.display()));
    let options = ["--size", size, "--frames", frames, "--present-mode", "immediate"];
    let mut run = kit.zerohop_run(&name);
    kit.run(kit.pattern(run.args(["--to", &place]), &options), &name)?;
    let mut check = std::process::Command::new(kit.program("zerohop-pattern"));
    check.arg("check").arg(&folder).args(["--frames", frames]);
    let said = kit.run(&mut check, &format!("{name}-check"))?.out;
    fs::remove_dir_all(&folder).context("remove pictures that were checked")?;
    let path = Report::read(&kit.path(&format!("{name}.json")))?.path();
    Ok(format!("{frames} pictures: {}; {path}", said.trim().replace('\n', "; ")))
}

/// Checksums of what vkcube presents, by CUDA's view and by Vulkan's.
fn vkcube(kit: &Kit, (width, height): (u32, u32)) -> Result<String> {
    let (name, frames) = (format!("vkcube-{width}x{height}"), kit.few("60", "5"));
    let sums = ["vulkan", "cuda"].map(|view| kit.path(&format!("{name}.{view}")));
    let [vulkan, cuda] = sums.each_ref().map(|file| format!("checksum:{}", file.display()));
    let mut run = kit.zerohop_run(&name);
    run.args(["--to", &vulkan]);
    if kit.has_cuda() {
        run.args(["--to", &format!("{cuda},view=cuda")]);
    }
    run.args(["--size", &format!("{width}x{height}"), "--", "vkcube", "--c", frames]);
    run.args(["--width", &width.to_string(), "--height", &height.to_string()]);
    kit.run(&mut run, &name)?;
    let path = Report::read(&kit.path(&format!("{name}.json")))?.path();
    let seen = sums_in(&sums[0])?;
    if seen.is_empty() {
        bail!("no picture came");
    }
    if !kit.has_cuda() {
        return Ok(format!("{} pictures by Vulkan's view; there is no CUDA; {path}", seen.len()));
    }
    let other = sums_in(&sums[1])?;
    if seen != other {
        bail!("{} pictures by Vulkan's view and {} by CUDA's differ", seen.len(), other.len());
    }
    Ok(format!("{} pictures equal by both views; {path}", seen.len()))
}

/// The lines of a file of checksums that are no comment.
fn sums_in(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}
