//! The files that a run writes. They are opened before the application starts, so that one that
//! cannot be written costs nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zerohop_encode::{Encoder as _, OpenH264, Rate};
use zerohop_frame::FrameSink;
use zerohop_pipeline::{Measurements, Report, Snapshots, Trace};
use zerohop_sinks::{EncodeSink, Mp4, Null, Png, Timing};

use crate::args::Run;
use crate::failure::Failure;

/// Everything that a run writes to.
pub(crate) struct Outputs {
    /// What is counted on the way.
    pub(crate) measurements: Arc<Measurements>,
    /// Where the pictures go.
    pub(crate) sink: Box<dyn FrameSink + Send>,
    /// Where some of them go as they are.
    pub(crate) snapshots: Option<Snapshots>,
    /// The encoder's name, if there is one.
    pub(crate) encoder: Option<String>,
    /// Files and folders, for the report.
    pub(crate) names: Vec<String>,
}

impl Outputs {
    /// Opens what `options` asks for.
    pub(crate) fn open(options: &Run) -> Result<Self, Failure> {
        let trace = options.trace.as_deref();
        let trace = trace.map(|path| Trace::create(path).map_err(|err| unwritable(path, &err)));
        let measurements = Arc::new(Measurements::new(trace.transpose()?));
        let names = [&options.output, &options.png, &options.trace, &options.report];
        let names = names.into_iter().flatten().map(|path| path.display().to_string()).collect();
        let (sink, encoder) = match &options.output {
            Some(path) => recording(options, path, &measurements)?,
            None => (Box::new(Null) as Box<_>, None),
        };
        let snapshots = options.png.as_deref();
        let snapshots = snapshots.map(|path| pictures(path, options.every, &measurements));
        let snapshots = snapshots.transpose()?;
        Ok(Self { measurements, sink, snapshots, encoder, names })
    }
}

/// Numbered PNG files in `folder`.
fn pictures(
    folder: &Path,
    every: u64,
    measurements: &Arc<Measurements>,
) -> Result<Snapshots, Failure> {
    let sink = Png::create(folder).map_err(|err| unwritable(folder, &err))?;
    Ok(Snapshots::new(Box::new(sink), every, measurements.of_sinks()))
}

/// A sink, and the name of the encoder in it.
type Named = (Box<dyn FrameSink + Send>, Option<String>);

/// An MP4 file at `path`.
fn recording(
    options: &Run,
    path: &Path,
    measurements: &Arc<Measurements>,
) -> Result<Named, Failure> {
    let out = Mp4::create(path).map_err(|err| unwritable(path, &err))?;
    let rate = options.bitrate.map_or_else(Rate::default, Rate::Bits);
    // At most 1000, and above 0.
    let hertz = options.rate.ceil() as u32;
    let encoder = Box::new(OpenH264::new(zerohop_encode::Options { rate, hertz }));
    let name = encoder.name().to_owned();
    let observer = Arc::clone(measurements) as _;
    let sink = EncodeSink::start(encoder, Box::new(out), observer, Timing::default());
    Ok((Box::new(sink.map_err(|err| unwritable(path, &err))?), Some(name)))
}

/// `path` cannot be written because of `err`.
pub(crate) fn unwritable(path: &Path, err: &(dyn std::error::Error + 'static)) -> Failure {
    let todo = "choose a place that you can write to, with space left";
    // The path is named already.
    let cause = err.source().unwrap_or(err);
    Failure::new(path.display().to_string(), crate::failure::chain(cause), todo)
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
    pub(crate) fn write(self, report: &Report) -> Result<(), Failure> {
        let Some((path, mut file)) = self.0 else { return Ok(()) };
        let json = report.to_json().map_err(io::Error::other);
        let written = json.and_then(|json| {
            // A device such as /dev/stdout has no length.
            let _ = file.set_len(0);
            file.write_all(json.as_bytes())
        });
        written.map_err(|err| unwritable(&path, &err))
    }
}
