//! What it costs to hand on what FFmpeg decodes, against ffmpeg that throws it away, and what is won
//! by not copying it before our passes read it.
//!
//! On the CPU, and by VA-API: over a driver of the machine's where it has a render node, else over
//! the one that decodes on the CPU, for which a surface of a driver is as expensive as the CPU makes
//! it. The GPU's decoders are measured by `zerohop-proof`, on a machine that has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use super::{Figures, Limit, median};
use crate::screen::Screen;
use crate::{programs, project, shell, tree};

/// Alternating repetitions.
const ROUNDS: usize = 3;
/// Sizes, by the names of their figures.
const SIZES: [(&str, &str); 2] = [("1080p", "1920x1080"), ("2160p", "3840x2160")];

/// One way to get through a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `ffmpeg -f null`, pictures left where they are.
    Ffmpeg,
    /// The same with `hwdownload`.
    Downloaded,
    /// `zerohop play --to null`.
    Null,
    /// The same through luma and diff.
    Passes,
    /// The same with each picture copied by the CPU before.
    Copied,
}

impl Way {
    const ALL: [Self; 5] = [Self::Ffmpeg, Self::Downloaded, Self::Null, Self::Passes, Self::Copied];

    fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Downloaded => "ffmpeg_downloaded",
            Self::Null => "null",
            Self::Passes => "passes",
            Self::Copied => "copied",
        }
    }
}

/// What decodes.
enum Decoder {
    /// The CPU, with two threads.
    Software,
    /// VA-API on a device, with what its driver wants in the environment.
    Vaapi { device: String, environment: Vec<(&'static str, PathBuf)>, _server: Option<Screen> },
}

/// Each decoder, on each size, in each way.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let zerohop = programs::zerohop()?;
    let mut build = project::cargo("build");
    build.args([
        "--locked",
        "--release",
        "-p",
        "zerohop-producer-decode",
        "-p",
        "zerohop-testkit-va",
    ]);
    shell::run(build.args(["--features", "zerohop-producer-decode/ffmpeg"]))?;
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    for decoder in [Decoder::Software, Decoder::vaapi()?] {
        for (name, size) in SIZES {
            let clip = decoder.clip(&folder, name, size)?;
            measure_all(figures, &decoder, name, &zerohop, &clip)?;
        }
    }
    Ok(())
}

/// All ways through one clip, in turns.
fn measure_all(
    figures: &mut Figures,
    decoder: &Decoder,
    size: &str,
    zerohop: &Path,
    clip: &Path,
) -> Result<()> {
    let ways: Vec<_> = Way::ALL.into_iter().filter(|way| decoder.has(*way)).collect();
    let mut runs = vec![(Vec::new(), Vec::new()); ways.len()];
    for _ in 0..ROUNDS {
        for (way, (seconds, cpu)) in ways.iter().zip(&mut runs) {
            let (took, used) = measure(&mut decoder.command(*way, zerohop, clip))?;
            seconds.push(took);
            cpu.push(used);
        }
    }
    let pictures = f64::from(decoder.pictures());
    let (prefix, mut found) = (format!("decode_{}{size}", decoder.prefix()), Vec::new());
    for (way, (seconds, cpu)) in ways.iter().zip(&runs) {
        let (fps, cpu) = (pictures / median(seconds), median(cpu) * 1e3 / pictures);
        let name = way.name();
        figures.keep(&format!("{prefix}_{name}_fps"), fps);
        figures.keep(&format!("{prefix}_{name}_cpu_ms"), cpu);
        let what = prefix.replace('_', " ");
        figures.say(format!("{what} {name}: {fps:.0} pictures/s, {cpu:.2} ms of CPU for each"));
        found.push((*way, fps, cpu));
    }
    judge(figures, &prefix, &found);
    Ok(())
}

/// The ratios: of handing on to throwing away, and of reading where it lies to copying first.
fn judge(figures: &mut Figures, prefix: &str, found: &[(Way, f64, f64)]) {
    let of =
        |way: Way| found.iter().find(|(one, ..)| *one == way).map(|(_, fps, cpu)| (*fps, *cpu));
    if let (Some(ffmpeg), Some(null)) = (of(Way::Ffmpeg), of(Way::Null)) {
        figures.judge(&format!("{prefix}_cpu_ratio"), null.1 / ffmpeg.1, Limit::AtMost(1.1));
        figures.keep(&format!("{prefix}_fps_ratio"), null.0 / ffmpeg.0);
    }
    if let (Some(downloaded), Some(null)) = (of(Way::Downloaded), of(Way::Null)) {
        figures.keep(&format!("{prefix}_downloaded_cpu_ratio"), null.1 / downloaded.1);
        figures.keep(&format!("{prefix}_downloaded_fps_ratio"), null.0 / downloaded.0);
    }
    if let (Some(passes), Some(copied)) = (of(Way::Passes), of(Way::Copied)) {
        figures.keep(&format!("{prefix}_passes_cpu_ratio"), passes.1 / copied.1);
        figures.keep(&format!("{prefix}_passes_fps_ratio"), passes.0 / copied.0);
    }
}

impl Decoder {
    /// VA-API as this machine has it.
    fn vaapi() -> Result<Self> {
        let node = Path::new("/dev/dri/renderD128");
        if node.exists() {
            let device = node.display().to_string();
            return Ok(Self::Vaapi { device, environment: Vec::new(), _server: None });
        }
        let server = Screen::start(64, 64)?;
        let environment = vec![
            ("LIBVA_DRIVERS_PATH", project::target().join("release")),
            ("LIBVA_DRIVER_NAME", "libzerohop".into()),
            ("DISPLAY", server.display().into()),
        ];
        let device = server.display().to_owned();
        Ok(Self::Vaapi { device, environment, _server: Some(server) })
    }

    /// What its figures are called.
    fn prefix(&self) -> &'static str {
        match self {
            Self::Software => "",
            Self::Vaapi { .. } => "vaapi_",
        }
    }

    /// Pictures of a clip. A driver on the CPU takes its time.
    fn pictures(&self) -> u32 {
        match self {
            Self::Software => 120,
            Self::Vaapi { .. } => 60,
        }
    }

    /// Nothing is downloaded that was decoded here.
    fn has(&self, way: Way) -> bool {
        way != Way::Downloaded || !matches!(self, Self::Software)
    }

    /// A clip of a test picture, made unless it is there.
    fn clip(&self, folder: &Path, name: &str, size: &str) -> Result<PathBuf> {
        let clip = folder.join(format!("decode-{}{name}.mp4", self.prefix()));
        if clip.is_file() {
            return Ok(clip);
        }
        let source = format!("testsrc2=size={size}:rate=60");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source]);
        ffmpeg.args(["-frames:v", &self.pictures().to_string(), "-c:v", "libx264"]);
        ffmpeg.args(["-preset", "veryfast", "-pix_fmt", "yuv420p"]);
        if let Self::Vaapi { .. } = self {
            // What our own driver decodes.
            ffmpeg.args(["-profile:v", "baseline"]);
        }
        shell::run(ffmpeg.arg(&clip))?;
        Ok(clip)
    }

    fn command(&self, way: Way, zerohop: &Path, clip: &Path) -> Command {
        let mut command = match way {
            Way::Ffmpeg | Way::Downloaded => self.ffmpeg(way, clip),
            _ => self.play(way, zerohop, clip),
        };
        if let Self::Vaapi { environment, .. } = self {
            command.envs(environment.iter().map(|(name, value)| (name, value)));
        }
        command
    }

    fn ffmpeg(&self, way: Way, clip: &Path) -> Command {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error"]);
        match self {
            Self::Software => ffmpeg.args(["-threads", "2"]),
            Self::Vaapi { device, .. } => ffmpeg
                .args(["-init_hw_device", &format!("vaapi=va:{device}"), "-hwaccel", "vaapi"])
                .args(["-hwaccel_output_format", "vaapi"]),
        };
        ffmpeg.arg("-i").arg(clip).args(["-map", "0:v:0"]);
        if way == Way::Downloaded {
            ffmpeg.args(["-vf", "hwdownload,format=nv12"]);
        }
        ffmpeg.args(["-f", "null", "-"]);
        ffmpeg
    }

    fn play(&self, way: Way, zerohop: &Path, clip: &Path) -> Command {
        let mut play = Command::new(zerohop);
        play.arg("play").arg(clip).args(["--no-progress", "--to", "null"]);
        match self {
            Self::Software => play.args(["--decode", "software", "--threads", "2"]),
            Self::Vaapi { device, .. } => play.args(["--decode", "vaapi", "--device", device]),
        };
        match way {
            Way::Passes => play.args(["--filter", "luma,diff"]),
            Way::Copied => play.args(["--filter", "luma,diff", "--force-linear"]),
            Way::Ffmpeg | Way::Downloaded | Way::Null => &mut play,
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
