//! The pipeline in its own thread.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use zerohop_frame::{Source as _, SourceEvent, with_causes};
use zerohop_kernel::{Eventfd, clock_monotonic, wait_readable};
use zerohop_pipeline::{Counts, Ending, Facts, Limits, Look, Stop};
use zerohop_sources::{Control, Overflow, WireConfig, WireSource};
use zerohop_vulkan::DeviceChoice;
use zerohop_wire::HostDisplay;

use crate::args::Capture;
use crate::device;
use crate::facts::facts;
use crate::failure::Failure;
use crate::flow::Flow;
use crate::outputs::Outputs;

/// What a pipeline did.
pub(crate) struct Outcome {
    /// Why it ended.
    pub(crate) ended: Result<Ending, Failure>,
    /// What was counted up to then.
    pub(crate) counts: Counts,
    /// What else it knows about the run.
    pub(crate) facts: Facts,
    /// When the last of its outputs was complete, on `CLOCK_MONOTONIC`.
    pub(crate) at: Duration,
    /// Kept so that the application keeps its host: it gets its pictures back unread.
    source: Option<WireSource>,
}

impl Outcome {
    /// Ends the connections that are left.
    pub(crate) fn close(&mut self) {
        self.source = None;
    }
}

/// A pipeline that runs. Dropping it leaves it alone.
pub(crate) struct Recorder {
    stop: Arc<Stop>,
    done: Arc<Eventfd>,
    control: Control,
    thread: JoinHandle<Outcome>,
}

/// How producers are received.
pub(crate) struct Reception<'a> {
    /// Where they find us.
    pub(crate) socket: &'a Path,
    /// What those that draw on a whole display are shown.
    pub(crate) display: Option<HostDisplay>,
    /// What becomes of pictures for which there is no time.
    pub(crate) overflow: Overflow,
    /// Who looks at pictures that stand still.
    pub(crate) look: Look,
    /// Whether the first of them is the only one.
    pub(crate) takes_one: bool,
}

impl Recorder {
    /// Listens, and records what comes.
    pub(crate) fn start(
        options: &Capture,
        reception: Reception<'_>,
        outputs: Outputs,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        let failed = |err: &(dyn std::error::Error + 'static)| {
            Failure::new(
                "the pipeline",
                with_causes(err),
                "raise the limits on open files and threads",
            )
        };
        let observer = Arc::clone(&outputs.measurements) as _;
        let Reception { socket, display, overflow, look, takes_one } = reception;
        let socket = socket.into();
        // A screen waits for no timeline, nor does who reads pictures where they lie.
        let read = outputs.screen.is_none() && !outputs.is_straight;
        let timelines = if read { device::timelines(&device) } else { Vec::new() };
        let config =
            WireConfig { socket, display, timelines, overflow, spin: options.spin, observer };
        let source = WireSource::open(config);
        let source = source.map_err(|err| {
            let todo = "set TMPDIR to a folder of yours with a short path";
            Failure::new("the socket", with_causes(&err), todo)
        })?;
        let control = source.control();
        if takes_one {
            control.take_one();
        }
        let stop = Arc::new(Stop::new().map_err(|err| failed(&err))?);
        let done = Arc::new(Eventfd::new().map_err(|err| failed(&err))?);
        let (told, ring) = (Arc::clone(&stop), Rings(Arc::clone(&done)));
        let (frames, validation) = (options.frames, options.validation);
        let until = options.seconds.map(|seconds| clock_monotonic() + seconds);
        let body = move || {
            let _ring = ring;
            record(
                source,
                outputs,
                (device, validation, look),
                Limits { frames, until, stop: Some(&told) },
            )
        };
        let thread = thread::Builder::new().name("pipeline".to_owned()).spawn(body);
        Ok(Self { stop, done, control, thread: thread.map_err(|err| failed(&err))? })
    }

    /// Ends it once everything that the application has presented was taken. To be called when the
    /// application has ended.
    pub(crate) fn application_ended(&self) {
        self.control.application_exited();
    }

    /// Ends it before its next picture.
    pub(crate) fn stop(&self) {
        self.stop.say();
    }

    /// Whether it has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.thread.is_finished()
    }

    /// What it did. Waits for its end.
    pub(crate) fn join(self) -> Outcome {
        self.thread.join().unwrap_or_else(|_| {
            let todo = "please report it, with the message above";
            let ended = Err(Failure::new("the pipeline", "it panicked", todo));
            let (counts, facts, at) = (Counts::default(), Facts::default(), clock_monotonic());
            Outcome { ended, counts, facts, at, source: None }
        })
    }
}

/// Polls readable once the pipeline has ended, or is just about to.
impl AsFd for Recorder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }
}

/// Rings when it is dropped, also by a panic.
#[derive(Debug)]
struct Rings(Arc<Eventfd>);

impl Drop for Rings {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// The thread: moves the pictures, and says at the end what it saw.
fn record(
    mut source: WireSource,
    outputs: Outputs,
    (device, validation, look): (DeviceChoice, bool, Look),
    limits: Limits<'_>,
) -> Outcome {
    let mut flow = Flow::new(outputs, device, validation, look);
    let measurements = Arc::clone(&flow.measurements);
    let (ended, at) = (flow.run(&mut source, limits), clock_monotonic());
    let (counts, seen) = (measurements.counts(), source.control().report());
    end(&mut source);
    let ended = ended.map_err(|err| {
        Failure::new("the recording", with_causes(&err), "what was recorded before is kept")
    });
    let device = flow.device().map(|device| device.physical().name());
    let (cuda, host_looked) = (flow.cuda(), flow.host_looks());
    // What came after the end was not part of it.
    let lost = seen.frames_dropped + seen.frames_replaced + seen.frames_unsent;
    let presented = counts.taken + lost;
    let Flow { encoder, names, .. } = flow;
    let facts =
        Facts { encoder, cuda, device, host_looked, presented, outputs: names, ..facts(&seen) };
    Outcome { ended, counts, facts, at, source: Some(source) }
}

/// Takes no more pictures, and gives back those that wait.
fn end(source: &mut WireSource) {
    source.control().stop();
    loop {
        match source.poll_event() {
            Ok(Some(SourceEvent::Ended)) | Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => {
                let ready = wait_readable(source.readiness(), Duration::from_secs(1));
                if !ready.unwrap_or(false) {
                    return;
                }
            }
        }
    }
}
