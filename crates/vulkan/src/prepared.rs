//! Commands that are recorded once, and run for each picture that comes in the same image.

use std::sync::Arc;

use zerohop_frame::Frame;

use crate::laps::Laps;
use crate::{Error, Image, Queue, Recording};

/// A recording for whichever picture is in its image. Only what the submission waits for is another each
/// time.
///
/// Dropping one waits for nothing: its command buffer goes back to the queue that it came from.
pub struct Prepared {
    recording: Recording,
    image: Arc<Image>,
}

impl Prepared {
    /// What `fill` records over pictures in `image`, which is open then.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], and those of `fill`.
    pub fn new<E: From<Error>>(
        queue: &Arc<Queue>,
        image: &Arc<Image>,
        fill: impl FnOnce(&mut Recording) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut recording = Recording::lasting(queue)?;
        recording.open(image);
        fill(&mut recording)?;
        recording.finish()?;
        Ok(Self { recording, image: Arc::clone(image) })
    }

    /// Whether it is for pictures in `image`.
    pub fn is_for(&self, image: &Arc<Image>) -> bool {
        Arc::ptr_eq(&self.image, image)
    }

    /// Whether nobody else has the image any more, so that no picture comes in it.
    pub fn is_forgotten(&self) -> bool {
        // One is ours, one the recording's.
        Arc::strong_count(&self.image) <= 2
    }

    /// Runs the commands for `frame`, and waits for the device. The frame is held until then.
    ///
    /// # Errors
    ///
    /// As [`Recording::read`] and [`Recording::submit_and_wait`]. It is of no more use then: what it
    /// submitted may still run.
    pub fn run(&mut self, frame: &Arc<Frame>) -> Result<(), Error> {
        self.recording.slot_mut().rewind()?;
        self.recording.hold(frame, &self.image)?;
        self.recording.run()?;
        self.recording.slot().laps.iter().for_each(Laps::peek);
        Ok(())
    }
}
