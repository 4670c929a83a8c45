//! What the user sees while an application runs: lines that stay, and one that lives.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use zerohop_frame::{Fallback, Stage};
use zerohop_pipeline::{Counts, Verdicts};

use crate::failure::Failure;

/// How often the live line changes.
pub(crate) const BEAT: Duration = Duration::from_millis(250);

/// How long an application takes to tell of pictures that it keeps, with time to spare: once a second.
const KEPT: Duration = Duration::from_millis(1500);

/// Standard error. The application has standard output for itself.
#[derive(Debug)]
pub(crate) struct Screen {
    live: bool,
    drawn: bool,
    last: Option<(Duration, u64)>,
    /// Pictures a second, up to then.
    rate: f64,
    /// Those that were said.
    fallbacks: Vec<Fallback>,
}

impl Screen {
    /// `progress` shows the live line, where standard error is a terminal.
    pub(crate) fn new(progress: bool) -> Self {
        let live = progress && io::stderr().is_terminal();
        Self { live, drawn: false, last: None, rate: 0.0, fallbacks: Vec::new() }
    }

    /// Writes a line that stays.
    pub(crate) fn say(&mut self, line: impl fmt::Display) {
        self.clear();
        // Nobody to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "zerohop: {line}");
    }

    /// Writes `text` as it is.
    pub(crate) fn write(&mut self, text: impl fmt::Display) {
        self.clear();
        let _ = write!(io::stderr(), "{text}");
    }

    /// Writes the live line for what was counted up to `now`, and a line for each new fallback.
    pub(crate) fn show(&mut self, now: Duration, counts: &Counts) {
        for fallback in &counts.fallbacks {
            if !self.fallbacks.contains(fallback) {
                self.say(format_args!("{}: {}: {}", fallback.what, fallback.reason, fallback.cost));
                self.fallbacks.push(fallback.clone());
            }
        }
        if !self.live {
            return;
        }
        let (then, before) = self.last.unwrap_or((now, counts.taken));
        if self.last.is_some() && now.saturating_sub(then) < BEAT {
            return;
        }
        let passed = now.saturating_sub(then);
        let news_are_due = counts.kept > 0 && counts.taken == before && passed < KEPT;
        if self.last.is_none() || !news_are_due {
            let seconds = passed.as_secs_f64();
            let taken = (counts.taken - before) as f64;
            self.rate = if seconds > 0.0 { taken / seconds } else { 0.0 };
            self.last = Some((now, counts.taken));
        }
        self.drawn = true;
        let mut stderr = io::stderr();
        let _ = write!(stderr, "\r\x1b[K{}", line(self.rate, counts));
        let _ = stderr.flush();
    }

    /// Takes the live line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let mut stderr = io::stderr();
            let _ = write!(stderr, "\r\x1b[K");
            let _ = stderr.flush();
        }
    }
}

/// Writes `text` to standard output.
///
/// # Errors
///
/// As [`written`].
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    written(write!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// What came of writing to standard output. A reader that has left, as that of `| head` does, has all that
/// it wanted.
///
/// # Errors
///
/// It was not written.
pub(crate) fn written(done: io::Result<()>) -> Result<(), Failure> {
    done.or_else(|err| match err.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::new("standard output", err, "write it where there is room")),
    })
}

fn line(rate: f64, counts: &Counts) -> String {
    let Verdicts { unchanged, changed, region } = counts.verdicts;
    let encode = counts.stage(Stage::Encode).p50 as f64 / 1000.0;
    let dropped: u64 = counts.dropped.values().sum();
    // Short enough for 80 columns, also in long runs.
    format!(
        "{rate:5.1} fps  {:>6}: {changed} changed, {region} region, {unchanged} same, \
         {dropped} dropped, encode {encode:.1} ms",
        counts.taken
    )
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}
