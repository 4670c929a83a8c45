//! What a run did, for people and for programs. The JSON keys are documented in `REPORT.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Number, Value};
use zerohop_frame::Extent;

use crate::{Copies, Counts, CudaReport, Looked, Percentiles, Region, Verdicts};

/// The version of the schema. It counts up when a key changes its meaning or goes; new keys do not
/// change it.
pub const SCHEMA: u32 = 1;

/// What whoever ran the pipeline knows besides the counts.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What was run.
    pub application: Application,
    /// From the start of the application to the end of the last output.
    pub duration: Duration,
    /// How the memory came over: `opaque_fd`, `dma_buf`, `shm`, or `none` when no picture came.
    pub handover: &'static str,
    /// How fences came over: `sync_file`, `signaled`, or `none` when no picture came.
    pub sync_tier: &'static str,
    /// The host's device, as its driver names it.
    pub device: Option<String>,
    /// The encoder, as it names itself.
    pub encoder: Option<String>,
    /// CUDA's part, where an output asked for it.
    pub cuda: Option<CudaReport>,
    /// Why the host looked at every picture; `None` where the application may have.
    pub host_looked: Option<&'static str>,
    /// All streams that the producers opened.
    pub streams: Vec<Stream>,
    /// Pictures of the main stream that it presented, wherever they ended.
    pub presented: u64,
    /// Of these, pictures that a newer one replaced before they were shown, as the application
    /// asked for.
    pub replaced: u64,
    /// Producers that were refused.
    pub refused: Vec<Refused>,
    /// Where the pictures went.
    pub outputs: Vec<String>,
}

/// A producer that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its process; 0 when unknown.
    pub pid: u32,
    /// Its name, if it said one.
    pub producer: String,
    /// The rule.
    pub reason: String,
}

/// The program that made the pictures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Application {
    /// The command with its arguments.
    pub command: Vec<String>,
    /// Its exit code; absent when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// One stream of pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Stream {
    /// Who made it, as in "vkcube".
    pub producer: String,
    /// What it is, as in "xcb window 0x400002".
    pub name: String,
    /// Size of its latest pictures.
    #[serde(serialize_with = "size")]
    pub extent: Extent,
    /// Format of its latest pictures, as in "XR24".
    pub fourcc: String,
    /// Pictures that it presented.
    pub presented: u64,
    /// Whether it is the one that was recorded.
    pub main: bool,
}

/// One worse path than the best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FallbackLine {
    /// What falls back.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What is slower or lost.
    pub cost: String,
}

/// A whole run. `Display` prints it as a table.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    schema: u32,
    version: &'static str,
    pub(crate) application: Application,
    pub(crate) duration_s: f64,
    pub(crate) fps: f64,
    pub(crate) frames_presented: u64,
    pub(crate) frames_encoded: u64,
    pub(crate) frames_replaced: u64,
    pub(crate) frames_dropped: u64,
    pub(crate) drop_reasons: BTreeMap<&'static str, u64>,
    pub(crate) verdicts: Verdicts,
    pub(crate) look: Looked,
    regions: Vec<Region>,
    pub(crate) handover: &'static str,
    pub(crate) sync_tier: &'static str,
    pub(crate) device: Option<String>,
    pub(crate) encoder: Option<String>,
    pub(crate) cuda: Option<CudaReport>,
    pub(crate) bytes_copied_by_cpu: Number,
    pub(crate) bytes_copied_by_gpu: Number,
    pub(crate) gpu_copies: Number,
    copy_reasons: BTreeMap<&'static str, u64>,
    pub(crate) sink_copies: Copies,
    pub(crate) fallbacks: Vec<FallbackLine>,
    streams: Vec<Stream>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) outputs: Vec<String>,
    pub(crate) stages: BTreeMap<&'static str, Percentiles>,
}

impl Report {
    /// Puts both together.
    pub fn new(counts: Counts, facts: Facts) -> Self {
        let encoded = counts.stage(zerohop_frame::Stage::Encode).count;
        let seconds = facts.duration.as_secs_f64();
        let look = Looked::of(&counts, facts.host_looked);
        let per = |total: u64| per_frame(total, counts.submitted);
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            application: facts.application,
            duration_s: seconds,
            fps: if seconds > 0.0 { facts.presented as f64 / seconds } else { 0.0 },
            frames_presented: facts.presented,
            frames_encoded: encoded,
            frames_replaced: facts.replaced,
            frames_dropped: counts.dropped.values().sum(),
            bytes_copied_by_cpu: per(counts.path_copies.cpu_bytes),
            bytes_copied_by_gpu: per(counts.path_copies.down_bytes),
            gpu_copies: per(counts.path_copies.gpu),
            drop_reasons: counts.dropped,
            verdicts: counts.verdicts,
            look,
            regions: counts.regions,
            handover: facts.handover,
            sync_tier: facts.sync_tier,
            device: facts.device,
            encoder: facts.encoder,
            cuda: facts.cuda,
            copy_reasons: counts.path_copies.reasons,
            sink_copies: counts.sink_copies,
            fallbacks: counts.fallbacks.into_iter().map(FallbackLine::from).collect(),
            streams: facts.streams,
            refused: facts.refused,
            outputs: facts.outputs,
            stages: counts.stages.into_iter().collect(),
        }
    }

    /// Pictures of the main stream that it presented, wherever they ended.
    pub fn frames_presented(&self) -> u64 {
        self.frames_presented
    }

    /// What was said of it, with its name.
    pub(crate) fn named(&self, said: &str) -> String {
        format!("{}: {said}", self.application.command.join(" "))
    }

    /// The run in one line.
    pub fn summary(&self) -> String {
        let outputs = match &self.outputs[..] {
            [] => String::new(),
            outputs => format!("{}: ", outputs.join(", ")),
        };
        let Verdicts { unchanged, changed, region } = self.verdicts;
        let done = match self.encoder {
            Some(_) => format!("{} encoded, {unchanged} unchanged, ", self.frames_encoded),
            // Nobody has looked at them.
            None if unchanged + changed + region == 0 => String::new(),
            None => format!("{} changed, {unchanged} unchanged, ", changed + region),
        };
        let Self { frames_presented, frames_replaced, frames_dropped, duration_s, .. } = self;
        format!(
            "{outputs}{frames_presented} pictures in {duration_s:.1} s: {done}{frames_replaced} \
             replaced, {frames_dropped} dropped"
        )
    }

    /// The JSON text, with a line for every key.
    ///
    /// # Errors
    ///
    /// Never for a report that [`new`](Self::new) made.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl From<zerohop_frame::Fallback> for FallbackLine {
    fn from(fallback: zerohop_frame::Fallback) -> Self {
        let zerohop_frame::Fallback { what, reason, cost } = fallback;
        Self { what: what.to_string(), reason, cost: cost.to_string() }
    }
}

/// A mean that is written as a whole number when it is one.
fn per_frame(total: u64, frames: u64) -> Number {
    let frames = frames.max(1);
    if total.is_multiple_of(frames) {
        return Number::from(total / frames);
    }
    Number::from_f64(total as f64 / frames as f64).unwrap_or_else(|| Number::from(0))
}

fn size<S: serde::Serializer>(extent: &Extent, serializer: S) -> Result<S::Ok, S::Error> {
    Value::from(format!("{}x{}", extent.width, extent.height)).serialize(serializer)
}
