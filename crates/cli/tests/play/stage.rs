//! A folder with clips in it, what ffmpeg says of them, and what we do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// What that driver decodes.
pub(crate) const BASELINE: [&str; 6] =
    ["-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p"];

pub(crate) const X264: [&str; 4] = ["-c:v", "libx264", "-preset", "ultrafast"];

/// A folder with a clip in it.
pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has ffmpeg make `name` with `arguments`.
    pub(crate) fn ffmpeg(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y"]).args(arguments).arg(&path).current_dir(&self.folder);
        let output = ffmpeg.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    }

    /// A second of a test picture of odd size, made with `arguments`.
    pub(crate) fn clip(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let source = ["-f", "lavfi", "-i", "testsrc2=size=146x102:rate=25:duration=1"];
        self.ffmpeg(name, &[&source[..], arguments].concat())
    }

    /// A bare stream, `sizes.` and `end`, of 45 pictures that change their size twice, made with `arguments`.
    pub(crate) fn sizes(&self, end: &str, arguments: &[&str]) -> PathBuf {
        let parts = ["320x240", "176x144", "320x240"].map(|size| {
            let source = format!("testsrc2=size={size}:rate=25:duration=0.6");
            let input = ["-f", "lavfi", "-i", &source];
            let part = self.ffmpeg(&format!("{size}.{end}"), &[&input[..], arguments].concat());
            fs::read(part).unwrap()
        });
        let path = self.path(&format!("sizes.{end}"));
        fs::write(&path, parts.concat()).unwrap();
        path
    }
}

/// What ffmpeg says of `clip`, with `before` its input.
pub(crate) fn ffmpegs(before: &[&str], clip: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet"]).args(before).arg("-i").arg(clip);
    // Every picture in its own size, and no name of a program.
    ffmpeg.args(["-map", "0:v:0", "-autoscale", "0", "-bitexact", "-f", "framemd5", "-"]);
    String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap()
}

/// A checksum of the luma of each picture.
pub(crate) fn luma_of(clip: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet", "-i"]).arg(clip);
    ffmpeg.args(["-vf", "extractplanes=y", "-bitexact", "-f", "framemd5", "-"]);
    String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap()
}

/// A checksum of each picture in NV12, as drivers decode.
pub(crate) fn interleaved(clip: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet", "-i"]).arg(clip).args(["-pix_fmt", "nv12", "-bitexact"]);
    String::from_utf8(ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap().stdout).unwrap()
}

pub(crate) fn zerohop(command: &str, clip: &Path, arguments: &[&str]) -> Output {
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.arg(command).arg(clip).args(arguments).env_remove("ZEROHOP_DECODER");
    zerohop.output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What we say of `clip`.
pub(crate) fn ours(clip: &Path, arguments: &[&str]) -> String {
    let given = [&["--decode", "software", "--to", "checksum"], arguments].concat();
    let output = zerohop("play", clip, &given);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// How many pictures the lines of `sums` are of.
pub(crate) fn pictures(sums: &str) -> usize {
    sums.lines().filter(|line| !line.starts_with('#')).count()
}

/// The last word of each line: what the pictures are, whenever.
pub(crate) fn hashes(sums: &str) -> Vec<String> {
    let lines = sums.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(", ").next().unwrap().to_owned()).collect()
}

#[track_caller]
pub(crate) fn same(ffmpegs: &str, ours: &str, least: usize) {
    assert_eq!(ours.lines().collect::<Vec<_>>(), ffmpegs.lines().collect::<Vec<_>>());
    assert!(pictures(ours) >= least, "{ours}");
}
