//! Pictures as CUDA sees them, in the memory where the application drew them.

mod open;
mod slots;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use zerohop_cuda::{Error, Picture, Uuid};
use zerohop_frame::{BoxError, Frame, FrameSink, Observer, Stage};
use zerohop_kernel::clock_monotonic;
use zerohop_vulkan::Image;

use crate::run::Hopeless;
use open::Open;

/// What each read-back is counted as.
const COPY: &str = "CUDA's view of the picture is read back";

/// Imports each buffer into CUDA once, waits there until the picture is complete, and shows every
/// Nth one to a sink: its codes in locked memory of this process, by one copy of the device's.
/// Without a sink nothing is read.
pub struct CudaView {
    sink: Option<Box<dyn FrameSink + Send>>,
    every: u64,
    seen: u64,
    observer: Arc<dyn Observer>,
    sinks: Arc<dyn Observer>,
    open: Option<Open>,
    report: CudaReport,
}

/// What CUDA had to do with a run. The JSON keys are documented in `REPORT.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CudaReport {
    /// The GPU, as CUDA names it.
    pub device: String,
    /// How pictures came in: `opaque_fd as an array` or `opaque_fd as a pointer`.
    pub handle: &'static str,
    /// How many buffers were imported.
    pub imports: u64,
    /// Microseconds that the first one took, its mapping included.
    pub first_import_us: u64,
    /// Pictures that were complete in CUDA.
    pub pictures: u64,
    /// How many of them the device waited for by itself, at a timeline.
    pub device_waits: u64,
    /// How many were copied to be read.
    pub copies: u64,
}

impl fmt::Display for CudaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, handle, imports, pictures, device_waits, copies, .. } = self;
        let first = self.first_import_us as f64 / 1e3;
        write!(
            f,
            "{device}, {handle}: {imports} imports, the first in {first:.2} ms; {pictures} pictures, \
             {device_waits} awaited by the GPU, {copies} copied to be read"
        )
    }
}

impl CudaView {
    /// Shows the first picture and every `every`th after it to `sink`. `observer` hears of the way
    /// there, `sinks` of the copies.
    ///
    /// # Panics
    ///
    /// When `every` is zero.
    pub fn new(
        sink: Option<Box<dyn FrameSink + Send>>,
        every: u64,
        observer: Arc<dyn Observer>,
        sinks: Arc<dyn Observer>,
    ) -> Self {
        assert!(every > 0, "every 0th picture is no picture");
        let (open, report) = (None, CudaReport::default());
        Self { sink, every, seen: 0, observer, sinks, open, report }
    }

    /// What happened up to now; `None` before the first picture.
    pub fn report(&self) -> Option<&CudaReport> {
        (self.report.imports > 0).then_some(&self.report)
    }

    /// A picture came by, which Vulkan has as `image`.
    ///
    /// # Errors
    ///
    /// [`Hopeless`], but for a picture that was not complete in time: what CUDA cannot do with one
    /// it cannot do with the next.
    pub(crate) fn pass(&mut self, frame: &Arc<Frame>, image: &Image) -> Result<(), BoxError> {
        self.show(frame, image).map_err(|err| match err.downcast_ref() {
            Some(Error::Timeout { .. }) => err,
            _ => Box::new(Hopeless(err)),
        })
    }

    /// No picture follows.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub(crate) fn finish(&mut self) -> Result<(), BoxError> {
        let finished = self.sink.as_mut().map_or(Ok(()), |sink| sink.finish());
        self.open = None;
        finished
    }

    fn show(&mut self, frame: &Arc<Frame>, image: &Image) -> Result<(), BoxError> {
        let wanted = self.sink.is_some() && self.seen.is_multiple_of(self.every);
        self.seen += 1;
        let picture = self.import(frame, image)?;
        let open = self.open.as_mut().ok_or("CUDA is not open")?;
        self.report.device_waits += u64::from(open.acquire(frame, &*self.observer)?);
        let slot = wanted.then(|| open.copy(&picture)).transpose()?;
        open.complete(picture)?;
        let sequence = frame.info().sequence;
        self.report.pictures += 1;
        self.observer.span(sequence, Stage::Cuda, frame.info().presented, clock_monotonic());
        let (Some(slot), Some(sink)) = (slot, &mut self.sink) else { return Ok(()) };
        self.report.copies += 1;
        self.sinks.gpu_copy(sequence, COPY);
        // One that is lost is found out by the path as well, which counts it.
        if frame.is_intact() { sink.submit(Arc::new(slot.frame(frame)?)) } else { Ok(()) }
    }

    /// The picture, imported when its buffer is seen for the first time.
    fn import(&mut self, frame: &Frame, image: &Image) -> Result<Arc<Picture>, BoxError> {
        let uuid = Uuid(image.device().id().device_uuid);
        if self.open.as_ref().is_none_or(|open| open.uuid() != uuid) {
            self.open = Some(Open::new(uuid)?);
        }
        let open = self.open.as_mut().ok_or("CUDA is not open")?;
        let cached = open.import(frame.buffer(), image)?;
        if let Some(took) = cached.imported {
            self.report.imports += 1;
            if self.report.imports == 1 {
                self.first(&cached.picture, took, uuid);
            }
        }
        Ok(cached.picture)
    }

    fn first(&mut self, picture: &Picture, took: Duration, uuid: Uuid) {
        let name =
            self.open.as_ref().map_or_else(|| uuid.to_string(), |open| open.name().to_owned());
        let first_import_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let report = std::mem::take(&mut self.report);
        self.report =
            CudaReport { device: name, handle: picture.handle(), first_import_us, ..report };
    }
}
