//! What `zerohop run --report` wrote.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// A report, with the file it came from.
#[derive(Debug)]
pub(crate) struct Report {
    file: PathBuf,
    json: Value,
}

impl Report {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The file is not there, or is not JSON.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let json = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
        Ok(Self { file: file.to_owned(), json })
    }

    /// The word at `pointer`, as in `/handover`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn text(&self, pointer: &str) -> Result<String> {
        let found = self.json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.with_context(|| format!("{} has no word at {pointer}", self.file.display()))
    }

    /// The number at `pointer`, whole or not.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn figure(&self, pointer: &str) -> Result<f64> {
        let found = self.json.pointer(pointer).and_then(Value::as_f64);
        found.with_context(|| format!("{} has no number at {pointer}", self.file.display()))
    }

    /// The count at `pointer`, as in `/verdicts/region`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn number(&self, pointer: &str) -> Result<u64> {
        let found = self.json.pointer(pointer).and_then(Value::as_u64);
        found.with_context(|| format!("{} has no count at {pointer}", self.file.display()))
    }
}
