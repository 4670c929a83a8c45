//! What recording costs, all processes together, against ffmpeg grabbing the screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::quality::{Originals, Quality};
use super::{Figures, Limit, median};
use crate::programs::{self, Layer};
use crate::screen::Screen;
use crate::{project, shell, tree};

/// Alternating repetitions.
const ROUNDS: usize = 3;
/// Pictures in a second.
const RATE: u32 = 60;
/// Pictures in a run: ten seconds.
const PICTURES: u32 = 600;
const SIZE: (u32, u32) = (1280, 720);
/// vkcube turns by 4 degrees a picture, so it comes round after this many.
const TURN: u32 = 90;
/// What live programs use: faster ones make larger or worse files.
const PRESET: &str = "veryfast";

/// vkcube at 1280x720 and 60 Hz to H.264: CPU time of application, display server and recorder per
/// recorded picture, less what the application alone costs at that rate.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    let originals = originals(&folder)?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let own = alone(false)?;
        let zerohop = recorded(&originals, "zerohop", || by_zerohop(&folder))?;
        let bits = zerohop.quality.bytes * 8 * u64::from(RATE) / zerohop.quality.pictures as u64;
        let limited = alone(true)?;
        let ffmpeg = recorded(&originals, "ffmpeg", || by_ffmpeg(&folder, bits))?;
        let (own, limited) = (zerohop.above(own), ffmpeg.above(limited));
        println!("round {round}: {:.2} ms, ffmpeg {:.2} ms per picture", own * 1e3, limited * 1e3);
        ours.push(own * 1e3);
        theirs.push(limited * 1e3);
        ratios.push(own / limited);
        figures.quality("record", &zerohop.quality);
        figures.quality("record_ffmpeg", &ffmpeg.quality);
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    figures.keep("record_ms_per_frame", ours);
    figures.keep("record_ffmpeg_ms_per_frame", theirs);
    figures.say(format!(
        "recording vkcube at 1280x720, 60 Hz: {ours:.2} ms CPU per picture; ffmpeg x11grab with \
         x264 {PRESET}: {theirs:.2} ms"
    ));
    figures.judge("record_cpu_ratio", median(&ratios), Limit::AtMost(0.6));
    Ok(())
}

impl Figures {
    fn quality(&mut self, name: &str, quality: &Quality) {
        let Quality { bytes, pictures, psnr } = quality;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (bytes, pictures) = (*bytes as f64, *pictures as f64);
        self.keep(&format!("{name}_bytes_per_frame"), bytes / pictures);
        self.keep(&format!("{name}_psnr_db"), *psnr);
    }
}

/// One run of a recorder.
struct Recorded {
    /// CPU time of all its processes, in seconds.
    cpu: f64,
    quality: Quality,
}

impl Recorded {
    /// CPU seconds per picture beside the application's own.
    fn above(&self, application: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let pictures = self.quality.pictures as f64;
        (self.cpu - application) / pictures
    }
}

fn recorded(
    originals: &Originals,
    name: &str,
    record: impl FnOnce() -> Result<PathBuf>,
) -> Result<Recorded> {
    let before = tree::cpu_seconds_of_children()?;
    let video = record().with_context(|| format!("record with {name}"))?;
    let cpu = tree::cpu_seconds_of_children()? - before;
    let quality = originals.judge(&video)?;
    let Quality { bytes, pictures, psnr } = &quality;
    println!("{name}: {cpu:.2} s CPU, {pictures} pictures, {bytes} bytes, {psnr:.1} dB");
    Ok(Recorded { cpu, quality })
}

/// The first turn of the cube, as drawn.
fn originals(folder: &Path) -> Result<Originals> {
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

fn by_zerohop(folder: &Path) -> Result<PathBuf> {
    let video = folder.join("zerohop.mp4");
    let mut zerohop = zerohop_run();
    zerohop.arg("--output").arg(&video).arg("--").args(vkcube(PICTURES)?);
    shell::output(&mut zerohop)?;
    Ok(video)
}

fn by_ffmpeg(folder: &Path, bits_per_second: u64) -> Result<PathBuf> {
    let video = folder.join("ffmpeg.mp4");
    let screen = Screen::start(SIZE.0, SIZE.1)?;
    let words = vkcube(PICTURES)?;
    let mut vkcube = Command::new(&words[0]);
    vkcube.args(&words[1..]).env("DISPLAY", screen.display());
    limit(&mut vkcube);
    let mut vkcube = vkcube.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Its window comes up in much less, and what is grabbed before it is grey.
    thread::sleep(Duration::from_millis(300));
    let grabbed = shell::output(&mut grab(screen.display(), bits_per_second, &video));
    vkcube.wait()?;
    screen.end();
    grabbed.map(|_| video)
}

fn grab(display: &str, bits_per_second: u64, video: &Path) -> Command {
    let (width, height) = SIZE;
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "x11grab", "-draw_mouse", "0"]);
    ffmpeg.args(["-framerate", &RATE.to_string()]);
    ffmpeg.args(["-video_size", &format!("{width}x{height}"), "-i", display]);
    // What remains of the run once the window is up.
    ffmpeg.args(["-t", &format!("{:.1}", f64::from(PICTURES) / f64::from(RATE) - 0.5)]);
    ffmpeg.args(["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", PRESET, "-b:v", &bits_per_second.to_string()]);
    ffmpeg.arg(video);
    ffmpeg
}

/// CPU seconds of the application alone, in a run as long as the recorded ones: under the layer
/// with nobody listening, which paces it; also with the limiter, to know what that costs.
fn alone(limited: bool) -> Result<f64> {
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
