//! The report for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::counts::{STAGES, name};
use crate::report::{FallbackLine, Refused, Report};
use crate::{Percentiles, Verdicts};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.application.command.join(" "))?;
        self.pictures(f)?;
        self.ways(f)?;
        self.remarks(f)?;
        self.durations(f)
    }
}

fn line(f: &mut fmt::Formatter<'_>, key: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(f, "  {key:<22}{value}")
}

impl Report {
    /// What became of the pictures.
    fn pictures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdicts { unchanged, changed, region } = self.verdicts;
        let verdicts = format_args!("{unchanged} unchanged, {changed} changed, {region} region");
        line(f, "duration", format_args!("{:.2} s, {:.1} frames/s", self.duration_s, self.fps))?;
        line(f, "frames presented", self.frames_presented)?;
        line(f, "frames encoded", self.frames_encoded)?;
        line(f, "frames replaced", self.frames_replaced)?;
        line(f, "frames dropped", Reasons(self.frames_dropped, &self.drop_reasons))?;
        line(f, "verdicts", verdicts)?;
        line(f, "looked at by", &self.look)
    }

    /// Which way they took, and who copied them.
    fn ways(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "handover", self.handover)?;
        line(f, "sync tier", self.sync_tier)?;
        line(f, "device", self.device.as_deref().unwrap_or("none"))?;
        line(f, "encoder", self.encoder.as_deref().unwrap_or("none"))?;
        if let Some(cuda) = &self.cuda {
            line(f, "CUDA", cuda)?;
        }
        line(f, "bytes copied by CPU", format_args!("{} a frame", self.bytes_copied_by_cpu))?;
        let (copies, bytes) = (&self.gpu_copies, &self.bytes_copied_by_gpu);
        line(f, "copies by GPU", format_args!("{copies} a frame, {bytes} bytes down to the host"))?;
        let copied: u64 = self.sink_copies.reasons.values().sum();
        line(f, "copies made by sinks", Reasons(copied, &self.sink_copies.reasons))
    }

    /// What somebody should know, and what was written.
    fn remarks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FallbackLine { what, reason, cost } in &self.fallbacks {
            line(f, "fallback", format_args!("{what}: {reason}: {cost}"))?;
        }
        for Refused { pid, producer, reason } in &self.refused {
            line(f, "refused", format_args!("process {pid} {producer:?}: {reason}"))?;
        }
        self.outputs.iter().try_for_each(|output| line(f, "output", output))
    }

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
