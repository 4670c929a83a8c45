//! `zerohop play`: a file or a stream, decoded by a program of its own.

use std::sync::Arc;
use std::time::Duration;

use zerohop_pipeline::Look;
use zerohop_sources::Overflow;
use zerohop_wire::socket_of;

use crate::args::Play;
use crate::decoder;
use crate::device::{self, Chosen};
use crate::failure::Failure;
use crate::films::Films;
use crate::guard::Guard;
use crate::interrupts::Interrupts;
use crate::opened::{Pace, Sums};
use crate::outputs::Outputs;
use crate::processes::Processes;
use crate::recorder::{Reception, Recorder};
use crate::report_file::ReportFile;
use crate::runtime_dir::RuntimeDir;
use crate::session::{Cast, Session};
use crate::subject::Subject;
use crate::to::To;
use crate::track::Track;

/// Pictures a second that an encoder is told to expect.
const HERTZ: f64 = 60.0;

/// What time it is for an encoder: none passes between pictures that are taken as they come.
fn pace(options: &Play) -> Pace {
    let own = Pace::of(HERTZ);
    if options.in_real_time() { own } else { Pace { clock: Arc::new(|| Duration::ZERO), ..own } }
}

/// Plays it, to the exit code.
pub(crate) fn play(options: &Play) -> Result<u8, Failure> {
    let capture = &options.capture;
    let program = decoder::program()?;
    let Chosen { choice, .. } = device::choose(options.vulkan_device())?;
    let (mut films, mut sums) = (Vec::new(), Sums::default());
    for film in 0..options.inputs.len() {
        let capture = capture.of_film(film, options.inputs.len())?;
        sums.film = film;
        let (pace, straight) = (pace(options), options.is_straight());
        let mut outputs = Outputs::open(&capture.to, &capture, pace, straight, None, &mut sums)?;
        outputs.filters = options.filters();
        films.push((capture, outputs));
    }
    let report = ReportFile::open(capture.report.as_deref())?;
    let interrupts = Interrupts::catch()?;
    let folder = RuntimeDir::create()?;
    let mut processes = Processes::adopt()
        .map_err(|err| Failure::new("child processes", err, "use Linux 3.4 or newer"))?;
    let guard = Guard::start(folder.path(), &mut processes)
        .map_err(|err| Failure::new("the guard process", err, "raise the limit on processes"))?;
    let mut screen_guard = None;
    for (_, outputs) in &films {
        screen_guard = screen_guard.or(outputs.guard_screen(&mut processes)?);
    }
    let first = folder.path().join("socket");
    let log = folder.path().join("decoder.log");
    let mut tracks = Vec::new();
    for (film, (capture, outputs)) in films.into_iter().enumerate() {
        let measurements = Arc::clone(&outputs.measurements);
        let socket = socket_of(&first, film);
        let overflow = overflow(options);
        let look = Look::Host("a film's pictures all come");
        let reception =
            Reception { socket: &socket, display: None, overflow, look, takes_one: true };
        let recorder = Recorder::start(&capture, reception, outputs, choice.clone())?;
        tracks.push(Track::new(measurements, capture.trace, recorder));
    }
    let (application, pulse) = decoder::start(&program, options, &first, &log, &mut processes)?;
    let cast = Cast { processes, application, guard, screen_guard, server: None };
    let subject = Subject::Decoder(Films::new(options.inputs.clone(), log, pulse));
    Ok(Session::new(capture, subject, interrupts, cast, tracks).conduct(report))
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
