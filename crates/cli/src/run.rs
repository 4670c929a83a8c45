//! `zerohop run`: everything that a run needs, in the order in which it may fail.

use std::ffi::OsString;
use std::path;
use std::path::Path;
use std::sync::Arc;

use zerohop_frame::Extent;
use zerohop_sources::Overflow;
use zerohop_wire::{HostDisplay, SOCKET_VARIABLE};

use crate::application;
use crate::args::Run;
use crate::command;
use crate::device;
use crate::display::{self, Display};
use crate::failure::Failure;
use crate::guard::Guard;
use crate::interrupts::Interrupts;
use crate::layer;
use crate::opened::{Pace, Sums};
use crate::outputs::Outputs;
use crate::phase::Phase;
use crate::processes::Processes;
use crate::recorder::{Reception, Recorder};
use crate::report_file::ReportFile;
use crate::runtime_dir::RuntimeDir;
use crate::session::{Cast, Session};
use crate::subject::Subject;
use crate::to::To;
use crate::track::Track;

/// Size of a display that nobody looks at.
const SIZE: Extent = Extent { width: 1280, height: 720 };

/// Refreshes of such a display in a second.
const RATE: f64 = 60.0;

/// Runs it all, to the exit code.
// Long because each line is one thing that can fail, and their order is the point.
pub(crate) fn run(options: &Run) -> Result<u8, Failure> {
    let program = command::find(&options.command[0])?;
    let library = layer::library()?;
    let device = device::choose(options.capture.device.as_deref())?;
    let (places, capture) = (options.places(), &options.capture);
    let look = options.look.decide(&places, capture)?;
    let rate = options.rate.unwrap_or(RATE);
    let (pace, gpu) = (Pace::of(rate), device.gpu());
    let outputs = Outputs::open(&places, capture, pace, false, gpu, &mut Sums::default())?;
    let report = ReportFile::open(capture.report.as_deref())?;
    let interrupts = Interrupts::catch()?;
    let folder = RuntimeDir::create()?;
    // Dropped before the folder is: nobody uses it any more when it goes.
    let mut processes = Processes::adopt()
        .map_err(|err| Failure::new("child processes", err, "use Linux 3.4 or newer"))?;
    let guard = Guard::start(folder.path(), &mut processes)
        .map_err(|err| Failure::new("the guard process", err, "raise the limit on processes"))?;
    let screen_guard = outputs.guard_screen(&mut processes)?;
    let whole = outputs.display().unwrap_or_else(|| display::whole(SIZE, rate));
    let size = options.size.unwrap_or(whole.extent);
    let whole = HostDisplay { extent: display::tellable(size), ..whole };
    let display = Display::open(&options.display, size, folder.path(), &mut processes)?;
    let mut environment = layers(&library, folder.path())?;
    environment.extend(device.environment);
    let socket = folder.path().join("socket");
    let measurements = Arc::clone(&outputs.measurements);
    let (hertz, overflow) = (f64::from(whole.refresh_mhz) / 1000.0, overflow(&places));
    let whole = Some(whole);
    let reception = Reception { socket: &socket, display: whole, overflow, look, takes_one: false };
    let recorder = Recorder::start(capture, reception, outputs, device.choice)?;
    environment.push((SOCKET_VARIABLE, socket.into()));
    // Nobody else's until the run has ended.
    let phase = Phase::take();
    environment.push(("ZEROHOP_PHASE", phase.part.to_string().into()));
    if let Some(trace) = &capture.trace {
        // The application may work in another folder.
        environment.push(("ZEROHOP_TRACE", path::absolute(trace).unwrap_or(trace.clone()).into()));
    }
    let application =
        application::start(options, hertz, &program, environment, &display, &mut processes)?;
    let cast = Cast { processes, application, guard, screen_guard, server: display.server };
    let subject = Subject::Application(options.command.clone());
    let track = Track::new(measurements, capture.trace.clone(), recorder);
    Ok(Session::new(capture, subject, interrupts, cast, vec![track]).conduct(report))
}

/// Pictures that come faster than they can be taken are dropped, so that the application keeps its
/// pace. Only where each one is to become a file, or a screen shows them at its own pace, does the
/// application wait.
fn overflow(places: &[To]) -> Overflow {
    match places {
        _ if places.iter().any(To::is_screen) => Overflow::Paced,
        _ if places.iter().any(To::wants_all) => Overflow::Wait,
        _ => Overflow::default(),
    }
}

/// What makes an application load the layer in `library`.
fn layers(library: &Path, folder: &Path) -> Result<Vec<(&'static str, OsString)>, Failure> {
    layer::environment(library, folder)
        .map_err(|err| Failure::new(folder.display().to_string(), err, "free some space there"))
}
