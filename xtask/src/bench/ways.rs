//! What it costs an application that its images cannot leave: vkcube at 1280x720, as fast as it can,
//! by each way that pictures go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Figures, median};
use crate::report::Report;
use crate::{hide, programs, project, shell};

/// Alternating repetitions.
const ROUNDS: usize = 3;
/// Pictures in a run.
const PICTURES: u32 = 600;
const SIZE: (u32, u32) = (1280, 720);

/// A way, what a driver lacks that takes it, and the copies of each picture: by GPU, and by CPU.
const WAYS: [(&str, &str, [bool; 2]); 3] = [
    ("direct", "", [false, false]),
    ("gpu_copy", "VK_KHR_external_memory_fd", [true, false]),
    ("cpu_copy", "VK_KHR_external_memory_fd,VK_EXT_external_memory_host", [true, true]),
];

/// One run.
struct Run {
    fps: f64,
    /// CPU time of the application, per picture.
    milliseconds: f64,
}

pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let folder = project::target().join("bench/ways");
    fs::create_dir_all(&folder).context("make target/bench/ways")?;
    programs::test_tools()?;
    let layers = hide::manifest_folder(&project::target().join("release"))?;
    let mut runs = WAYS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((name, lacks, copies), runs) in WAYS.iter().zip(&mut runs) {
            let run = measure(&folder, &layers, lacks, *copies);
            runs.push(run.with_context(|| format!("by {name}"))?);
        }
    }
    let of = |at: usize, figure: fn(&Run) -> f64| {
        median(&runs[at].iter().map(figure).collect::<Vec<_>>())
    };
    let direct = (of(0, |run| run.fps), of(0, |run| run.milliseconds));
    for (at, (name, ..)) in WAYS.iter().enumerate() {
        let (fps, milliseconds) = (of(at, |run| run.fps), of(at, |run| run.milliseconds));
        figures.keep(&format!("ways_{name}_fps"), fps);
        figures.keep(&format!("ways_{name}_ms_per_frame"), milliseconds);
        let (faster, costs) = (fps / direct.0, milliseconds / direct.1);
        figures.keep(&format!("ways_{name}_fps_ratio"), faster);
        figures.keep(&format!("ways_{name}_cpu_ratio"), costs);
        figures.say(format!(
            "vkcube by {name}: {fps:.0} frames/s, {milliseconds:.2} ms of its CPU each \
             ({faster:.2} and {costs:.2} of direct)"
        ));
    }
    Ok(())
}

fn measure(folder: &Path, layers: &Path, lacks: &str, copies: [bool; 2]) -> Result<Run> {
    let (file, times) = (folder.join("report.json"), folder.join("times"));
    let mut words = programs::vkcube(SIZE.0, SIZE.1)?;
    words.extend(["--present_mode", "0", "--c"].map(str::to_owned));
    words.push(PICTURES.to_string());
    let mut zerohop = Command::new(project::target().join("release/zerohop"));
    zerohop.args(["run", "--no-progress", "--display", "auto", "--to", "null", "--report"]);
    zerohop.arg(&file).args(["--", "sh", "-c", SHELL, "sh"]).arg(layers).arg(&times).args(&words);
    zerohop.env(hide::VARIABLE, lacks).env_remove("VK_INSTANCE_LAYERS");
    zerohop.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    shell::output(&mut zerohop)?;
    let report = Report::read(&file)?;
    let count = report.number("/frames_presented")?;
    let copied =
        [report.figure("/gpu_copies")? > 0.0, report.figure("/bytes_copied_by_cpu")? > 0.0];
    if copied != copies || count < u64::from(PICTURES) - 1 {
        bail!("{count} pictures, copied by GPU and CPU: {copied:?}, not {copies:?}");
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let milliseconds = seconds(&times)? * 1e3 / count as f64;
    Ok(Run { fps: report.figure("/fps")?, milliseconds })
}

/// Runs the words after the first two with the layer of the folder below ours, and says in a file
/// how much CPU time they took.
const SHELL: &str = "VK_LAYER_PATH=$VK_LAYER_PATH:$1 VK_INSTANCE_LAYERS=VK_LAYER_ZEROHOP_hide; \
    export VK_LAYER_PATH VK_INSTANCE_LAYERS; times=$2; shift 2; \"$@\"; code=$?; \
    times > \"$times\"; exit $code";

/// User and system time of a shell's children: the second line of `times`, as in `0m1.25s 0m0.5s`.
fn seconds(times: &PathBuf) -> Result<f64> {
    let text = fs::read_to_string(times).context("the shell measured nothing")?;
    let line = text.lines().nth(1).with_context(|| format!("{text:?} are no times"))?;
    line.split_whitespace().map(|time| parse(time).with_context(|| format!("{time:?}"))).sum()
}

fn parse(time: &str) -> Option<f64> {
    let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_count() {
        assert_eq!(parse("1m2.5s").map(f64::to_bits), Some(62.5_f64.to_bits()));
        assert_eq!(parse("2.5s"), None);
    }
}
