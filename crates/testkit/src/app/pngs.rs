//! Checks a directory of PNG files.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::check::{Checker, Picture};
use crate::pattern::Scene;
use crate::{Layout, Pixel};
use zerohop_frame::Extent;

use super::options::Check;

/// Prints what is to be said about the pictures. Fails when one cannot be read.
pub(super) fn check(check: &Check) -> Result<ExitCode, Box<dyn Error>> {
    let layout = Layout::of(check.format.raw()).ok_or("the pattern is not drawn in this format")?;
    let mut checker = Checker::new(Scene { moving: check.damage.map(|part| part.0), plain: false });
    for path in files(&check.dir)? {
        let mut picture =
            read(&path, layout).map_err(|err| format!("{}: {err}", path.display()))?;
        if !check.alpha {
            picture = picture.opaque();
        }
        checker.take(&picture);
    }
    let report = checker.report(check.first..check.first + check.frames);
    println!("{report}");
    let good = report.is_true()
        && (check.missing || report.missing.is_empty())
        && (check.twice || report.twice.is_empty());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in dir.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "png") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A picture of 8 or 16 bits per channel, with or without alpha.
fn read(path: &Path, layout: Layout) -> Result<Picture, Box<dyn Error>> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut bytes)?;
    let (depth, channels) = (info.bit_depth as usize / 8, info.color_type.samples());
    if depth == 0 || channels < 3 {
        return Err(format!("{:?} of {:?}", info.color_type, info.bit_depth).into());
    }
    let pixel = |bytes: &[u8]| -> Pixel {
        std::array::from_fn(|i| match (&bytes.get(i * depth..(i + 1) * depth), depth) {
            (Some(one), 1) => u16::from(one[0]) << 8,
            (Some(two), _) => u16::from_be_bytes([two[0], two[1]]),
            (None, _) => u16::MAX,
        })
    };
    let pixels = bytes[..info.buffer_size()].chunks_exact(depth * channels).map(pixel).collect();
    let most = u32::try_from(depth * 8)?;
    let mut bits = layout.bits().map(|bits| bits.min(most));
    if channels == 3 {
        bits[3] = 0;
    }
    Ok(Picture { extent: Extent { width: info.width, height: info.height }, pixels, bits })
}
