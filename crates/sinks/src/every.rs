//! Some of the pictures.

use std::sync::Arc;

use zerohop_frame::{BoxError, Fourcc, Frame, FrameSink, Modifier};

/// Hands on the first picture and every Nth after it.
pub struct Every {
    sink: Box<dyn FrameSink + Send>,
    every: u64,
    seen: u64,
}

impl Every {
    /// To `sink`.
    ///
    /// # Panics
    ///
    /// When `every` is zero.
    pub fn new(every: u64, sink: Box<dyn FrameSink + Send>) -> Self {
        assert!(every > 0, "every 0th picture is no picture");
        Self { sink, every, seen: 0 }
    }
}

impl FrameSink for Every {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        self.sink.formats()
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        let wanted = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if wanted { self.sink.submit(frame) } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        self.sink.finish()
    }
}
