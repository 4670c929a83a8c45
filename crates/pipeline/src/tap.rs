//! A second sink, fed before the stages decide what a picture is worth.

use std::sync::Arc;

use zerohop_frame::{BoxError, Frame, FrameDescriptor, FrameSink};

use crate::Stages;

/// Shows every `every`-th picture to `sink` as it came from the source, changed or not, before
/// `stages` see it.
///
/// A failing sink is reported by [`Stages::finish`], and fed no more; the pictures go on.
pub struct Tap<'a> {
    stages: &'a mut dyn Stages,
    sink: &'a mut dyn FrameSink,
    every: u64,
    seen: u64,
    failed: Option<BoxError>,
}

impl<'a> Tap<'a> {
    /// Taps what goes into `stages`. The first picture is always shown.
    ///
    /// # Panics
    ///
    /// When `every` is zero.
    pub fn new(stages: &'a mut dyn Stages, sink: &'a mut dyn FrameSink, every: u64) -> Self {
        assert!(every > 0, "every 0th picture is no picture");
        Self { stages, sink, every, seen: 0, failed: None }
    }
}

impl Stages for Tap<'_> {
    fn reshape(&mut self, descriptor: &FrameDescriptor) -> Result<(), BoxError> {
        self.stages.reshape(descriptor)
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        if self.failed.is_none() && self.seen.is_multiple_of(self.every) {
            self.failed = self.sink.submit(Arc::clone(&frame)).err();
        }
        self.seen += 1;
        self.stages.run(frame)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let ended = self.stages.finish();
        let written = self.sink.finish();
        ended.and(self.failed.take().map_or(written, Err))
    }
}
