//! Pictures as CUDA sees them, in the memory where the application drew them.

mod open;
mod slots;

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::Serialize;
use zerohop_cuda::Error;
use zerohop_frame::{BoxError, DeviceId, Frame, FrameSink, Observer, Stage};
use zerohop_kernel::clock_monotonic;
use zerohop_vulkan::{Image, Queue};

use crate::run::Hopeless;
use open::{Open, Seen};

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
    open: Option<(DeviceId, Open)>,
    report: CudaReport,
}

/// What CUDA had to do with a run. The JSON keys are documented in `REPORT.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CudaReport {
    /// The GPU, as CUDA names it.
    pub device: String,
    /// By which way pictures came in, as in `the memory itself`.
    pub way: &'static str,
    /// As what, as in `opaque_fd as an array`.
    pub handle: &'static str,
    /// How many buffers were imported.
    pub imports: u64,
    /// Microseconds that the first one took, its mapping included.
    pub first_import_us: u64,
    /// Pictures that were complete in CUDA.
    pub pictures: u64,
    /// How many were not complete when they were looked at: the device waited for their timeline. With
    /// those that were lost meanwhile.
    pub device_waits: u64,
    /// How many were copied to be read.
    pub copies: u64,
}

impl fmt::Display for CudaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, way, handle, imports, pictures, device_waits, copies, .. } = self;
        let first = self.first_import_us as f64 / 1e3;
        write!(
            f,
            "{device}, {way}, {handle}: {imports} imports, the first in {first:.2} ms; {pictures} pictures, \
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
        (self.report.pictures > 0).then_some(&self.report)
    }

    /// A picture came by, which Vulkan has as `image`.
    ///
    /// # Errors
    ///
    /// [`Hopeless`], but for a picture that was lost or not complete in time: what else CUDA cannot
    /// do with one it cannot do with the next.
    pub(crate) fn pass(
        &mut self,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(), BoxError> {
        let shown = self.show(queue, frame, image);
        // One that is lost can fail anywhere, and says nothing of the next.
        let excused = |err: &BoxError| is_of_one(err) || !is_lost(err) && !frame.is_intact();
        shown.map_err(|err| if excused(&err) { err } else { Box::new(Hopeless(err)) })
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

    fn show(
        &mut self,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(), BoxError> {
        let wanted = self.sink.is_some() && self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if self.open.as_ref().is_none_or(|(device, _)| *device != queue.device().id()) {
            self.open = Some((queue.device().id(), Open::new(queue)?));
        }
        let (_, open) = self.open.as_mut().ok_or("CUDA is not open")?;
        let seen = open.see(frame, image, wanted, &*self.observer);
        self.report.device_waits += std::mem::take(&mut open.device_waits);
        let seen = seen.map_err(|err| {
            // Whatever it failed at, it may be that nothing works any more.
            open.device().lost().map_or(err, BoxError::from)
        })?;
        self.report.count(&seen, &open.device().gpu().name);
        let sequence = frame.info().sequence;
        self.observer.span(sequence, Stage::Cuda, frame.info().presented, clock_monotonic());
        let (Some((slot, shape)), Some(sink)) = (seen.slot, &mut self.sink) else { return Ok(()) };
        self.sinks.gpu_copy(sequence, COPY);
        // One that is lost is found out by the path as well, which counts it.
        if frame.is_intact() { sink.submit(Arc::new(slot.frame(frame, shape)?)) } else { Ok(()) }
    }
}

/// Whether the next picture may fare better.
fn is_of_one(err: &BoxError) -> bool {
    use zerohop_bridge::Error as Bridge;
    use zerohop_vulkan::Error as Vulkan;
    let cuda = |err: &Error| matches!(err, Error::Timeout { .. } | Error::Forsaken(_));
    let vulkan = |err: &Vulkan| {
        matches!(err, Vulkan::Timeout { .. } | Vulkan::Forsaken(_) | Vulkan::TooSmall { .. })
    };
    match err.downcast_ref() {
        Some(Bridge::Cuda(err)) => return cuda(err),
        Some(Bridge::Vulkan(err)) => return vulkan(err),
        Some(err) => return matches!(err, Bridge::Busy(_) | Bridge::Os { .. }),
        None => {}
    }
    // What a timeline says that nobody waits for any more.
    let forsaken = |err: &io::Error| err.kind() == io::ErrorKind::BrokenPipe;
    err.downcast_ref().is_some_and(cuda)
        || err.downcast_ref().is_some_and(vulkan)
        || err.downcast_ref().is_some_and(forsaken)
}

/// Whether nothing works any more.
fn is_lost(err: &BoxError) -> bool {
    err.downcast_ref().is_some_and(Error::is_lost)
}

impl CudaReport {
    fn count(&mut self, seen: &Seen, device: &str) {
        if self.pictures == 0 {
            device.clone_into(&mut self.device);
        }
        (self.way, self.handle) = (seen.way, seen.handle);
        self.pictures += 1;
        self.copies += u64::from(seen.slot.is_some());
        if let Some(took) = seen.imported {
            if self.imports == 0 {
                self.first_import_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            }
            self.imports += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_producer_did_not_keep_to_costs_one_picture_and_not_the_run() {
        use zerohop_bridge::Error as Bridge;
        use zerohop_vulkan::Error as Vulkan;
        let why = || String::from("it went back");
        let of_one: [BoxError; 4] = [
            Error::Forsaken(why()).into(),
            Vulkan::Forsaken(why()).into(),
            Bridge::Vulkan(Vulkan::Forsaken(why())).into(),
            io::Error::new(io::ErrorKind::BrokenPipe, why()).into(),
        ];
        of_one.iter().for_each(|err| assert!(is_of_one(err), "{err:?}"));
        let of_all: [BoxError; 2] =
            [Bridge::NoGl(why()).into(), io::Error::from(io::ErrorKind::Unsupported).into()];
        of_all.iter().for_each(|err| assert!(!is_of_one(err), "{err:?}"));
    }
}
