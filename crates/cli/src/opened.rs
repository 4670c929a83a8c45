//! What `--to` asked for, opened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::ValueEnum as _;
use zerohop_cuda::Cuda;
use zerohop_encode::Uuid;
use zerohop_frame::{FrameSink, Observer, with_causes};
use zerohop_kernel::clock_monotonic;
use zerohop_kms::{Screen, Spec};
use zerohop_pipeline::{CudaView, Measurements};
use zerohop_sinks::{
    Checksum, Clock, EncodeSink, Mp4, Null, NullNv12, Png, ScreenSink, SharedScreen, Tee, Timing,
};

use crate::args::{Capture, Encoding, Named};
use crate::failure::Failure;
use crate::report_file::unwritable;
use crate::to::To;

/// A place that was opened.
pub(crate) type Sink = Box<dyn FrameSink + Send>;

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
    /// The one at `path`, for the film.
    fn open(&mut self, path: &Path) -> Result<Checksum, zerohop_sinks::Error> {
        if !self.files.contains_key(path) {
            self.files.insert(path.to_owned(), Checksum::create(path)?);
        }
        Ok(self.files[path].of_stream(self.film))
    }
}

/// What `--to` asked for, opened.
#[derive(Default)]
pub(crate) struct Opened {
    /// Get what changed, in a format of theirs.
    pub(crate) sinks: Vec<Sink>,
    /// Get every picture as it came.
    pub(crate) takes_all: Vec<Sink>,
    /// Get every picture as CUDA sees it, if anything does.
    pub(crate) by_cuda: Option<Vec<Sink>>,
    /// Gets pictures of which only a region changed.
    pub(crate) region: Option<Sink>,
    /// The name of the encoder among them.
    pub(crate) encoder: Option<String>,
    /// Shows every picture.
    pub(crate) screen: Option<Shown>,
}

impl Opened {
    /// Opens `place` as well, as `options` say; pictures come at `pace`, drawn by `gpu`.
    pub(crate) fn open(
        &mut self,
        place: &To,
        options: &Capture,
        (pace, gpu): (&Pace, Option<Uuid>),
        (measurements, sums): (&Arc<Measurements>, &mut Sums),
    ) -> Result<(), Failure> {
        match place {
            To::Mp4(path) => {
                let encoding = &options.encoding;
                let refused = |err: &zerohop_encode::Error| no_encoder(encoding, err);
                let (sink, name) = recording(encoding, (pace, gpu), path, measurements, refused)?;
                self.sinks.push(sink);
                self.encoder = Some(name);
            }
            To::Region(path) => {
                let encoding = Encoding { encoder: Named::Nvenc, ..options.encoding };
                let refused = |err: &zerohop_encode::Error| {
                    let what = format!("--to region:{}", path.display());
                    let todo = "leave it away where there is no NVENC; zerohop doctor says more";
                    Failure::new(what, with_causes(err), todo)
                };
                let (sink, _) = recording(&encoding, (pace, gpu), path, measurements, refused)?;
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
pub(crate) fn seen_by_cuda(
    sinks: Vec<Sink>,
    every: u64,
    measurements: &Arc<Measurements>,
) -> CudaView {
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
pub(crate) fn joined(mut sinks: Vec<Sink>) -> Sink {
    match sinks.len() {
        0 => Box::new(Null),
        1 => sinks.remove(0),
        _ => Box::new(Tee::new(sinks)),
    }
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

/// An MP4 file at `path`, and the name of the encoder; what `refused` says where there is none.
fn recording(
    encoding: &Encoding,
    (pace, gpu): (&Pace, Option<Uuid>),
    path: &Path,
    measurements: &Arc<Measurements>,
    refused: impl FnOnce(&zerohop_encode::Error) -> Failure,
) -> Result<(Sink, String), Failure> {
    // At most 1000, and above 0.
    let options = encoding.options(pace.hertz.ceil() as u32)?;
    let observer: Arc<dyn Observer> = Arc::clone(measurements) as _;
    let encoder = zerohop_encode::open(encoding.choice(), options, gpu, &observer);
    let encoder = encoder.map_err(|err| refused(&err))?;
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
