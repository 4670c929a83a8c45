//! What happened to every picture, for a trace viewer.
//!
//! The file is a JSON array in the Chrome trace format. It is closed after every write, and the
//! next write begins over the closing bracket: a reader finds valid JSON at any time, also when
//! the process was killed.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zerohop_frame::{Rect, Stage};

use crate::counts::{STAGES, name};

/// How many events wait for [`Trace::flush`] before a writer flushes by itself.
const ENOUGH: usize = 4096;

/// A trace being written. Open the file in <https://ui.perfetto.dev> or `chrome://tracing`.
///
/// Spans are put into words when they are written, so that a trace does not slow down what it is of.
///
/// # References
///
/// "Trace Event Format", phases `X` (complete), `b` and `e` (nestable async), `i` (instant) and
/// `M` (metadata). Times are microseconds on `CLOCK_MONOTONIC`.
#[derive(Debug)]
pub struct Trace {
    pending: Mutex<Vec<Event>>,
    out: Mutex<Out>,
}

/// What waits to be written.
#[derive(Debug)]
enum Event {
    Span { sequence: u64, stage: Stage, begin: Duration, end: Duration },
    Text(String),
}

#[derive(Debug)]
struct Out {
    file: File,
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
        let out = Out { file, end, failed: None };
        Ok(Self { pending: Mutex::default(), out: Mutex::new(out) })
    }

    /// `stage` worked on picture `sequence` from `begin` to `end`.
    pub(crate) fn span(&self, sequence: u64, stage: Stage, begin: Duration, end: Duration) {
        self.push(Event::Span { sequence, stage, begin, end });
    }

    /// `what` happened to picture `sequence` at `when`, in `place` if it was not everywhere.
    pub(crate) fn instant(&self, sequence: u64, what: &str, place: Option<Rect>, when: Duration) {
        let what = serde_json::Value::from(what);
        let place = place.map(|Rect { x, y, width, height }| {
            format!(",\"x\":{x},\"y\":{y},\"width\":{width},\"height\":{height}")
        });
        self.push(Event::Text(format!(
            "{{\"name\":{what},\"cat\":\"frame\",\"ph\":\"i\",\"s\":\"p\",\"ts\":{},\"pid\":1,\
             \"tid\":0,\"args\":{{\"sequence\":{sequence}{}}}}}",
            when.as_micros(),
            place.unwrap_or_default()
        )));
    }

    /// The CPU waited from `begin` to `end` for what `why` names.
    pub(crate) fn wait(&self, why: &str, begin: Duration, end: Duration) {
        let (from, took) = (begin.as_micros(), end.saturating_sub(begin).as_micros());
        // Threads wait at the same time: tracks of their own, each above all steps.
        let tid = 1000 + rustix::thread::gettid().as_raw_nonzero().get();
        let why = serde_json::Value::from(why);
        self.push(Event::Text(format!(
            "{{\"name\":\"wait\",\"cat\":\"wait\",\"ph\":\"X\",\"ts\":{from},\"dur\":{took},\
             \"pid\":1,\"tid\":{tid},\"args\":{{\"reason\":{why}}}}}"
        )));
    }

    /// Takes in the trace of another process, a whole array of events; what is none is left out.
    pub fn absorb(&self, other: &[u8]) {
        let events: Vec<serde_json::Value> = serde_json::from_slice(other).unwrap_or_default();
        events.iter().for_each(|event| self.push(Event::Text(event.to_string())));
    }

    /// Writes what waits. The file is complete afterwards.
    ///
    /// # Errors
    ///
    /// The first write that ever failed; the file ends before it.
    pub fn flush(&self) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out first: who has something to tell does not wait for the disk.
        let events = std::mem::take(&mut *self.pending());
        out.write(&events);
        match &out.failed {
            None => Ok(()),
            Some(err) => Err(io::Error::new(err.kind(), err.to_string())),
        }
    }

    fn push(&self, event: Event) {
        let mut pending = self.pending();
        pending.push(event);
        let enough = pending.len() >= ENOUGH;
        drop(pending);
        if enough {
            // A failure is kept for who flushes.
            let _ = self.flush();
        }
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Event>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    fn write(&mut self, events: &[Event]) {
        if events.is_empty() || self.failed.is_some() {
            return;
        }
        let mut text = String::new();
        for event in events {
            text.push_str(",\n");
            event.write(&mut text);
        }
        let length = text.len() as u64;
        text.push(']');
        match self.file.write_all_at(text.as_bytes(), self.end) {
            Ok(()) => self.end += length,
            Err(err) => {
                // What was written of it is half an event: close the array where it was whole.
                let _ = self.file.set_len(self.end);
                let _ = self.file.write_all_at(b"]", self.end);
                self.failed = Some(err);
            }
        }
    }
}

impl Event {
    fn write(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Text(event) => text.write_str(event),
            Self::Span { sequence, stage, begin, end } => {
                span(text, *sequence, *stage, (*begin, *end))
            }
        };
    }
}

fn span(
    text: &mut String,
    sequence: u64,
    stage: Stage,
    (begin, end): (Duration, Duration),
) -> fmt::Result {
    let track = STAGES.iter().position(|&one| one == stage).unwrap_or(STAGES.len());
    let (name, from, to) = (name(stage), begin.as_micros(), end.as_micros());
    let args = format!("\"pid\":1,\"tid\":{track},\"args\":{{\"sequence\":{sequence}}}");
    // Pictures overlap on their way here and home; a track of `X` events must nest.
    if matches!(stage, Stage::PresentToHost | Stage::Encode | Stage::Show | Stage::Release) {
        return write!(
            text,
            "{{\"name\":\"{name}\",\"cat\":\"frame\",\"ph\":\"b\",\"id\":{sequence},\
             \"ts\":{from},{args}}},\n{{\"name\":\"{name}\",\"cat\":\"frame\",\"ph\":\"e\",\
             \"id\":{sequence},\"ts\":{to},{args}}}"
        );
    }
    let took = end.saturating_sub(begin).as_micros();
    write!(
        text,
        "{{\"name\":\"{name}\",\"cat\":\"frame\",\"ph\":\"X\",\"ts\":{from},\
         \"dur\":{took},{args}}}"
    )
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
