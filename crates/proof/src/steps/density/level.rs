//! So many applications at once, and what came of it.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::spans::{Picture, percentile};

/// What p99 from a present to the converted picture is to stay below, in microseconds.
pub(super) const MOST: f64 = 4000.0;

/// The steps of a picture.
const STEPS: [&str; 3] = ["present_to_host", "classify", "convert"];

/// So many applications at once, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) applications: usize,
    /// How many of them presented something, and how long it took until they did.
    pub(super) running: usize,
    pub(super) start: Duration,
    /// When they were looked at, on `CLOCK_MONOTONIC`.
    pub(super) time: Range<Duration>,
    /// Microseconds from the present to the converted picture.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Pictures that came through of those that should have, of 1.
    pub(super) share: f64,
    /// p99 of each step, in microseconds.
    pub(super) steps: [f64; 3],
    pub(super) processors: f64,
    pub(super) gpu: f64,
    /// MiB of a host and of an application, the medians, and of the host with the most.
    pub(super) application_mib: f64,
    pub(super) host_mib: f64,
    pub(super) host_most_mib: f64,
    pub(super) gpu_mib: Option<f64>,
}

impl Level {
    /// Of `applications`, before anything is known.
    pub(super) fn of(applications: usize) -> Self {
        Self { applications, p99: f64::INFINITY, ..Self::default() }
    }

    /// Whether all of them presented something.
    pub(super) fn is_whole(&self) -> bool {
        self.running == self.applications
    }

    pub(super) fn is_good(&self) -> bool {
        self.p99 <= MOST && self.share > 0.95
    }

    /// Which step is long, and what is used up.
    pub(super) fn limit(&self) -> String {
        let Self { running, start, p50, share, .. } = self;
        if !self.is_whole() {
            return format!("{running} presented something in {:.0} s", start.as_secs_f64());
        }
        if self.p99.is_infinite() {
            return "no picture was converted".to_owned();
        }
        let [way, classify, convert] = self.steps;
        format!(
            "p50 {p50:.0} us; p99 to the host {way:.0}, classify {classify:.0}, convert {convert:.0}; \
             {:.0} % of the pictures, processors {:.0} % busy, GPU {:.0} %",
            share * 100.0,
            self.processors * 100.0,
            self.gpu * 100.0
        )
    }

    /// What became of the pictures of `traces` that were presented when this level was looked at, and
    /// of which each application should have had `changes` a second.
    ///
    /// # Errors
    ///
    /// A trace of this level could not be read.
    pub(super) fn judge(&mut self, traces: &[Result<Vec<Picture>>], changes: f64) -> Result<()> {
        let (mut whole, mut steps) = (Vec::new(), [const { Vec::new() }; 3]);
        let time = self.time.clone();
        for pictures in &traces[..self.applications] {
            let pictures = pictures.as_ref().map_err(|err| anyhow!("{err:#}"))?;
            let presented = pictures.iter().filter(|picture| picture.was_presented_in(&time));
            for (picture, took) in presented.filter_map(|one| Some((one, one.until("convert")?))) {
                whole.push(took);
                for (step, times) in STEPS.iter().zip(&mut steps) {
                    times.extend(picture.took(step));
                }
            }
        }
        if whole.is_empty() {
            return Ok(());
        }
        let wanted = (time.end - time.start).as_secs_f64() * changes;
        self.share = number(whole.len()) / (wanted * number(self.applications));
        self.p50 = percentile(&mut whole, 50);
        self.p99 = percentile(&mut whole, 99);
        self.steps = steps.map(|mut times| percentile(&mut times, 99));
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}
