//! Pictures for a sink that wants them as the application made them.

use std::sync::Arc;

use zerohop_frame::{BoxError, Fallback, Frame, FrameSink, Observer, with_causes};
use zerohop_vulkan::{Image, Queue};

use crate::plain::in_plain_memory;

/// Shows every Nth picture to a sink, changed or not, in plain memory: `LINEAR` rows without
/// padding, in the application's own format. That is a copy, and the observer is told.
pub struct Snapshots {
    sink: Box<dyn FrameSink + Send>,
    every: u64,
    seen: u64,
    observer: Arc<dyn Observer>,
    failed: Option<BoxError>,
}

impl Snapshots {
    /// Shows the first picture and every `every`th after it.
    ///
    /// # Panics
    ///
    /// When `every` is zero.
    pub fn new(sink: Box<dyn FrameSink + Send>, every: u64, observer: Arc<dyn Observer>) -> Self {
        assert!(every > 0, "every 0th picture is no picture");
        Self { sink, every, seen: 0, observer, failed: None }
    }

    /// A picture came by. A sink that failed is shown no more, see [`finish`](Self::finish).
    pub(crate) fn pass(&mut self, queue: &Arc<Queue>, frame: &Arc<Frame>, image: &Arc<Image>) {
        let wanted = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !wanted || self.failed.is_some() {
            return;
        }
        let Err(err) = self.show(queue, frame, image) else { return };
        self.observer.fallback(Fallback {
            what: "pictures".into(),
            reason: with_causes(&*err),
            cost: "no more of them are written".into(),
        });
        self.failed = Some(err);
    }

    /// No picture follows.
    ///
    /// # Errors
    ///
    /// The first failure; pictures after it are missing.
    pub(crate) fn finish(&mut self) -> Result<(), BoxError> {
        let finished = self.sink.finish();
        self.failed.take().map_or(finished, Err)
    }

    fn show(
        &mut self,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(), BoxError> {
        match in_plain_memory(queue, frame, image, &*self.observer)? {
            Some(plain) => self.sink.submit(plain),
            // Lost; the path finds out as well, and counts it.
            None => Ok(()),
        }
    }
}
