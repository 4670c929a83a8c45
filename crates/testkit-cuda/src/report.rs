//! What happened, for the test to read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// What was called, what is left, and what was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How often each function was called.
    pub calls: BTreeMap<String, u64>,
    /// How many objects of each kind are alive.
    pub live: BTreeMap<String, u64>,
    /// How many of each kind were alive at once, at most.
    pub most: BTreeMap<String, u64>,
    /// Broken rules, in order.
    pub complaints: Vec<String>,
    /// Bytes that copies moved.
    pub copied: u64,
}

impl Report {
    /// Reads the file that [`REPORT`](crate::plan::REPORT) named. It is there once the process ended,
    /// unless it was killed.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string(path)?))
    }

    /// How often `call` was called.
    pub fn count(&self, call: &str) -> u64 {
        self.calls.get(call).copied().unwrap_or(0)
    }

    /// Everything that is wrong at the end: broken rules, and what was not given back.
    pub fn faults(&self) -> Vec<String> {
        let left = self.live.iter().filter(|(_, count)| **count > 0);
        let left = left.map(|(kind, count)| format!("{count} {kind} left"));
        self.complaints.iter().cloned().chain(left).collect()
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("copied {}\n", self.copied);
        for (word, map) in [("call", &self.calls), ("live", &self.live), ("most", &self.most)] {
            for (name, count) in map {
                let _ = writeln!(text, "{word} {count} {name}");
            }
        }
        for complaint in &self.complaints {
            let _ = writeln!(text, "complaint {complaint}");
        }
        text
    }

    fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            let Some((word, rest)) = line.split_once(' ') else { continue };
            if word == "complaint" {
                report.complaints.push(rest.into());
                continue;
            }
            let (count, name) = rest.split_once(' ').unwrap_or((rest, ""));
            let count = count.parse().unwrap_or(0);
            match word {
                "copied" => report.copied = count,
                "call" => drop(report.calls.insert(name.into(), count)),
                "live" => drop(report.live.insert(name.into(), count)),
                _ => drop(report.most.insert(name.into(), count)),
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let report = Report {
            calls: [("cuInit".into(), 3)].into(),
            live: [("event".into(), 1), ("stream".into(), 0)].into(),
            most: [("event".into(), 4)].into(),
            complaints: vec!["cuEventQuery: no such event".into()],
            copied: 77,
        };
        assert_eq!(Report::parse(&report.text()), report);
        assert_eq!(report.faults(), ["cuEventQuery: no such event", "1 event left"]);
    }
}
