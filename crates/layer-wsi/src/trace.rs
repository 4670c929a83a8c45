//! What happens to pictures in the application, for a trace viewer: presents, what is sent, and each
//! wait of the CPU with its reason.
//!
//! The file is that of `ZEROHOP_TRACE` with `.PID` behind its name, a JSON array in the Chrome trace
//! format. It is closed after every write and the next write begins over the closing bracket. The host
//! takes it into its own trace at the end.
//!
//! # References
//!
//! "Trace Event Format", phases `X` (complete), `i` (instant) and `M` (metadata); microseconds on
//! `CLOCK_MONOTONIC`.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use zerohop_frame::watch_waits;
use zerohop_kernel::clock_monotonic;
use zerohop_layer::{Level, config, log};

/// Bytes of events that wait for a write.
const ENOUGH: usize = 4096;

struct Trace {
    file: File,
    /// Who opened it: a child that is forked has none.
    pid: u32,
    pending: Mutex<Pending>,
}

struct Pending {
    events: String,
    /// Where the closing bracket is.
    end: u64,
}

fn get() -> Option<&'static Trace> {
    static TRACE: OnceLock<Option<Trace>> = OnceLock::new();
    let open = || {
        let path = config::get().trace.clone()?;
        let opened = open(path);
        if let Err(err) = &opened {
            log(Level::Warn, format_args!("no trace: {err}"));
        }
        opened.ok()
    };
    TRACE.get_or_init(open).as_ref().filter(|trace| trace.pid == std::process::id())
}

fn open(path: PathBuf) -> std::io::Result<Trace> {
    let pid = std::process::id();
    let mut name = path.into_os_string();
    name.push(format!(".{pid}"));
    let file = File::create(name)?;
    let start = format!(
        r#"[{{"name":"process_name","ph":"M","pid":{pid},"tid":0,"args":{{"name":"application"}}}}"#
    );
    file.write_all_at(format!("{start}]").as_bytes(), 0)?;
    watch_waits(|why, begin, end| span("wait", begin, end, format_args!("\"reason\":\"{why}\"")));
    let pending = Pending { events: String::new(), end: start.len() as u64 };
    Ok(Trace { file, pid, pending: Mutex::new(pending) })
}

/// Begins the trace, if there is to be one, so that no wait is missed.
pub(crate) fn begin() {
    let _ = get();
}

/// Something took from `begin` to now.
pub(crate) fn took(name: &str, begin: Duration) {
    span(name, begin, clock_monotonic(), format_args!(""));
}

/// The same for picture `sequence`, from and to.
pub(crate) fn took_for(name: &str, sequence: u64, (begin, end): (Duration, Duration)) {
    span(name, begin, end, format_args!("\"sequence\":{sequence}"));
}

/// Picture `sequence` came to a step.
pub(crate) fn step(name: &str, sequence: u64) {
    let Some(trace) = get() else { return };
    let (at, head) = (clock_monotonic().as_micros(), head(trace, name, "i"));
    let args = format!("\"s\":\"t\",\"ts\":{at},\"args\":{{\"sequence\":{sequence}}}");
    push(trace, format_args!("{head},{args}}}"));
}

fn span(name: &str, begin: Duration, end: Duration, args: std::fmt::Arguments<'_>) {
    let Some(trace) = get() else { return };
    let took = end.saturating_sub(begin).as_micros();
    let (from, head) = (begin.as_micros(), head(trace, name, "X"));
    push(trace, format_args!("{head},\"ts\":{from},\"dur\":{took},\"args\":{{{args}}}}}"));
}

fn head(trace: &Trace, name: &str, phase: &str) -> String {
    let tid = rustix::thread::gettid().as_raw_nonzero();
    let pid = trace.pid;
    format!(
        "{{\"name\":\"{name}\",\"cat\":\"application\",\"ph\":\"{phase}\",\"pid\":{pid},\"tid\":{tid}"
    )
}

fn push(trace: &Trace, event: std::fmt::Arguments<'_>) {
    let mut pending = trace.pending.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = write!(pending.events, ",\n{event}");
    if pending.events.len() > ENOUGH {
        write(trace, &mut pending);
    }
}

/// Writes what waits.
pub(crate) fn flush() {
    let Some(trace) = get() else { return };
    write(trace, &mut trace.pending.lock().unwrap_or_else(PoisonError::into_inner));
}

fn write(trace: &Trace, pending: &mut Pending) {
    let length = pending.events.len() as u64;
    pending.events.push(']');
    // A full disk costs the trace, nothing else.
    if trace.file.write_all_at(pending.events.as_bytes(), pending.end).is_ok() {
        pending.end += length;
    }
    pending.events.clear();
}
