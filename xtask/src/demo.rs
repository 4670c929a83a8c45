//! From nothing to a video of vkcube: what a newcomer runs first.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::report::Report;
use crate::setup::{self, Purpose};
use crate::timing::Timing;
use crate::{programs, project, sheet, shell, tree};

/// Seconds of video.
const SECONDS: u32 = 5;

/// `cargo xtask demo`.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.end()?;
    tree::adopt_orphans()?;
    let mut timing = Timing::new();
    timing.part("setup", || setup::ensure(&[Purpose::Build, Purpose::Demo]))?;
    let zerohop = timing.part("build", programs::zerohop)?;
    let folder = project::target().join("demo");
    let recorded = timing.part("record vkcube", || record(&zerohop, &folder));
    tree::nothing_left("the recording")?;
    recorded?;
    timing.part("contact sheet", || look(&folder))?;
    timing.print();
    println!("\nlook at {} and {}", shown(&folder, "cube.mp4"), shown(&folder, "cube.png"));
    println!("the report is in {}", shown(&folder, "report.json"));
    Ok(())
}

fn record(zerohop: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let mut zerohop = Command::new(zerohop);
    zerohop.args(["run", "--table", "--display", "auto", "--size", "1280x720"]);
    zerohop.args(["--seconds", &SECONDS.to_string()]);
    zerohop.arg("--output").arg(folder.join("cube.mp4"));
    zerohop.arg("--report").arg(folder.join("report.json"));
    zerohop.arg("--").args(programs::vkcube(1280, 720)?);
    // A virtual screen of its own, also on a desktop.
    zerohop.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    shell::run(&mut zerohop)
}

/// Looks at what came out with a decoder that is not ours.
fn look(folder: &Path) -> Result<()> {
    let report = Report::read(&folder.join("report.json"))?;
    let video = folder.join("cube.mp4");
    let pictures = sheet::count_pictures(&video)?;
    let encoded = report.number("/frames_encoded")?;
    if pictures == 0 || pictures as u64 != encoded {
        bail!("{encoded} pictures were encoded, and a decoder finds {pictures}");
    }
    sheet::write(&video, &folder.join("cube.png"))
}

fn shown(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    path.strip_prefix(project::root()).unwrap_or(&path).display().to_string()
}
