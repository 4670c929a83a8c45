//! The pictures of one stream: whoever takes them, and what came of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zerohop_kernel::clock_monotonic;
use zerohop_pipeline::{Application, Counts, Ending, Facts, Measurements, Report};

use crate::failure::Failure;
use crate::recorder::{Outcome, Recorder};
use crate::report_file::unwritable;

/// One of those that a session records beside each other: the application's, or a film's.
pub(crate) struct Track {
    pub(crate) measurements: Arc<Measurements>,
    /// Where they are written, if they are traced.
    pub(crate) trace: Option<PathBuf>,
    /// Until it has ended.
    pub(crate) recorder: Option<Recorder>,
    /// From then on.
    outcome: Option<Outcome>,
}

impl Track {
    /// One that is being recorded.
    pub(crate) fn new(
        measurements: Arc<Measurements>,
        trace: Option<PathBuf>,
        recorder: Recorder,
    ) -> Self {
        Self { measurements, trace, recorder: Some(recorder), outcome: None }
    }

    /// Notes what the pipeline did, if it has ended just now. Returns why it did.
    pub(crate) fn conclude(&mut self) -> Option<Result<Ending, Failure>> {
        let outcome = self.recorder.take_if(|recorder| recorder.is_done())?.join();
        let ended = outcome.ended.clone();
        self.outcome = Some(outcome);
        Some(ended)
    }

    /// Ends the connection to who made the pictures, once no more of them are wanted.
    pub(crate) fn send_away(&mut self) {
        self.outcome.iter_mut().for_each(Outcome::close);
    }

    /// Whether its pipeline failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.outcome.as_ref().is_some_and(|outcome| outcome.ended.is_err())
    }

    /// What was counted up to now.
    pub(crate) fn counts(&self) -> Counts {
        self.measurements.counts()
    }

    /// What is reported of it, made by `application` from `begin` on.
    pub(crate) fn report(&mut self, application: Application, begin: Duration) -> Report {
        let outcome = self.outcome.take().map(|one| (one.counts, one.facts, one.at));
        let unended = || (self.counts(), Facts::default(), clock_monotonic());
        let (counts, seen, at) = outcome.unwrap_or_else(unended);
        let duration = at.saturating_sub(begin);
        Report::new(counts, Facts { application, duration, ..seen })
    }

    /// Writes what is left of the trace, and into it what processes of the application wrote beside it.
    pub(crate) fn write_trace(&self) -> Result<(), Failure> {
        let Some((trace, path)) = self.measurements.trace().zip(self.trace.as_deref()) else {
            return Ok(());
        };
        for part in parts(path) {
            trace.absorb(&fs::read(&part).unwrap_or_default());
            let _ = fs::remove_file(part);
        }
        trace.flush().map_err(|err| unwritable(path, &err))
    }
}

/// What the processes of the application have written beside the trace at `path`: the same name, with
/// the number of each behind it.
fn parts(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let files = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_part = |file: &PathBuf| {
        let found = file.file_name().unwrap_or_default().to_string_lossy();
        let rest = found.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
    };
    files.map(|file| file.path()).filter(is_part).collect()
}
