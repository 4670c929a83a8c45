//! What it costs to hand on what FFmpeg decodes, against ffmpeg that throws it away, and what is won
//! by not copying it before our passes read it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use super::{Figures, Limit, median};
use crate::{programs, project, shell, tree};

/// Alternating repetitions.
const ROUNDS: usize = 3;
/// Pictures of a clip.
const PICTURES: u32 = 120;
/// Sizes, by the names of their figures.
const SIZES: [(&str, &str); 2] = [("1080p", "1920x1080"), ("2160p", "3840x2160")];

/// One way to get through a clip.
#[derive(Clone, Copy)]
enum Way {
    /// `ffmpeg -f null`.
    Ffmpeg,
    /// `zerohop play --to null`.
    Null,
    /// The same through luma and diff.
    Passes,
    /// The same with each picture copied before.
    Copied,
}

const WAYS: [Way; 4] = [Way::Ffmpeg, Way::Null, Way::Passes, Way::Copied];

/// Software decoding to nowhere, and through the passes.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let zerohop = programs::zerohop()?;
    let mut build = project::cargo("build");
    build.args(["--locked", "--release", "-p", "zerohop-producer-decode", "--features", "ffmpeg"]);
    shell::run(&mut build)?;
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    for (name, size) in SIZES {
        let clip = folder.join(format!("decode-{name}.mp4"));
        make(&clip, size)?;
        let mut runs = WAYS.map(|_| (Vec::new(), Vec::new()));
        for _ in 0..ROUNDS {
            for (way, (seconds, cpu)) in WAYS.into_iter().zip(&mut runs) {
                let (took, used) = measure(&mut way.command(&zerohop, &clip))?;
                seconds.push(took);
                cpu.push(used);
            }
        }
        let of = |(seconds, cpu): &(Vec<f64>, Vec<f64>)| {
            (f64::from(PICTURES) / median(seconds), median(cpu) * 1e3 / f64::from(PICTURES))
        };
        tell(figures, name, runs.each_ref().map(of));
    }
    Ok(())
}

/// Pictures a second and milliseconds of CPU for each, of every way.
fn tell(figures: &mut Figures, name: &str, [ffmpeg, null, passes, copied]: [(f64, f64); 4]) {
    for (way, (fps, cpu)) in
        [("ffmpeg", ffmpeg), ("null", null), ("passes", passes), ("copied", copied)]
    {
        figures.keep(&format!("decode_{name}_{way}_fps"), fps);
        figures.keep(&format!("decode_{name}_{way}_cpu_ms"), cpu);
        figures.say(format!("{name} {way}: {fps:.0} pictures/s, {cpu:.2} ms of CPU for each"));
    }
    figures.judge(&format!("decode_{name}_cpu_ratio"), null.1 / ffmpeg.1, Limit::AtMost(1.1));
    figures.keep(&format!("decode_{name}_fps_ratio"), null.0 / ffmpeg.0);
    figures.keep(&format!("decode_{name}_passes_cpu_ratio"), passes.1 / copied.1);
}

/// A clip of a test picture, unless it is there.
fn make(clip: &Path, size: &str) -> Result<()> {
    if clip.is_file() {
        return Ok(());
    }
    let source = format!("testsrc2=size={size}:rate=60");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source]);
    ffmpeg.args(["-frames:v", &PICTURES.to_string(), "-c:v", "libx264", "-preset", "veryfast"]);
    shell::run(ffmpeg.args(["-pix_fmt", "yuv420p"]).arg(clip))
}

impl Way {
    fn command(self, zerohop: &Path, clip: &Path) -> Command {
        if matches!(self, Self::Ffmpeg) {
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-v", "error", "-threads", "2", "-i"]).arg(clip);
            ffmpeg.args(["-map", "0:v:0", "-f", "null", "-"]);
            return ffmpeg;
        }
        let mut play = Command::new(zerohop);
        play.arg("play").arg(clip).args(["--decode", "software", "--threads", "2"]);
        play.args(["--no-progress", "--to", "null"]);
        match self {
            Self::Passes => play.args(["--filter", "luma,diff"]),
            Self::Copied => play.args(["--filter", "luma,diff", "--force-linear"]),
            Self::Ffmpeg | Self::Null => &mut play,
        };
        play
    }
}

/// Seconds that pass, and seconds of CPU of all processes.
fn measure(command: &mut Command) -> Result<(f64, f64)> {
    let (begin, before) = (Instant::now(), tree::cpu_seconds_of_children()?);
    shell::output(command)?;
    Ok((begin.elapsed().as_secs_f64(), tree::cpu_seconds_of_children()? - before))
}
