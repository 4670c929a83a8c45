//! What recording costs, all processes together, against ffmpeg grabbing the screen.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::quality::{Originals, Quality};
use super::recorders::{self, Preset, RATE};
use super::{Figures, Limit, median};
use crate::{project, tree};

/// Alternating repetitions.
const ROUNDS: usize = 3;

/// vkcube at 1280x720 and 60 Hz to H.264: CPU time of application, display server and recorder per
/// recorded picture, less what the application alone costs at that rate.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder).context("make target/bench")?;
    let originals = recorders::originals(&folder)?;
    let mut ours = Series::new("zerohop");
    let mut usual = Series::new("ffmpeg");
    let mut fastest = Series::new("ffmpeg_ultrafast");
    for round in 1..=ROUNDS {
        println!("round {round}:");
        let own = recorders::alone(false)?;
        let bits = ours.record(&originals, own, || recorders::by_zerohop(&folder))?;
        let limited = recorders::alone(true)?;
        for (series, preset) in [(&mut usual, Preset::Veryfast), (&mut fastest, Preset::Ultrafast)]
        {
            series.record(&originals, limited, || recorders::by_ffmpeg(&folder, preset, bits))?;
        }
    }
    for series in [&ours, &usual, &fastest] {
        series.tell(figures);
    }
    let ratio = |other: &Series| {
        let pairs = ours.milliseconds.iter().zip(&other.milliseconds);
        median(&pairs.map(|(ours, other)| ours / other).collect::<Vec<_>>())
    };
    figures.judge("record_cpu_ratio", ratio(&usual), Limit::AtMost(0.6));
    figures.keep("record_cpu_ratio_ultrafast", ratio(&fastest));
    figures.say(format!("against x264 ultrafast, at the same size: {:.3}", ratio(&fastest)));
    Ok(())
}

/// All runs of one recorder.
struct Series {
    name: &'static str,
    /// CPU time of all processes per recorded picture, beside the application's own.
    milliseconds: Vec<f64>,
    bytes: Vec<f64>,
    psnr: Vec<f64>,
}

impl Series {
    fn new(name: &'static str) -> Self {
        Self { name, milliseconds: Vec::new(), bytes: Vec::new(), psnr: Vec::new() }
    }

    /// Records once, where the application alone takes `own` CPU seconds. Returns the bits per
    /// second of the video.
    fn record(
        &mut self,
        originals: &Originals,
        own: f64,
        record: impl FnOnce() -> Result<PathBuf>,
    ) -> Result<u64> {
        let before = tree::cpu_seconds_of_children()?;
        let video = record().with_context(|| format!("record with {}", self.name))?;
        let cpu = tree::cpu_seconds_of_children()? - before;
        let Quality { bytes, pictures, psnr } = originals.judge(&video)?;
        if psnr < 30.0 {
            bail!("what {} recorded is not what was drawn: {psnr:.1} dB", self.name);
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (size, count) = (bytes as f64, pictures as f64);
        let milliseconds = (cpu - own) * 1e3 / count;
        println!("  {:<17}{milliseconds:6.2} ms per picture ({pictures} pictures)", self.name);
        self.milliseconds.push(milliseconds);
        self.bytes.push(size / count);
        self.psnr.push(psnr);
        Ok(bytes * 8 * u64::from(RATE) / pictures as u64)
    }

    fn tell(&self, figures: &mut Figures) {
        let Self { name, milliseconds, bytes, psnr } = self;
        let (milliseconds, bytes, psnr) = (median(milliseconds), median(bytes), median(psnr));
        figures.keep(&format!("record_{name}_ms_per_frame"), milliseconds);
        figures.keep(&format!("record_{name}_bytes_per_frame"), bytes);
        figures.keep(&format!("record_{name}_psnr_db"), psnr);
        figures.say(format!(
            "recording with {name}: {milliseconds:.2} ms CPU, {bytes:.0} bytes per picture, {psnr:.1} dB"
        ));
    }
}
