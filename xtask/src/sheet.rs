//! A contact sheet: many small pictures of a video in one.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Pictures in a row.
const COLUMNS: usize = 4;
/// Rows.
const ROWS: usize = 3;

/// Writes twelve pictures, evenly spread over `video`, into the PNG `out`.
///
/// # Errors
///
/// ffmpeg cannot read the video, or it holds no picture.
pub(crate) fn write(video: &Path, out: &Path) -> Result<()> {
    let pictures = count_pictures(video)?;
    if pictures == 0 {
        bail!("{} holds no picture", video.display());
    }
    let step = pictures.div_ceil(COLUMNS * ROWS).max(1);
    let filter = format!(
        "select=not(mod(n\\,{step})),scale=320:-2:flags=area,tile={COLUMNS}x{ROWS}:padding=4:margin=4"
    );
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(video);
    ffmpeg.args(["-vf", &filter, "-frames:v", "1", "-update", "1"]).arg(out);
    shell::output(&mut ffmpeg).map(drop)
}

/// How many pictures a decoder finds in `video`.
///
/// # Errors
///
/// ffprobe cannot read it.
pub(crate) fn count_pictures(video: &Path) -> Result<usize> {
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-select_streams", "v:0", "-count_frames"]);
    probe.args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]).arg(video);
    let answer = shell::output(&mut probe)?;
    let number = answer.trim().trim_end_matches(',');
    number.parse().with_context(|| format!("ffprobe counts {number:?} pictures"))
}
