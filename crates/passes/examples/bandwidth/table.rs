//! What was found: lines for people, and JSON.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use zerohop_frame::{Extent, Fourcc};
use zerohop_passes::Grid;

use crate::cases::Case;
use crate::common::Machine;
use crate::copy::Limits;
use crate::planar::{self, Found};
use crate::stage::Stage;

/// Bytes of hashes and keys that are read for each tile beside the picture.
const HASH: u64 = 16;

/// One measurement.
pub(crate) struct Row {
    case: &'static str,
    size: String,
    format: String,
    clock: &'static str,
    read: u64,
    written: u64,
    /// Microseconds: p50, p95, p99.
    times: [f64; 3],
    /// Microseconds that a copy of as many bytes takes; nothing where none was measured.
    limit: Option<f64>,
    /// Microseconds that the memory itself takes for them, where its bandwidth is known.
    memory: Option<f64>,
}

impl Row {
    /// A copy, which others are measured by.
    pub(crate) fn copy(stage: &Stage<'_>, times: &[Duration]) -> Self {
        let bytes = (stage.bytes(), stage.bytes());
        Self::new("copy", stage.shape(), "device", bytes, times)
    }

    /// A pass over decoded pictures.
    pub(crate) fn planar(case: planar::Case, shape: (Extent, Fourcc), found: &Found) -> Self {
        Self::new(case.name, shape, "device", (found.read, found.written), &found.times)
    }

    pub(crate) fn of(case: Case, stage: &Stage<'_>, times: &[Duration]) -> Self {
        let pixels = u64::from(stage.extent.width) * u64::from(stage.extent.height);
        let hashes = Grid::of(stage.extent).len() as u64 * HASH;
        let read = stage.bytes() + hashes;
        let written = pixels * case.writes / 8 + if case.writes > 0 { hashes } else { 0 };
        let clock = if case.is_on_the_clock() { "clock" } else { "device" };
        Self::new(case.name, stage.shape(), clock, (read, written), times)
    }

    /// Compares it with a copy of as many bytes.
    pub(crate) fn against(mut self, limits: &mut Limits<'_>) -> Self {
        let moved = self.read + self.written;
        (self.limit, self.memory) = (limits.of(moved), limits.memory(moved));
        self
    }

    fn new(
        case: &'static str,
        (extent, format): (Extent, Fourcc),
        clock: &'static str,
        (read, written): (u64, u64),
        times: &[Duration],
    ) -> Self {
        let size = format!("{}x{}", extent.width, extent.height);
        let (format, times) = (format.to_string(), percentiles(times));
        Self { case, size, format, clock, read, written, times, limit: None, memory: None }
    }

    fn ratio(&self) -> Option<f64> {
        self.limit.map(|limit| self.times[0] / limit)
    }

    fn line(&self) -> String {
        let [p50, p95, p99] = self.times;
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let tenths = |it: Option<f64>| it.map_or(String::new(), |it| format!("{it:.1}"));
        let (limit, memory) = (tenths(self.limit), tenths(self.memory));
        let ratio = self.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
        format!(
            "{:<10} {:<5} {:<19} {:<7}{:>8.2}{:>8.2}{p50:>11.1}{p95:>11.1}{p99:>11.1}{memory:>11}{limit:>11}{ratio:>8}",
            self.size,
            self.format,
            self.case,
            self.clock,
            mega(self.read),
            mega(self.written),
        )
    }

    fn json(&self) -> String {
        let [p50, p95, p99] = self.times;
        let number = |it: Option<f64>| it.map_or("null".into(), |it| format!("{it:.3}"));
        format!(
            "{{\"case\": \"{}\", \"size\": \"{}\", \"format\": \"{}\", \"time\": \"{}\", \
             \"read\": {}, \"written\": {}, \"p50_us\": {p50:.3}, \"p95_us\": {p95:.3}, \
             \"p99_us\": {p99:.3}, \"memory_us\": {}, \"limit_us\": {}, \"ratio\": {}}}",
            self.case,
            self.size,
            self.format,
            self.clock,
            self.read,
            self.written,
            number(self.memory),
            number(self.limit),
            number(self.ratio()),
        )
    }
}

/// p50, p95 and p99 in microseconds; zeros of nothing.
pub(crate) fn percentiles(times: &[Duration]) -> [f64; 3] {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    [50, 95, 99].map(|percent| {
        let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    })
}

/// All measurements; each is printed when it is there.
pub(crate) struct Table {
    device: String,
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(machine: &Machine) -> Self {
        let physical = machine.device.physical();
        let device = format!("{} ({})", physical.name(), physical.driver_name());
        println!("{device}");
        if machine.device.capabilities().timestamps.is_none() {
            println!("it has no timestamps: only what is measured by the clock is told");
        }
        println!(
            "{:<10} {:<5} {:<19} {:<7}{:>8}{:>8}{:>11}{:>11}{:>11}{:>11}{:>11}{:>8}",
            "",
            "",
            "",
            "time",
            "MB in",
            "MB out",
            "p50 us",
            "p95 us",
            "p99 us",
            "memory us",
            "limit us",
            "ratio"
        );
        Self { device, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    /// Writes the JSON, if somebody wants it.
    pub(crate) fn finish(self, file: Option<&str>) -> ExitCode {
        let Some(file) = file else { return ExitCode::SUCCESS };
        let device = self.device.replace(['"', '\\'], "'");
        let rows: Vec<_> = self.rows.iter().map(|row| format!("    {}", row.json())).collect();
        let mut text = String::new();
        let _ = writeln!(text, "{{\n  \"device\": \"{device}\",\n  \"rows\": [");
        let _ = writeln!(text, "{}\n  ]\n}}", rows.join(",\n"));
        match std::fs::write(file, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(err) => {
                eprintln!("bandwidth: could not write {file}: {err}");
                ExitCode::FAILURE
            }
        }
    }
}
