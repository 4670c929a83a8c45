//! The loop: from the source through the stages to the sink, in one thread.

use std::fmt;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zerohop_frame::{
    BoxError, Extent, Fallback, Fourcc, Frame, FrameSink, Kept, Observer as _, Source, SourceEvent,
    with_causes,
};
use zerohop_kernel::{Eventfd, clock_monotonic};

use crate::{Measurements, Stages};

/// How long pictures may fail one after the other before the pipeline gives up: what is short of
/// something for a moment loses pictures, and goes on.
const MAX_FAILING: Duration = Duration::from_secs(1);

/// So many may fail however long that takes.
const MAX_FAILURES: u32 = 8;

/// Why a pipeline stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source broke.
    #[error("the source failed")]
    Source(#[source] BoxError),
    /// A stage cannot take the shape that the source changed to.
    #[error("could not change to {fourcc} {}x{}", .extent.width, .extent.height)]
    Reshape {
        /// Size of the new pictures.
        extent: Extent,
        /// Their format.
        fourcc: Fourcc,
        /// Why.
        source: BoxError,
    },
    /// Several pictures in a row failed in a stage.
    #[error("picture {sequence} failed, after {failures} in a row in {:.1} s", .time.as_secs_f64())]
    Stage {
        /// The last one.
        sequence: u64,
        /// How many failed before it.
        failures: u32,
        /// How long ago the first of them failed.
        time: Duration,
        /// Why it failed.
        source: BoxError,
    },
    /// A picture failed as every later one would.
    #[error("picture {sequence} failed, and no later one could fare better")]
    Hopeless {
        /// Which one.
        sequence: u64,
        /// Why it failed.
        source: BoxError,
    },
    /// The stages could not finish what they write on the side.
    #[error("an output could not be finished")]
    Finish(#[source] BoxError),
    /// The sink broke.
    #[error("an output failed")]
    Sink(#[source] BoxError),
    /// Waiting failed.
    #[error("could not wait for the source")]
    Wait(#[source] io::Error),
}

/// What ends a run at the first picture, since no later one could fare better.
#[derive(Debug)]
pub(crate) struct Hopeless(pub(crate) BoxError);

impl fmt::Display for Hopeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Hopeless {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Why a pipeline that did not fail came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No more pictures came.
    Source,
    /// As many came as were asked for.
    Frames,
    /// The time was over.
    Time,
    /// Somebody said [`Stop`].
    Stopped,
}

/// Ends a pipeline from another thread.
#[derive(Debug)]
pub struct Stop {
    said: AtomicBool,
    bell: Eventfd,
}

impl Stop {
    /// Nothing said yet.
    ///
    /// # Errors
    ///
    /// See [`Eventfd::new`].
    pub fn new() -> io::Result<Self> {
        Ok(Self { said: AtomicBool::new(false), bell: Eventfd::new()? })
    }

    /// Ends the pipeline before its next picture.
    pub fn say(&self) {
        self.said.store(true, Ordering::Release);
        self.bell.ring();
    }

    fn is_said(&self) -> bool {
        self.said.load(Ordering::Acquire)
    }
}

/// When a pipeline ends, besides the end of its source. The first one counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'a> {
    /// After so many pictures out of the source, whatever they are worth.
    pub frames: Option<u64>,
    /// At this time on `CLOCK_MONOTONIC`.
    pub until: Option<Duration>,
    /// When told to.
    pub stop: Option<&'a Stop>,
}

impl Limits<'_> {
    fn reached(&self, taken: u64) -> Option<Ending> {
        if self.stop.is_some_and(Stop::is_said) {
            Some(Ending::Stopped)
        } else if self.frames.is_some_and(|frames| taken >= frames) {
            Some(Ending::Frames)
        } else if self.until.is_some_and(|until| clock_monotonic() >= until) {
            Some(Ending::Time)
        } else {
            None
        }
    }
}

/// Runs until the source ends or a limit is reached, then finishes the sink.
///
/// A picture that fails in a stage is counted as dropped, and its reason is kept as a fallback; when
/// eight in a row have failed, and for a second, the pipeline gives up.
///
/// # Errors
///
/// The first [`Error`]. Frames in flight go home either way, and the sink is finished as far as
/// it can be.
pub fn run(
    source: &mut dyn Source,
    stages: &mut dyn Stages,
    sink: &mut dyn FrameSink,
    limits: Limits<'_>,
    measurements: &Measurements,
) -> Result<Ending, Error> {
    let mut flow = Flow { stages, sink, measurements, taken: 0, failing: None };
    let ended = flow.go(source, limits);
    let staged = flow.stages.finish().map_err(Error::Finish);
    let sunk = flow.sink.finish().map_err(Error::Sink);
    let ending = ended?;
    sunk?;
    staged?;
    Ok(ending)
}

/// What the loop holds.
struct Flow<'a> {
    stages: &'a mut dyn Stages,
    sink: &'a mut dyn FrameSink,
    measurements: &'a Measurements,
    taken: u64,
    /// How many pictures in a row have failed, and when the first of them did.
    failing: Option<(u32, Duration)>,
}

impl Flow<'_> {
    fn go(&mut self, source: &mut dyn Source, limits: Limits<'_>) -> Result<Ending, Error> {
        loop {
            if let Some(ending) = limits.reached(self.taken) {
                return Ok(ending);
            }
            match source.poll_event().map_err(Error::Source)? {
                None => wait(source, limits)?,
                Some(SourceEvent::Ended) => return Ok(Ending::Source),
                Some(SourceEvent::Format(shape)) => {
                    self.stages.reshape(&shape).map_err(|source| Error::Reshape {
                        extent: shape.extent,
                        fourcc: shape.fourcc,
                        source,
                    })?;
                }
                Some(SourceEvent::Frame(frame)) => self.pass(Arc::new(frame))?,
                Some(SourceEvent::Kept(kept)) => self.keep(&kept, limits),
            }
        }
    }

    /// Counts pictures that were kept, as far as they are wanted.
    fn keep(&mut self, kept: &Kept, limits: Limits<'_>) {
        let left = limits.frames.map_or(u64::MAX, |frames| frames.saturating_sub(self.taken));
        let count = kept.count.min(left);
        self.taken += count;
        self.measurements.kept(kept.sequence, count);
        self.stages.kept(kept);
    }

    /// Takes one picture from the source to the sink.
    fn pass(&mut self, frame: Arc<Frame>) -> Result<(), Error> {
        let sequence = frame.info().sequence;
        self.taken += 1;
        self.measurements.taken();
        match self.stages.run(frame) {
            Ok(out) => {
                self.failing = None;
                let Some(frame) = out else { return Ok(()) };
                self.sink.submit(frame).map_err(Error::Sink)?;
                self.measurements.submitted();
                Ok(())
            }
            Err(source) if source.is::<Hopeless>() => Err(Error::Hopeless { sequence, source }),
            Err(source) => self.failed(sequence, source),
        }
    }

    /// Counts a picture that failed.
    ///
    /// # Errors
    ///
    /// [`Error::Stage`]: it was one too many.
    fn failed(&mut self, sequence: u64, source: BoxError) -> Result<(), Error> {
        let now = clock_monotonic();
        let (failures, since) = self.failing.unwrap_or((0, now));
        let time = now.saturating_sub(since);
        if failures >= MAX_FAILURES && time >= MAX_FAILING {
            return Err(Error::Stage { sequence, failures, time, source });
        }
        self.failing = Some((failures + 1, since));
        self.measurements.dropped(sequence, "a stage failed");
        self.measurements.fallback(Fallback {
            what: "picture".into(),
            reason: with_causes(&*source),
            cost: "it is missing in the output".into(),
        });
        Ok(())
    }
}

fn wait(source: &mut dyn Source, limits: Limits<'_>) -> Result<(), Error> {
    let left = limits.until.map(|until| until.saturating_sub(clock_monotonic()));
    source.wait(limits.stop.map(|stop| stop.bell.as_fd()), left).map_err(Error::Wait)
}
