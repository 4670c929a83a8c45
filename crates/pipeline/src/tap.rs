//! A second sink on the way.

use std::sync::Arc;

use zerohop_frame::{BoxError, Frame, FrameDescriptor, FrameSink, Kept, Observer as _};

use crate::{Measurements, Scanout, Stages};

/// Shows every picture on a screen, and hands it on to other stages. What goes wrong with the
/// screen costs the others nothing.
pub struct Tap<S> {
    scanout: Scanout,
    sink: Box<dyn FrameSink + Send>,
    rest: S,
    measurements: Arc<Measurements>,
    failed: Option<BoxError>,
}

impl<S> Tap<S> {
    /// `sink` gets what comes out of `scanout`, and `rest` every picture as it came.
    pub fn new(
        scanout: Scanout,
        sink: Box<dyn FrameSink + Send>,
        rest: S,
        measurements: Arc<Measurements>,
    ) -> Self {
        Self { scanout, sink, rest, measurements, failed: None }
    }

    /// The stages after it.
    pub fn rest(&self) -> &S {
        &self.rest
    }

    fn show(&mut self, frame: &Arc<Frame>) -> Result<(), BoxError> {
        match self.scanout.run(Arc::clone(frame))? {
            Some(frame) => self.sink.submit(frame),
            None => Ok(()),
        }
    }
}

impl<S: Stages> Stages for Tap<S> {
    fn reshape(&mut self, descriptor: &FrameDescriptor) -> Result<(), BoxError> {
        self.scanout.reshape(descriptor)?;
        self.rest.reshape(descriptor)
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        if let Err(err) = self.show(&frame) {
            self.measurements.dropped(frame.info().sequence, "the screen did not show it");
            // The first one says why, at the end.
            self.failed.get_or_insert(err);
        }
        self.rest.run(frame)
    }

    fn kept(&mut self, kept: &Kept) {
        self.rest.kept(kept);
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let shown = self.sink.finish();
        let (heard, finished) = (self.scanout.finish(), self.rest.finish());
        shown.and(self.failed.take().map_or(Ok(()), Err)).and(heard).and(finished)
    }
}
