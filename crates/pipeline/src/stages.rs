//! What happens to a picture between source and sink.

use std::sync::Arc;

use zerohop_frame::{BoxError, Frame, FrameDescriptor, Kept};

/// What happens to a picture between source and sink.
pub trait Stages {
    /// The pictures changed shape: drop what was built for the old one.
    ///
    /// # Errors
    ///
    /// The device cannot take the new shape.
    fn reshape(&mut self, descriptor: &FrameDescriptor) -> Result<(), BoxError>;

    /// The picture to hand on, or `None` when it is not worth it. What comes out may be the same
    /// frame, or one from the stage's own pool; either goes home by itself.
    ///
    /// # Errors
    ///
    /// The picture is lost, the next one may work.
    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError>;

    /// Pictures that equal the one before were kept where they were made, and do not come.
    fn kept(&mut self, kept: &Kept) {
        let _ = kept;
    }

    /// No picture follows.
    ///
    /// # Errors
    ///
    /// What the stages wrote on the side may be incomplete.
    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Hands on every picture as it is.
#[derive(Debug, Default)]
pub struct Straight;

impl Stages for Straight {
    fn reshape(&mut self, _: &FrameDescriptor) -> Result<(), BoxError> {
        Ok(())
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        Ok(Some(frame))
    }
}
