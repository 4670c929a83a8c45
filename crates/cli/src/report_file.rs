//! Where the report goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zerohop_frame::with_causes;

use crate::failure::Failure;

/// Where the report goes, if it was asked for.
#[derive(Debug)]
pub(crate) struct ReportFile(Option<(PathBuf, File)>);

impl ReportFile {
    /// Opens `path`, and leaves what is in it until there is something better.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|err| unwritable(path, &err))?;
        Ok(Self(Some((path.to_owned(), file))))
    }

    /// Writes it.
    pub(crate) fn write(
        self,
        report: impl FnOnce() -> serde_json::Result<String>,
    ) -> Result<(), Failure> {
        let Some((path, mut file)) = self.0 else { return Ok(()) };
        let json = report().map_err(io::Error::other);
        let written = json.and_then(|json| {
            // A device such as /dev/stdout has no length.
            let _ = file.set_len(0);
            file.write_all(json.as_bytes())
        });
        written.map_err(|err| unwritable(&path, &err))
    }
}

/// `path` cannot be written because of `err`.
pub(crate) fn unwritable(path: &Path, err: &(dyn std::error::Error + 'static)) -> Failure {
    let todo = "choose a place that you can write to, with space left";
    // The path is named already.
    let cause = err.source().unwrap_or(err);
    Failure::new(path.display().to_string(), with_causes(cause), todo)
}
