//! What happened to every picture, for a trace viewer.
//!
//! The file is a JSON array in the Chrome trace format. It is closed after every write, and the
//! next write begins over the closing bracket: a reader finds valid JSON at any time, also when
//! the process was killed.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zerohop_frame::{Rect, Stage};

use crate::counts::{STAGES, name};

/// Bytes of events that wait for [`Trace::flush`] before a writer flushes by itself.
const ENOUGH: usize = 256 * 1024;

/// A trace being written. Open the file in <https://ui.perfetto.dev> or `chrome://tracing`.
///
/// # References
///
/// "Trace Event Format", phases `X` (complete), `b` and `e` (nestable async), `i` (instant) and
/// `M` (metadata). Times are microseconds on `CLOCK_MONOTONIC`.
#[derive(Debug)]
pub struct Trace {
    file: File,
    pending: Mutex<Pending>,
}

#[derive(Debug)]
struct Pending {
    events: String,
    /// Where the closing bracket is.
    end: u64,
    /// The first failure; nothing is written after it.
    failed: Option<io::Error>,
}

impl Trace {
    /// Starts the file at `path`, over what was there.
    ///
    /// # Errors
    ///
    /// What creating and writing it says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let mut start = String::from(
            r#"[{"name":"process_name","ph":"M","pid":1,"tid":0,"args":{"name":"zerohop"}}"#,
        );
        for (track, &stage) in STAGES.iter().enumerate() {
            let _ = write!(
                start,
                ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{track},\
                 \"args\":{{\"name\":\"{}\"}}}}",
                name(stage)
            );
        }
        let end = start.len() as u64;
        start.push(']');
        file.write_all_at(start.as_bytes(), 0)?;
        Ok(Self { file, pending: Mutex::new(Pending { events: String::new(), end, failed: None }) })
    }

    /// `stage` worked on picture `sequence` from `begin` to `end`.
    pub(crate) fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration) {
        let track = STAGES.iter().position(|&one| one == stage).unwrap_or(STAGES.len());
        let (name, from) = (name(stage), begin.as_micros());
        let args = format!("\"pid\":1,\"tid\":{track},\"args\":{{\"sequence\":{sequence}}}");
        // Pictures overlap on their way here and home; a track of `X` events must nest.
        if matches!(stage, Stage::PresentToHost | Stage::Encode | Stage::Show | Stage::Release) {
            let to = end.as_micros();
            self.push(&format!(
                "{{\"name\":\"{name}\",\"cat\":\"frame\",\"ph\":\"b\",\"id\":{sequence},\
                 \"ts\":{from},{args}}},\n{{\"name\":\"{name}\",\"cat\":\"frame\",\"ph\":\"e\",\
                 \"id\":{sequence},\"ts\":{to},{args}}}"
            ));
        } else {
            let took = end.saturating_sub(begin).as_micros();
            self.push(&format!(
                "{{\"name\":\"{name}\",\"cat\":\"frame\",\"ph\":\"X\",\"ts\":{from},\
                 \"dur\":{took},{args}}}"
            ));
        }
    }

    /// `what` happened to picture `sequence` at `when`, in `place` if it was not everywhere.
    pub(crate) fn instant(&self, sequence: u64, what: &str, place: Option<Rect>, when: Duration) {
        let what = serde_json::Value::from(what);
        let place = place.map(|Rect { x, y, width, height }| {
            format!(",\"x\":{x},\"y\":{y},\"width\":{width},\"height\":{height}")
        });
        self.push(&format!(
            "{{\"name\":{what},\"cat\":\"frame\",\"ph\":\"i\",\"s\":\"p\",\"ts\":{},\"pid\":1,\
             \"tid\":0,\"args\":{{\"sequence\":{sequence}{}}}}}",
            when.as_micros(),
            place.unwrap_or_default()
        ));
    }

    /// The CPU waited from `begin` to `end` for what `why` names.
    pub(crate) fn wait(&self, why: &str, begin: Duration, end: Duration) {
        let (from, took) = (begin.as_micros(), end.saturating_sub(begin).as_micros());
        // Threads wait at the same time: tracks of their own, each above all steps.
        let tid = 1000 + rustix::thread::gettid().as_raw_nonzero().get();
        let why = serde_json::Value::from(why);
        self.push(&format!(
            "{{\"name\":\"wait\",\"cat\":\"wait\",\"ph\":\"X\",\"ts\":{from},\"dur\":{took},\
             \"pid\":1,\"tid\":{tid},\"args\":{{\"reason\":{why}}}}}"
        ));
    }

    /// Takes in the trace of another process, a whole array of events; what is none is left out.
    pub fn absorb(&self, other: &[u8]) {
        let events: Vec<serde_json::Value> = serde_json::from_slice(other).unwrap_or_default();
        events.iter().for_each(|event| self.push(&event.to_string()));
    }

    /// Writes what waits. The file is complete afterwards.
    ///
    /// # Errors
    ///
    /// The first write that ever failed; the file ends before it.
    pub fn flush(&self) -> io::Result<()> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut pending);
        match &pending.failed {
            None => Ok(()),
            Some(err) => Err(io::Error::new(err.kind(), err.to_string())),
        }
    }

    fn push(&self, event: &str) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.failed.is_some() {
            return;
        }
        pending.events.push_str(",\n");
        pending.events.push_str(event);
        if pending.events.len() > ENOUGH {
            self.write(&mut pending);
        }
    }

    fn write(&self, pending: &mut Pending) {
        if pending.events.is_empty() || pending.failed.is_some() {
            return;
        }
        let length = pending.events.len() as u64;
        pending.events.push(']');
        match self.file.write_all_at(pending.events.as_bytes(), pending.end) {
            Ok(()) => pending.end += length,
            Err(err) => {
                // What was written of it is half an event: close the array where it was whole.
                let _ = self.file.set_len(pending.end);
                let _ = self.file.write_all_at(b"]", pending.end);
                pending.failed = Some(err);
            }
        }
        pending.events.clear();
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn events(path: &Path) -> Vec<Value> {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn the_file_is_valid_json_after_every_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let trace = Trace::create(&path).unwrap();
        let start = events(&path).len();
        let at = Duration::from_micros;
        for sequence in 0..3 {
            trace.span(sequence, Stage::Classify, at(10 * sequence), at(10 * sequence + 7));
            let place = Rect { x: 16, y: 0, width: 32, height: 48 };
            trace.instant(sequence, "dropped: \"quoted\"", Some(place), at(9));
            trace.flush().unwrap();
            assert_eq!(events(&path).len(), start + 2 * (sequence as usize + 1));
        }
        trace.span(3, Stage::Release, at(1), at(5));
        assert_eq!(events(&path).len(), start + 6, "not flushed, and still whole");
        drop(trace);

        let all = events(&path);
        let classify = &all[start + 2];
        assert_eq!((&classify["ts"], &classify["dur"]), (&Value::from(10), &Value::from(7)));
        assert_eq!(classify["args"]["sequence"], 1);
        let dropped = &all[start + 3]["args"];
        assert_eq!((&dropped["x"], &dropped["height"]), (&16.into(), &48.into()));
        assert_eq!((&all[start + 6]["ph"], &all[start + 7]["ph"]), (&"b".into(), &"e".into()));
    }
}
