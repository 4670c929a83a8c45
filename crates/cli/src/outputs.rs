//! The files that a run writes. They are opened before the application starts, so that one that
//! cannot be written costs nothing.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum as _;
use zerohop_cuda::Cuda;
use zerohop_encode::Uuid;
use zerohop_frame::{FrameSink, Observer, with_causes};
use zerohop_kernel::clock_monotonic;
use zerohop_kms::{Screen, Spec};
use zerohop_pipeline::{CudaView, Filter, Measurements, Snapshots, Trace};
use zerohop_sinks::{
    Checksum, Clock, EncodeSink, Every, Mp4, Null, NullNv12, Png, ScreenSink, SharedScreen, Tee,
    Timing,
};

use zerohop_wire::{HostDisplay, MAX_REFRESH, text};

use crate::args::{Capture, Encoding, Named};
use crate::failure::Failure;
use crate::processes::Processes;
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

/// A screen, and the sink that shows pictures on it.
pub(crate) struct Shown {
    pub(crate) screen: SharedScreen,
    pub(crate) sink: Sink,
}

/// How pictures come.
pub(crate) struct Pace {
    /// At most so many a second.
    pub(crate) hertz: f64,
    /// What time it is, on the clock of their timestamps.
    pub(crate) clock: Clock,
}

impl Pace {
    /// At `hertz` by `CLOCK_MONOTONIC`.
    pub(crate) fn of(hertz: f64) -> Self {
        Self { hertz, clock: Arc::new(clock_monotonic) }
    }
}

/// The files with checksums, each for all films that are played beside each other.
#[derive(Default)]
pub(crate) struct Sums {
    files: BTreeMap<PathBuf, Checksum>,
    /// The film that files are opened for.
    pub(crate) film: usize,
}

impl Sums {
    fn open(&mut self, path: &Path) -> Result<Checksum, zerohop_sinks::Error> {
        if !self.files.contains_key(path) {
            self.files.insert(path.to_owned(), Checksum::create(path)?);
        }
        Ok(self.files[path].of_stream(self.film))
    }
}

/// A place that was opened.
type Sink = Box<dyn FrameSink + Send>;

/// What `--to` asked for, opened.
#[derive(Default)]
struct Opened {
    /// Get what changed, in a format of theirs.
    sinks: Vec<Sink>,
    /// Get every picture as it came.
    takes_all: Vec<Sink>,
    /// Get every picture as CUDA sees it, if anything does.
    by_cuda: Option<Vec<Sink>>,
    /// Gets pictures of which only a region changed.
    region: Option<Sink>,
    /// The name of the encoder among them.
    encoder: Option<String>,
    /// Shows every picture.
    screen: Option<Shown>,
}

impl Opened {
    fn open(
        &mut self,
        place: &To,
        options: &Capture,
        (pace, gpu): (&Pace, Option<Uuid>),
        (measurements, sums): (&Arc<Measurements>, &mut Sums),
    ) -> Result<(), Failure> {
        match place {
            To::Mp4(path) => {
                let (sink, name) = recording(&options.encoding, (pace, gpu), path, measurements)?;
                self.sinks.push(sink);
                self.encoder = Some(name);
            }
            To::Region(path) => {
                let encoding = Encoding { encoder: Named::Nvenc, ..options.encoding };
                let (sink, _) = recording(&encoding, (pace, gpu), path, measurements)?;
                self.region = Some(sink);
            }
            To::Png(_) | To::Checksum(_) => self.takes_all.extend(reader(place, sums)?),
            To::ByCuda(place) => {
                check_cuda()?;
                self.by_cuda.get_or_insert_default().extend(reader(place, sums)?);
            }
            To::Kms(spec) => self.screen = Some(screen(spec, measurements)?),
            To::Null => self.sinks.push(Box::new(Null)),
            To::NullNv12 => self.sinks.push(Box::new(NullNv12)),
        }
        Ok(())
    }
}

/// What reads every picture there, if anybody does.
fn reader(place: &To, sums: &mut Sums) -> Result<Option<Sink>, Failure> {
    Ok(match place {
        To::Png(folder) => {
            Some(Box::new(Png::create(folder).map_err(|err| unwritable(folder, &err))?))
        }
        To::Checksum(path) => {
            Some(Box::new(sums.open(path).map_err(|err| unwritable(path, &err))?))
        }
        _ => None,
    })
}

/// What shows pictures to `sinks` as CUDA sees them.
fn seen_by_cuda(sinks: Vec<Sink>, every: u64, measurements: &Arc<Measurements>) -> CudaView {
    let sink = (!sinks.is_empty()).then(|| joined(sinks));
    CudaView::new(sink, every, Arc::clone(measurements) as _, measurements.of_sinks())
}

/// Refuses to begin where there is no CUDA.
fn check_cuda() -> Result<(), Failure> {
    let cuda = Cuda::load().and_then(|cuda| cuda.gpus());
    let why = match cuda {
        Ok(gpus) if !gpus.is_empty() => return Ok(()),
        Ok(_) => "NVIDIA's driver knows no GPU".to_owned(),
        Err(err) => with_causes(&err),
    };
    let todo = "leave view=cuda away, or see zerohop doctor";
    Err(Failure::new("--to with view=cuda", why, todo))
}

/// One sink of all of `sinks`.
fn joined(mut sinks: Vec<Sink>) -> Sink {
    match sinks.len() {
        0 => Box::new(Null),
        1 => sinks.remove(0),
        _ => Box::new(Tee::new(sinks)),
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

/// The screen that `spec` means.
fn screen(spec: &Spec, measurements: &Arc<Measurements>) -> Result<Shown, Failure> {
    let failed = |err: &(dyn std::error::Error + 'static), todo: &str| {
        Failure::new("--to kms", with_causes(err), todo)
    };
    let screen = Screen::open(spec).map_err(|err| {
        let todo = match &err {
            zerohop_kms::Error::Master { .. } => "end it, or use another card",
            _ => "see zerohop doctor for the screens",
        };
        failed(&err, todo)
    })?;
    let screen: SharedScreen = Arc::new(Mutex::new(screen));
    let sink = ScreenSink::start(&screen, Arc::clone(measurements) as _);
    let sink = sink.map_err(|err| failed(&err, "raise the limits on open files and threads"))?;
    Ok(Shown { screen, sink: Box::new(sink) })
}

/// An MP4 file at `path`, and the name of the encoder.
fn recording(
    encoding: &Encoding,
    (pace, gpu): (&Pace, Option<Uuid>),
    path: &Path,
    measurements: &Arc<Measurements>,
) -> Result<(Sink, String), Failure> {
    // At most 1000, and above 0.
    let options = encoding.options(pace.hertz.ceil() as u32)?;
    let observer: Arc<dyn Observer> = Arc::clone(measurements) as _;
    let encoder = zerohop_encode::open(encoding.choice(), options, gpu, &observer);
    let encoder = encoder.map_err(|err| no_encoder(encoding, &err))?;
    let out = Mp4::create(path).map_err(|err| unwritable(path, &err))?;
    let name = encoder.name().to_owned();
    let timing = Timing {
        key_interval: encoding.key_interval(),
        key_pictures: encoding.gop,
        clock: Arc::clone(&pace.clock),
    };
    let sink = EncodeSink::start(encoder, Box::new(out), observer, timing);
    Ok((Box::new(sink.map_err(|err| unwritable(path, &err))?), name))
}

/// The encoder that was asked for does not work.
fn no_encoder(encoding: &Encoding, err: &zerohop_encode::Error) -> Failure {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    };
    let (encoder, codec) =
        (name(encoding.encoder.to_possible_value()), name(encoding.codec.to_possible_value()));
    let what = format!("--encoder {encoder} --codec {codec}");
    let todo =
        "use --encoder auto and --codec h264 for what works everywhere; zerohop doctor says more";
    Failure::new(what, with_causes(err), todo)
}

/// `path` cannot be written because of `err`.
pub(crate) fn unwritable(path: &Path, err: &(dyn std::error::Error + 'static)) -> Failure {
    let todo = "choose a place that you can write to, with space left";
    // The path is named already.
    let cause = err.source().unwrap_or(err);
    Failure::new(path.display().to_string(), with_causes(cause), todo)
}

/// Where the report goes, if it was asked for.
#[derive(Debug)]
pub(crate) struct ReportFile(Option<(PathBuf, File)>);

impl ReportFile {
    /// Opens `path`, and leaves what is in it until there is something better.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|err| unwritable(path, &err))?;
        Ok(Self(Some((path.to_owned(), file))))
    }

    /// Writes it.
    pub(crate) fn write(
        self,
        report: impl FnOnce() -> serde_json::Result<String>,
    ) -> Result<(), Failure> {
        let Some((path, mut file)) = self.0 else { return Ok(()) };
        let json = report().map_err(io::Error::other);
        let written = json.and_then(|json| {
            // A device such as /dev/stdout has no length.
            let _ = file.set_len(0);
            file.write_all(json.as_bytes())
        });
        written.map_err(|err| unwritable(&path, &err))
    }
}
