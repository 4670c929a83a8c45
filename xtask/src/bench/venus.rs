//! What a Venus guest's pictures cost, by each path out of the guest.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Figures, median};
use crate::roots::{Root, Suite};
use crate::venus::{Guest, Host, HostLayer, RENDERER, icd};
use crate::{programs, project, shell, tree};

/// Alternating repetitions.
const ROUNDS: usize = 3;

/// Pictures of a short run, which is start and end mostly, and of a long one.
const PICTURES: (u32, u32) = (100, 700);

/// How the pictures come to the recorder.
#[derive(Clone, Copy)]
enum Path {
    /// Venus, with our layer in the host: the very memory.
    DmaBuf,
    /// Venus whose guest can map memory and not more: the CPU copies.
    Mapped,
    /// Without Venus: the host's driver itself, in the same root.
    Native,
}

/// vkcube at 1280x720 in IMMEDIATE mode: frames per second and CPU time of all processes, renderer
/// included, per frame.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    if let Err(why) = Root::possible() {
        figures.say(format!("NOT MEASURED: Venus: {why}"));
        return Ok(());
    }
    programs::test_tools()?;
    let root = Root::of(Suite::Trixie)?;
    let mut all = [Path::DmaBuf, Path::Mapped, Path::Native].map(|path| (path, Runs::default()));
    for _ in 0..ROUNDS {
        for (path, runs) in &mut all {
            runs.short.push(measure(&root, *path, PICTURES.0)?);
            runs.long.push(measure(&root, *path, PICTURES.1)?);
        }
    }
    let mut cpu_of = Vec::new();
    for (path, runs) in &all {
        let (seconds, cpu) = runs.per_frame()?;
        cpu_of.push(cpu);
        figures.keep(&format!("venus_{}_fps", path.name()), 1.0 / seconds);
        figures.keep(&format!("venus_{}_cpu_ms", path.name()), cpu * 1e3);
        figures.say(format!(
            "vkcube 1280x720, {}: {:.0} frames/s, {:.2} ms CPU a frame",
            path.words(),
            1.0 / seconds,
            cpu * 1e3
        ));
    }
    let (to_mapped, to_native) = (cpu_of[0] / cpu_of[1], cpu_of[0] / cpu_of[2]);
    figures.keep("venus_cpu_ratio_to_mapped", to_mapped);
    figures.keep("venus_cpu_ratio_to_native", to_native);
    figures.say(format!(
        "CPU with dma-bufs: {to_mapped:.2} of a mapped guest's, {to_native:.2} of the driver's \
         without Venus; without our layers no program presents on Venus at all"
    ));
    Ok(())
}

impl Path {
    fn name(self) -> &'static str {
        match self {
            Self::DmaBuf => "dmabuf",
            Self::Mapped => "mapped",
            Self::Native => "native",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::DmaBuf => "on Venus with dma-bufs of the guest's images",
            Self::Mapped => "on Venus, mapped and copied by the CPU",
            Self::Native => "on the driver without Venus",
        }
    }
}

/// Seconds of the clock and of all processors, of each run.
#[derive(Default)]
struct Runs {
    short: Vec<(f64, f64)>,
    long: Vec<(f64, f64)>,
}

impl Runs {
    /// What a frame beyond the short run takes.
    fn per_frame(&self) -> Result<(f64, f64)> {
        let of = |runs: &[(f64, f64)], which: fn(&(f64, f64)) -> f64| {
            median(&runs.iter().map(which).collect::<Vec<_>>())
        };
        let frames = f64::from(PICTURES.1 - PICTURES.0);
        let seconds = (of(&self.long, |one| one.0) - of(&self.short, |one| one.0)) / frames;
        let cpu = (of(&self.long, |one| one.1) - of(&self.short, |one| one.1)) / frames;
        if seconds <= 0.0 || cpu <= 0.0 {
            bail!("more pictures took no longer: this machine is too busy to measure");
        }
        Ok((seconds, cpu))
    }
}

/// One run: its seconds, and those of all processors, host included.
fn measure(root: &Root, path: Path, pictures: u32) -> Result<(f64, f64)> {
    let built = project::target().join("release");
    let zerohop = built.join("zerohop");
    let folder = project::target().join("venus");
    fs::create_dir_all(&folder).context("make target/venus")?;
    let before = tree::cpu_seconds_of_children()?;
    let layer = match path {
        Path::DmaBuf => Some(HostLayer::DmaBuf),
        Path::Mapped => Some(HostLayer::Mapping),
        Path::Native => None,
    };
    let host = layer.map(|layer| Host::start(root, &built, &folder, layer)).transpose()?;
    let mut command = match &host {
        Some(host) => Guest::of(root, host)?.command(&zerohop)?,
        None => native(root, &zerohop)?,
    };
    command.args(["run", "--no-progress", "--to", "null", "--", "vkcube", "--wsi", "xcb"]);
    command.args(["--width", "1280", "--height", "720", "--present_mode", "0"]);
    command.args(["--c", &pictures.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut guest = command.spawn().context("cannot start the guest")?;
    // Renderers end with their clients, and nobody who is ours waits for them.
    let mut renderers = HashMap::new();
    let status = loop {
        if let Some(status) = guest.try_wait()? {
            break status;
        }
        for pid in tree::descendants_running(RENDERER) {
            renderers.extend(tree::cpu_seconds_of(pid).map(|seconds| (pid, seconds)));
        }
        thread::sleep(Duration::from_millis(20));
    };
    let seconds = begin.elapsed().as_secs_f64();
    if !status.success() {
        bail!("`{}` failed: {status}", shell::line(&command));
    }
    let own = tree::cpu_seconds_of_children()? - before;
    Ok((seconds, own + renderers.values().sum::<f64>()))
}

fn native(root: &Root, zerohop: &std::path::Path) -> Result<Command> {
    let mut command = root.command(zerohop)?;
    command.env("VK_DRIVER_FILES", icd(root, "lvp")?);
    for outside in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"] {
        command.env_remove(outside);
    }
    Ok(command)
}
