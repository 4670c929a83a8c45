//! `zerohop play`: a file or a stream, decoded by a program of its own.

use std::sync::Arc;
use std::time::Duration;

use zerohop_sources::Overflow;

use crate::args::Play;
use crate::decoder;
use crate::device::{self, Chosen};
use crate::failure::Failure;
use crate::guard::Guard;
use crate::outputs::{Outputs, Pace, ReportFile};
use crate::processes::Processes;
use crate::recorder::{Reception, Recorder};
use crate::runtime_dir::RuntimeDir;
use crate::session::{Cast, Session, catch};
use crate::subject::Subject;
use crate::to::To;

/// Pictures a second that an encoder is told to expect.
const HERTZ: f64 = 60.0;

/// What time it is for an encoder: none passes between pictures that are taken as they come.
fn pace(options: &Play) -> Pace {
    let own = Pace::of(HERTZ);
    if options.in_real_time() { own } else { Pace { clock: Arc::new(|| Duration::ZERO), ..own } }
}

/// Plays it, to the exit code.
pub(crate) fn play(options: &Play) -> Result<u8, Failure> {
    let (capture, places) = (&options.capture, &options.capture.to);
    let program = decoder::program()?;
    let Chosen { choice, .. } = device::choose(options.vulkan_device())?;
    let mut outputs = Outputs::open(places, capture, pace(options), options.is_straight(), None)?;
    outputs.filters = options.filters();
    let report = ReportFile::open(capture.report.as_deref())?;
    let signals = catch()?;
    let folder = RuntimeDir::create()?;
    let mut processes = Processes::adopt()
        .map_err(|err| Failure::new("child processes", err, "use Linux 3.4 or newer"))?;
    let guard = Guard::start(folder.path(), &mut processes)
        .map_err(|err| Failure::new("the guard process", err, "raise the limit on processes"))?;
    let screen_guard = outputs.guard_screen(&mut processes)?;
    let (socket, log) = (folder.path().join("socket"), folder.path().join("decoder.log"));
    let measurements = Arc::clone(&outputs.measurements);
    let reception = Reception { socket: &socket, display: None, overflow: overflow(options) };
    let recorder = Recorder::start(capture, reception, outputs, choice)?;
    let (application, pulse) = decoder::start(&program, options, &socket, &log, &mut processes)?;
    let cast = Cast { processes, application, guard, screen_guard, server: None };
    let subject = Subject::Decoder { input: options.input.clone(), log, pulse, gone: None };
    Session::new(capture, subject, signals, cast, measurements).conduct(recorder, report)
}

/// What is not shown in time is dropped where time matters. Else the decoder waits, as it does for
/// a screen.
fn overflow(options: &Play) -> Overflow {
    if options.capture.to.iter().any(To::is_screen) {
        return Overflow::Paced;
    }
    let keep_all = !options.in_real_time() || options.capture.to.iter().any(|to| to.wants_all());
    if keep_all { Overflow::Wait } else { Overflow::default() }
}
