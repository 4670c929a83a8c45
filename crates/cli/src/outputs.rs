//! The files that a run writes. They are opened before the application starts, so that one that
//! cannot be written costs nothing.

use std::sync::{Arc, PoisonError};

use zerohop_encode::Uuid;
use zerohop_pipeline::{CudaView, Filter, Measurements, Snapshots, Trace};
use zerohop_sinks::Every;
use zerohop_wire::{HostDisplay, MAX_REFRESH, text};

use crate::args::Capture;
use crate::failure::Failure;
use crate::opened::{Opened, Pace, Shown, Sink, Sums, joined, seen_by_cuda};
use crate::processes::Processes;
use crate::report_file::unwritable;
use crate::screen_guard::ScreenGuard;
use crate::to::To;

/// Everything that a run writes to.
pub(crate) struct Outputs {
    /// What is counted on the way.
    pub(crate) measurements: Arc<Measurements>,
    /// Where the pictures go.
    pub(crate) sink: Sink,
    /// Where some of them go as they are.
    pub(crate) snapshots: Option<Snapshots>,
    /// Where those go of which only a region changed.
    pub(crate) region: Option<Sink>,
    /// What sees them through CUDA.
    pub(crate) view: Option<CudaView>,
    /// The screen that all of them are shown on.
    pub(crate) screen: Option<Shown>,
    /// Whether they go elsewhere too.
    pub(crate) is_recorded: bool,
    /// The passes that they go through before.
    pub(crate) filters: Vec<Filter>,
    /// Whether they go there as they came, looked at by nobody.
    pub(crate) is_straight: bool,
    /// Whether somebody there reads their rows.
    pub(crate) reads_rows: bool,
    /// The encoder's name, if there is one.
    pub(crate) encoder: Option<String>,
    /// Files and folders, for the report.
    pub(crate) names: Vec<String>,
}

impl Outputs {
    /// Opens `places`, as `options` say; pictures come at `pace`, drawn by `gpu` if that is known.
    /// With `is_straight` all of them read what comes, where it lies.
    pub(crate) fn open(
        places: &[To],
        options: &Capture,
        pace: Pace,
        is_straight: bool,
        gpu: Option<Uuid>,
        sums: &mut Sums,
    ) -> Result<Self, Failure> {
        check(places, options.every)?;
        let trace = options.trace.as_deref();
        let trace = trace.map(|path| Trace::create(path).map_err(|err| unwritable(path, &err)));
        let measurements = Arc::new(Measurements::new(trace.transpose()?));
        measurements.watch_waits();
        let files = [&options.trace, &options.report].into_iter().filter_map(Option::as_deref);
        let names = places.iter().filter_map(To::path).chain(files);
        let names = names.map(|path| path.display().to_string()).collect();
        let mut opened = Opened::default();
        for place in places {
            opened.open(place, options, (&pace, gpu), (&measurements, &mut *sums))?;
        }
        let Opened { mut sinks, mut takes_all, by_cuda, region, encoder, screen } = opened;
        let reads_rows = !takes_all.is_empty();
        if is_straight && reads_rows {
            sinks.push(Box::new(Every::new(options.every, joined(std::mem::take(&mut takes_all)))));
        }
        let is_recorded =
            !(sinks.is_empty() && takes_all.is_empty() && by_cuda.is_none() && region.is_none());
        let view = by_cuda.map(|sinks| seen_by_cuda(sinks, options.every, &measurements));
        let snapshots = (!takes_all.is_empty())
            .then(|| Snapshots::new(joined(takes_all), options.every, measurements.of_sinks()));
        let sink = joined(sinks);
        Ok(Self {
            filters: Vec::new(),
            measurements,
            sink,
            snapshots,
            region,
            view,
            screen,
            is_recorded,
            is_straight,
            reads_rows,
            encoder,
            names,
        })
    }
}

impl Outputs {
    /// The screen as producers are told of it, if there is one.
    pub(crate) fn display(&self) -> Option<HostDisplay> {
        let Shown { screen, .. } = self.screen.as_ref()?;
        let screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let mode = screen.mode();
        Some(HostDisplay {
            name: text(screen.connector()),
            extent: mode.extent(),
            refresh_mhz: mode.millihertz().clamp(1, MAX_REFRESH),
            size_mm: screen.size_mm(),
            paces: true,
        })
    }

    /// Starts a guard over the screen, if there is one.
    pub(crate) fn guard_screen(
        &self,
        processes: &mut Processes,
    ) -> Result<Option<ScreenGuard>, Failure> {
        let Some(Shown { screen, .. }) = &self.screen else { return Ok(None) };
        let screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = ScreenGuard::start(&screen, processes);
        guard.map(Some).map_err(|err| {
            Failure::new("the guard over the screen", err, "raise the limit on processes")
        })
    }
}

/// Refuses what cannot be done together.
fn check(places: &[To], every: u64) -> Result<(), Failure> {
    if places.iter().filter(|place| place.is_standard_output()).count() > 1 {
        let todo = "give all but one of them a file";
        return Err(Failure::new("--to", "two things go to the standard output", todo));
    }
    if places.iter().filter(|place| place.is_screen()).count() > 1 {
        let todo = "start zerohop once for each screen";
        return Err(Failure::new("--to", "there are two screens", todo));
    }
    if every > 1 && !places.iter().any(To::wants_all) {
        let todo = "add --png DIR or --to checksum:FILE";
        return Err(Failure::new("--every", "it is for pictures that are kept as they came", todo));
    }
    Ok(())
}
