//! Our layer for dma-bufs over a driver that has none.

use anyhow::{Result, bail};

use crate::kit::Kit;
use crate::report::Report;
use crate::row::Row;

/// The layer's name.
const LAYER: &str = "VK_LAYER_ZEROHOP_dmabuf";

/// How the layer begins to say that it is asked for dma-bufs and has none.
const REFUSES: &str = "dma-bufs are not drawn to: ";

/// Numbered pictures through the layer, compared.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let name = "pattern 1920x1080 through our dma-bufs";
    match pattern(kit) {
        Ok((None, note)) => Row::holds(name, note),
        Ok((Some(why), note)) => {
            Row::absent(name, format!("the layer says: {why}; they came by opaque_fd: {note}"))
        }
        Err(err) => Row::fails(name, format!("{err:#}")),
    }
    .tell();
    Ok(())
}

/// Why the layer refused, if it did, and what came.
fn pattern(kit: &Kit) -> Result<(Option<String>, String)> {
    let (folder, frames) = (kit.path("pictures"), kit.few("12", "3"));
    let mut run = kit.zerohop_run("dmabuf");
    run.env("VK_INSTANCE_LAYERS", LAYER).env("ZEROHOP_DMABUF", "always");
    run.env("ZEROHOP_LOG", "info");
    run.arg("--png").arg(&folder);
    let options = ["--size", "1920x1080", "--frames", frames, "--present-mode", "immediate"];
    let complaints = kit.run(kit.pattern(&mut run, &options), "dmabuf")?.err;
    let mut check = std::process::Command::new(kit.program("zerohop-pattern"));
    check.arg("check").arg(&folder).args(["--frames", frames]);
    let said = kit.run(&mut check, "check")?.out;
    let report = Report::read(&kit.path("dmabuf.json"))?;
    let note = format!("{}; {}", said.trim().replace('\n', "; "), report.path());
    Ok((refusal(report.word("/handover"), &complaints)?, note))
}

/// Why the layer refused, where pictures came by `handover` and not through it.
///
/// # Errors
///
/// It did not say that it refused: it is not there, or broken.
fn refusal(handover: &str, complaints: &str) -> Result<Option<String>> {
    let why = complaints.lines().find_map(|line| Some(line.split_once(REFUSES)?.1.to_owned()));
    match (handover, why) {
        ("dma_buf" | "shm", _) => Ok(None),
        ("opaque_fd", Some(why)) => Ok(Some(why)),
        _ => bail!("the pictures came by {handover:?}, and {LAYER} did not say that it refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_way_is_only_accepted_with_the_layers_own_reason() {
        let said = "zerohop: a\nzerohop: dma-bufs are not drawn to: the driver has none\nb";
        let why = refusal("opaque_fd", said).unwrap();
        assert_eq!(why.as_deref(), Some("the driver has none"));
        assert_eq!(refusal("dma_buf", "").unwrap(), None);
        let err = refusal("opaque_fd", "zerohop: a").unwrap_err().to_string();
        assert!(err.contains(LAYER) && err.contains("opaque_fd"), "{err}");
        assert!(refusal("", said).is_err());
    }
}
