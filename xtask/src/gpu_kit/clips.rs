//! Films to decode: test pictures, encoded here by the program ffmpeg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{project, shell};

/// Pictures of each.
const PICTURES: &str = "90";

/// Bits that a second may have: little to carry, and as much work for a decoder as a stream.
const RATE: &str = "6M";

/// Name, size and codec.
const CLIPS: [(&str, &str, &str); 3] = [
    ("h264-1080p", "1920x1080", "libx264"),
    ("h264-2160p", "3840x2160", "libx264"),
    ("hevc-2160p", "3840x2160", "libx265"),
];

/// The films, made unless they are there.
///
/// # Errors
///
/// There is no ffmpeg, or it fails.
pub(super) fn made() -> Result<Vec<PathBuf>> {
    let folder = project::target().join("roots/gpu-kit/clips");
    fs::create_dir_all(&folder).context("make a folder for films")?;
    CLIPS.iter().map(|clip| make(&folder, clip)).collect()
}

fn make(folder: &Path, (name, size, codec): &(&str, &str, &str)) -> Result<PathBuf> {
    let file = folder.join(format!("{name}.mp4"));
    if file.is_file() {
        return Ok(file);
    }
    let part = folder.join(format!("{name}.part"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i"]);
    ffmpeg.arg(format!("testsrc2=size={size}:rate=60")).args(["-frames:v", PICTURES]);
    ffmpeg.args(["-c:v", codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-b:v", RATE, "-maxrate", RATE, "-bufsize", RATE]);
    if *codec == "libx265" {
        ffmpeg.args(["-x265-params", "log-level=error"]);
    }
    shell::run(ffmpeg.args(["-f", "mp4"]).arg(&part))?;
    fs::rename(&part, &file).with_context(|| format!("keep {}", file.display()))?;
    Ok(file)
}
