//! The reports of all that was recorded beside each other.

use std::fmt;

use serde::Serialize;

use crate::Report;
use crate::report::SCHEMA;

/// One report, or several with what they come to. `Display` prints tables.
///
/// As JSON one is itself, and several are an object: `films` has the reports, in order, and the other
/// keys are their sums.
#[derive(Clone, Debug)]
pub struct Films(Vec<Report>);

/// The sums.
#[derive(Serialize)]
struct Total<'a> {
    schema: u32,
    version: &'static str,
    duration_s: f64,
    fps: f64,
    frames_presented: u64,
    frames_replaced: u64,
    frames_dropped: u64,
    frames_encoded: u64,
    films: &'a [Report],
}

impl Films {
    /// All of `reports`, which began together.
    pub fn new(reports: Vec<Report>) -> Self {
        Self(reports)
    }

    /// Pictures of all of them, wherever they ended.
    pub fn frames_presented(&self) -> u64 {
        self.0.iter().map(Report::frames_presented).sum()
    }

    fn total(&self) -> Total<'_> {
        let duration_s = self.0.iter().map(|one| one.duration_s).fold(0.0, f64::max);
        let sum = |of: fn(&Report) -> u64| self.0.iter().map(of).sum();
        let frames_presented = self.frames_presented();
        Total {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            duration_s,
            fps: if duration_s > 0.0 { frames_presented as f64 / duration_s } else { 0.0 },
            frames_presented,
            frames_replaced: sum(|one| one.frames_replaced),
            frames_dropped: sum(|one| one.frames_dropped),
            frames_encoded: sum(|one| one.frames_encoded),
            films: &self.0,
        }
    }

    /// A line for each, and one for all of several.
    pub fn summary(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.0.iter().map(Report::summary).collect();
        if self.0.len() > 1 {
            let each = self.0.iter().zip(&lines).map(|(one, line)| one.named(line));
            lines = each.collect();
            lines.push(self.total().to_string());
        }
        lines
    }

    /// The JSON text, with a line for every key.
    ///
    /// # Errors
    ///
    /// Never for what [`new`](Self::new) made.
    pub fn to_json(&self) -> serde_json::Result<String> {
        match &self.0[..] {
            [one] => one.to_json(),
            _ => Ok(serde_json::to_string_pretty(&self.total())? + "\n"),
        }
    }
}

impl fmt::Display for Films {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|one| write!(f, "{one}"))?;
        if self.0.len() > 1 { writeln!(f, "\n{}", self.total()) } else { Ok(()) }
    }
}

impl fmt::Display for Total<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration_s, fps, frames_presented, frames_dropped, films, .. } = self;
        let films = films.len();
        write!(
            f,
            "{films} films: {frames_presented} pictures in {duration_s:.1} s, {fps:.1} a second, \
             {frames_dropped} dropped"
        )
    }
}
