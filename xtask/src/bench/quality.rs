//! How near a recorded video comes to what was drawn.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::sheet;

/// Size of the pictures by which a recorded picture finds the drawn one.
const SMALL: (usize, usize) = (160, 90);
/// How many pictures of a video are looked at.
const LOOKED_AT: usize = 40;

/// What is known of a video.
#[derive(Debug)]
pub(super) struct Quality {
    /// Bytes of the file.
    pub(super) bytes: u64,
    /// Pictures in it.
    pub(super) pictures: usize,
    /// Median PSNR of the luma of those that were looked at, in dB.
    pub(super) psnr: f64,
}

/// Pictures as they were drawn, one after the other, before any loss.
#[derive(Debug)]
pub(super) struct Originals {
    size: (usize, usize),
    small: Vec<Vec<u8>>,
    full: Vec<Vec<u8>>,
}

impl Originals {
    /// Reads the PNG files that `pattern` names, as in `frame-%06d.png`.
    ///
    /// # Errors
    ///
    /// ffmpeg cannot read them.
    pub(super) fn read(pattern: &Path, size: (usize, usize)) -> Result<Self> {
        let input = [PathBuf::from("-start_number"), "0".into(), "-i".into(), pattern.to_owned()];
        let full = luma(&input, "null", size)?;
        let small = luma(&input, "null", SMALL)?;
        if full.is_empty() || small.len() != full.len() {
            bail!("{} pictures in {}", full.len(), pattern.display());
        }
        Ok(Self { size, small, full })
    }

    /// Compares `video` to the originals. Each recorded picture is held against the one it is most
    /// like, since a recorder may begin anywhere.
    ///
    /// # Errors
    ///
    /// ffmpeg cannot read it.
    pub(super) fn judge(&self, video: &Path) -> Result<Quality> {
        let pictures = sheet::count_pictures(video)?;
        // The first and last pictures may show the program's start and end.
        let step = (pictures / LOOKED_AT).max(1);
        let select = format!("select=not(mod(n+{}\\,{step}))", step / 2 + 1);
        let input = [PathBuf::from("-i"), video.to_owned()];
        let (full, small) = (luma(&input, &select, self.size)?, luma(&input, &select, SMALL)?);
        let mut found: Vec<f64> = Vec::new();
        for (full, small) in full.iter().zip(&small) {
            found.push(psnr(full, &self.full[self.nearest(small)]));
        }
        let bytes = std::fs::metadata(video)?.len();
        Ok(Quality { bytes, pictures, psnr: super::median(&found) })
    }

    fn nearest(&self, small: &[u8]) -> usize {
        let far = |one: &Vec<u8>| {
            one.iter().zip(small).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
        };
        let nearest = self.small.iter().enumerate().min_by_key(|(_, one)| far(one));
        nearest.map_or(0, |(index, _)| index)
    }
}

/// The luma of all pictures of an input, in BT.709 limited range.
fn luma(input: &[PathBuf], select: &str, (width, height): (usize, usize)) -> Result<Vec<Vec<u8>>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]).args(input);
    let scale = format!("scale={width}:{height}:out_color_matrix=bt709:out_range=tv:flags=area");
    ffmpeg.args(["-vf", &format!("{select},{scale},format=yuv420p,extractplanes=y")]);
    ffmpeg.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-"]);
    let out = ffmpeg.output().context("cannot start ffmpeg")?;
    if !out.status.success() {
        bail!("ffmpeg: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(out.stdout.chunks_exact(width * height).map(<[u8]>::to_vec).collect())
}

/// Peak signal to noise ratio in dB; 100 where nothing differs.
fn psnr(one: &[u8], other: &[u8]) -> f64 {
    let differences = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2));
    let squares: u64 = differences.sum();
    if squares == 0 {
        return 100.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let mean = squares as f64 / one.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_one_everywhere_is_48_db() {
        assert!((psnr(&[7; 64], &[8; 64]) - 48.13).abs() < 0.01);
        assert!((psnr(&[7; 64], &[7; 64]) - 100.0).abs() < 0.01);
    }

    #[test]
    fn a_picture_finds_the_one_it_is_most_like() {
        let small = vec![vec![0; 8], vec![100; 8], vec![200; 8]];
        let originals = Originals { size: (8, 1), full: small.clone(), small };
        assert_eq!(originals.nearest(&[90; 8]), 1);
        assert_eq!(originals.nearest(&[255; 8]), 2);
    }
}
