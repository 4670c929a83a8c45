//! What a run did, for people and for programs. The JSON keys are documented in `REPORT.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Number, Value};
use zerohop_frame::Extent;

use crate::histogram::Percentiles;
use crate::measurements::{Copies, Counts, STAGES, Verdicts, name};

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
    application: Application,
    duration_s: f64,
    fps: f64,
    frames_presented: u64,
    frames_encoded: u64,
    frames_replaced: u64,
    frames_dropped: u64,
    drop_reasons: BTreeMap<&'static str, u64>,
    verdicts: Verdicts,
    handover: &'static str,
    sync_tier: &'static str,
    device: Option<String>,
    encoder: Option<String>,
    bytes_copied_by_cpu: Number,
    gpu_copies: Number,
    copy_reasons: BTreeMap<&'static str, u64>,
    sink_copies: Copies,
    fallbacks: Vec<FallbackLine>,
    streams: Vec<Stream>,
    refused: Vec<Refused>,
    outputs: Vec<String>,
    stages: BTreeMap<&'static str, Percentiles>,
}

impl Report {
    /// Puts both together.
    pub fn new(counts: Counts, facts: Facts) -> Self {
        let encoded = counts.stage(zerohop_frame::Stage::Encode).count;
        let seconds = facts.duration.as_secs_f64();
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
            gpu_copies: per(counts.path_copies.gpu),
            drop_reasons: counts.dropped,
            verdicts: counts.verdicts,
            handover: facts.handover,
            sync_tier: facts.sync_tier,
            device: facts.device,
            encoder: facts.encoder,
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

    /// The run in one line.
    pub fn summary(&self) -> String {
        let outputs = match &self.outputs[..] {
            [] => String::new(),
            outputs => format!("{}: ", outputs.join(", ")),
        };
        let Verdicts { unchanged, .. } = self.verdicts;
        format!(
            "{outputs}{} pictures in {:.1} s: {} encoded, {unchanged} unchanged, {} replaced, {} dropped",
            self.frames_presented,
            self.duration_s,
            self.frames_encoded,
            self.frames_replaced,
            self.frames_dropped
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, key: &str, value: &dyn fmt::Display| {
            writeln!(f, "  {key:<22}{value}")
        };
        writeln!(f, "{}", self.application.command.join(" "))?;
        let Verdicts { unchanged, changed, region } = self.verdicts;
        line(f, "duration", &format_args!("{:.2} s, {:.1} frames/s", self.duration_s, self.fps))?;
        line(f, "frames presented", &self.frames_presented)?;
        line(f, "frames encoded", &self.frames_encoded)?;
        line(f, "frames replaced", &self.frames_replaced)?;
        line(f, "frames dropped", &Reasons(self.frames_dropped, &self.drop_reasons))?;
        line(
            f,
            "verdicts",
            &format_args!("{unchanged} unchanged, {changed} changed, {region} region"),
        )?;
        line(f, "handover", &self.handover)?;
        line(f, "sync tier", &self.sync_tier)?;
        line(f, "device", &self.device.as_deref().unwrap_or("none"))?;
        line(f, "encoder", &self.encoder.as_deref().unwrap_or("none"))?;
        line(f, "bytes copied by CPU", &format_args!("{} a frame", self.bytes_copied_by_cpu))?;
        line(f, "copies by GPU", &format_args!("{} a frame", self.gpu_copies))?;
        let copied: u64 = self.sink_copies.reasons.values().sum();
        line(f, "copies made by sinks", &Reasons(copied, &self.sink_copies.reasons))?;
        for FallbackLine { what, reason, cost } in &self.fallbacks {
            line(f, "fallback", &format_args!("{what}: {reason}: {cost}"))?;
        }
        for Refused { pid, producer, reason } in &self.refused {
            line(f, "refused", &format_args!("process {pid} {producer:?}: {reason}"))?;
        }
        for output in &self.outputs {
            line(f, "output", output)?;
        }
        self.durations(f)
    }
}

impl Report {
    fn durations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n  {:<18}{:>8}{:>10}{:>10}{:>10}{:>10}",
            "step (us)", "count", "p50", "p95", "p99", "max"
        )?;
        for stage in STAGES {
            let Some(Percentiles { count, p50, p95, p99, max }) = self.stages.get(name(stage))
            else {
                continue;
            };
            let step = name(stage).replace('_', " ");
            writeln!(f, "  {step:<18}{count:>8}{p50:>10}{p95:>10}{p99:>10}{max:>10}")?;
        }
        Ok(())
    }
}

/// A count with what it is made of.
struct Reasons<'a>(u64, &'a BTreeMap<&'static str, u64>);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        for (index, (why, count)) in self.1.iter().enumerate() {
            write!(f, "{}{count} {why}", if index == 0 { ": " } else { ", " })?;
        }
        Ok(())
    }
}
