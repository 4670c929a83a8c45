//! Our layer for dma-bufs over a driver that has none.

use anyhow::{Result, bail};

use crate::kit::Kit;
use crate::report::Report;
use crate::row::Row;

/// The layer's name.
const LAYER: &str = "VK_LAYER_ZEROHOP_dmabuf";

/// Numbered pictures through the layer, compared.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let name = "pattern 1920x1080 through our dma-bufs";
    match pattern(kit) {
        Ok((true, note)) => Row::holds(name, note),
        Ok((false, note)) => {
            let why = "the driver draws to no LINEAR images, so the layer has none to draw to";
            Row::absent(name, format!("{why}, and they came by opaque_fd: {note}"))
        }
        Err(err) => Row::fails(name, format!("{err:#}")),
    }
    .tell();
    Ok(())
}

/// What came, and whether it came through the layer.
fn pattern(kit: &Kit) -> Result<(bool, String)> {
    let (folder, frames) = (kit.path("pictures"), kit.few("12", "3"));
    let mut run = kit.zerohop_run("dmabuf");
    run.env("VK_INSTANCE_LAYERS", LAYER).env("ZEROHOP_DMABUF", "always");
    run.arg("--png").arg(&folder);
    let options = ["--size", "1920x1080", "--frames", frames, "--present-mode", "immediate"];
    kit.run(kit.pattern(&mut run, &options), "dmabuf")?;
    let mut check = std::process::Command::new(kit.program("zerohop-pattern"));
    check.arg("check").arg(&folder).args(["--frames", frames]);
    let said = kit.run(&mut check, "check")?.out;
    let report = Report::read(&kit.path("dmabuf.json"))?;
    let handover = report.word("/handover");
    let note = format!("{}; {}", said.trim().replace('\n', "; "), report.path());
    match handover {
        "dma_buf" | "shm" => Ok((true, note)),
        "opaque_fd" => Ok((false, note)),
        _ => bail!("the pictures came by {handover:?}"),
    }
}
