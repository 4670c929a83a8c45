//! The recorders that are compared, and the application alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::quality::Originals;
use crate::programs::{self, Layer};
use crate::screen::Screen;
use crate::{project, shell, tree};

/// Pictures in a second.
pub(super) const RATE: u32 = 60;
/// Pictures in a run: ten seconds.
const PICTURES: u32 = 600;
const SIZE: (u32, u32) = (1280, 720);
/// Left and top of vkcube's window, which chooses them itself.
const CORNER: u32 = 100;
/// vkcube turns by 4 degrees a picture, so it comes round after this many.
const TURN: u32 = 90;

/// How hard x264 tries.
#[derive(Clone, Copy)]
pub(super) enum Preset {
    /// What live programs use.
    Veryfast,
    /// The least there is.
    Ultrafast,
}

impl Preset {
    fn name(self) -> &'static str {
        match self {
            Self::Veryfast => "veryfast",
            Self::Ultrafast => "ultrafast",
        }
    }
}

/// The first turn of the cube, as drawn.
pub(super) fn originals(folder: &Path) -> Result<Originals> {
    let pictures = folder.join("originals");
    if pictures.exists() {
        fs::remove_dir_all(&pictures)?;
    }
    let mut zerohop = zerohop_run();
    zerohop.args(["--every", "1", "--png"]).arg(&pictures);
    zerohop.arg("--").args(vkcube(TURN)?);
    shell::output(&mut zerohop)?;
    let (width, height) = SIZE;
    Originals::read(&pictures.join("%06d.png"), (width as usize, height as usize))
}

fn zerohop_run() -> Command {
    let mut zerohop = Command::new(project::target().join("release/zerohop"));
    let (width, height) = SIZE;
    zerohop.args(["run", "--no-progress", "--display", "auto"]);
    zerohop.args(["--size", &format!("{width}x{height}"), "--rate", &RATE.to_string()]);
    zerohop.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    zerohop
}

fn vkcube(pictures: u32) -> Result<Vec<String>> {
    let mut words = programs::vkcube(SIZE.0, SIZE.1)?;
    words.extend(["--c".to_owned(), pictures.to_string()]);
    Ok(words)
}

/// A recording with zerohop.
pub(super) fn by_zerohop(folder: &Path) -> Result<PathBuf> {
    let video = folder.join("zerohop.mp4");
    let mut zerohop = zerohop_run();
    zerohop.arg("--output").arg(&video).arg("--").args(vkcube(PICTURES)?);
    shell::output(&mut zerohop)?;
    Ok(video)
}

/// A recording with ffmpeg of the same program, shown on a screen by its driver.
pub(super) fn by_ffmpeg(folder: &Path, preset: Preset, bits_per_second: u64) -> Result<PathBuf> {
    let video = folder.join("ffmpeg.mp4");
    let (width, height) = SIZE;
    let screen = Screen::start(width + CORNER, height + CORNER)?;
    let words = vkcube(PICTURES)?;
    let mut vkcube = Command::new(&words[0]);
    vkcube.args(&words[1..]).env("DISPLAY", screen.display());
    limit(&mut vkcube);
    let begin = Instant::now();
    let mut vkcube = vkcube.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Its window comes up in much less, and what is grabbed before it is grey.
    thread::sleep(Duration::from_millis(300));
    let grabbed = shell::output(&mut grab(screen.display(), preset, bits_per_second, &video));
    let status = vkcube.wait()?;
    let took = begin.elapsed().as_secs_f64();
    screen.end();
    if !status.success() || took < 0.9 * f64::from(PICTURES) / f64::from(RATE) {
        bail!("vkcube ended after {took:.1} s with {status}: it was not paced to {RATE} Hz");
    }
    grabbed.map(|_| video)
}

fn grab(display: &str, preset: Preset, bits_per_second: u64, video: &Path) -> Command {
    let (width, height) = SIZE;
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "x11grab", "-draw_mouse", "0"]);
    ffmpeg.args(["-framerate", &RATE.to_string()]);
    let place = format!("{display}+{CORNER},{CORNER}");
    ffmpeg.args(["-video_size", &format!("{width}x{height}"), "-i", &place]);
    // What remains of the run once the window is up.
    ffmpeg.args(["-t", &format!("{:.1}", f64::from(PICTURES) / f64::from(RATE) - 0.5)]);
    ffmpeg.args(["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"]);
    ffmpeg.args([
        "-c:v",
        "libx264",
        "-preset",
        preset.name(),
        "-b:v",
        &bits_per_second.to_string(),
    ]);
    ffmpeg.arg(video);
    ffmpeg
}

/// CPU seconds of the application alone, in a run as long as the recorded ones: under the layer
/// with nobody listening, which paces it; also with the limiter, to know what that costs.
pub(super) fn alone(limited: bool) -> Result<f64> {
    let screen = Screen::start(SIZE.0, SIZE.1)?;
    let before = tree::cpu_seconds_of_children()?;
    let words = vkcube(PICTURES)?;
    let mut vkcube = Command::new(&words[0]);
    vkcube.args(&words[1..]).env("DISPLAY", screen.display());
    Layer::On.put_on(&mut vkcube);
    if limited {
        limit(&mut vkcube);
    }
    if !vkcube.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
        bail!("vkcube alone failed");
    }
    // The display server still runs, so it is not in the sum.
    Ok(tree::cpu_seconds_of_children()? - before)
}

/// Paces a program to [`RATE`] where our layer does not: llvmpipe shows pictures as fast as they
/// come, also in FIFO mode.
fn limit(command: &mut Command) {
    command.env("MANGOHUD", "1");
    command.env("MANGOHUD_CONFIG", format!("no_display,fps_limit={RATE}"));
}
