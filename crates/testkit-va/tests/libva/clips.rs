//! Small clips of FFmpeg's test pictures, and their decoded pictures as NV12.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// FFmpeg, which says errors only.
pub(crate) fn command() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    command
}

/// Whether it is there.
pub(crate) fn ffmpeg() -> Result<(), String> {
    command()
        .arg("-version")
        .stdout(Stdio::null())
        .status()
        .map(drop)
        .map_err(|err| err.to_string())
}

/// A clip in a folder of its own.
#[derive(Debug)]
pub(crate) struct Clip {
    folder: TempDir,
    name: &'static str,
    size: String,
}

impl Clip {
    /// One second of baseline, each picture in so many slices, with two that begin anew.
    pub(crate) fn h264(size: &str, slices: u32) -> Self {
        let clip = Self::new("clip.h264", size);
        let slices = slices.to_string();
        clip.make(&["-c:v", "libx264", "-profile:v", "baseline", "-g", "15", "-slices", &slices]);
        clip
    }

    /// Ten pictures with full-range colours.
    pub(crate) fn jpeg(size: &str) -> Self {
        let clip = Self::new("clip.avi", size);
        clip.make(&["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-frames:v", "10"]);
        clip
    }

    fn new(name: &'static str, size: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), name, size: size.to_owned() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    fn make(&self, options: &[&str]) {
        let source = format!("testsrc2=size={}:rate=30:duration=1", self.size);
        let mut ffmpeg = command();
        ffmpeg.args(["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p"]).args(options);
        assert!(ffmpeg.arg(self.file()).status().unwrap().success());
    }

    /// The same with some bytes of its first third wrong.
    pub(crate) fn spoiled(self) -> Self {
        let mut bytes = fs::read(self.file()).unwrap();
        let third = bytes.len() / 3;
        bytes[third..third + 200].fill(0x55);
        fs::write(self.file(), bytes).unwrap();
        self
    }

    /// Bytes of a picture.
    pub(crate) fn picture(&self) -> usize {
        let (width, height) = self.size.split_once('x').unwrap();
        width.parse::<usize>().unwrap() * height.parse::<usize>().unwrap() * 3 / 2
    }

    /// All pictures, by FFmpeg's own decoder.
    pub(crate) fn decoded(&self, ffmpeg: &mut Command) -> Vec<u8> {
        ffmpeg.arg("-i").arg(self.file());
        // A full-range picture stays one.
        let planar = ["-f", "rawvideo", "-pix_fmt"];
        let format = if self.name.ends_with("avi") { "yuvj420p" } else { "nv12" };
        let bytes = output(ffmpeg.args(planar).arg(format));
        if format == "nv12" {
            bytes
        } else {
            bytes.chunks(self.picture()).flat_map(interleaved).collect()
        }
    }

    /// All pictures, by the driver that libva loads.
    pub(crate) fn decoded_by_va(&self, ffmpeg: &mut Command, display: &str) -> Vec<u8> {
        ffmpeg.args(["-init_hw_device", &format!("vaapi=va:{display}")]);
        ffmpeg
            .args(["-hwaccel", "vaapi", "-hwaccel_output_format", "vaapi", "-i"])
            .arg(self.file());
        output(ffmpeg.args(["-vf", "hwdownload,format=nv12", "-f", "rawvideo"]))
    }
}

/// Chroma planes as one.
fn interleaved(picture: &[u8]) -> Vec<u8> {
    let (luma, chroma) = picture.split_at(picture.len() * 2 / 3);
    let (u, v) = chroma.split_at(chroma.len() / 2);
    luma.iter().copied().chain(u.iter().zip(v).flat_map(|(u, v)| [*u, *v])).collect()
}

fn output(ffmpeg: &mut Command) -> Vec<u8> {
    let out = ffmpeg.arg("-").output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!out.stdout.is_empty(), "no picture: {said}");
    out.stdout
}
