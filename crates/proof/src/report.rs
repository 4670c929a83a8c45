//! What `zerohop run --report` wrote.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// A report.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The file is not there, or is not JSON.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        Ok(Self(serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?))
    }

    /// The number at `pointer`, as in `/stages/classify/p99`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn number(&self, pointer: &str) -> Result<f64> {
        let found = self.0.pointer(pointer).and_then(Value::as_f64);
        found.with_context(|| format!("the report has no number at {pointer}"))
    }

    /// The word at `pointer`; empty when there is none.
    pub(crate) fn word(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// How pictures came over, and what the CPU and the GPU copied of each: for a note.
    pub(crate) fn path(&self) -> String {
        let count = |pointer| self.number(pointer).unwrap_or(f64::NAN);
        format!(
            "{}, {}, {} bytes by the CPU and {} GPU copies a picture",
            self.word("/handover"),
            self.word("/sync_tier"),
            count("/bytes_copied_by_cpu"),
            count("/gpu_copies")
        )
    }
}
