//! Nowhere.

use std::sync::Arc;

use zerohop_frame::{BoxError, Fourcc, Frame, FrameSink, Modifier};

/// Takes every picture as it is and gives it back at once: for runs that only measure.
#[derive(Debug, Default)]
pub struct Null;

impl FrameSink for Null {
    /// None: nothing needs to be converted for it.
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[]
    }

    fn submit(&mut self, _: Arc<Frame>) -> Result<(), BoxError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// As [`Null`], of pictures that are converted to NV12 before, as for an encoder.
#[derive(Debug, Default)]
pub struct NullNv12;

impl FrameSink for NullNv12 {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[(Fourcc::NV12, Modifier::LINEAR)]
    }

    fn submit(&mut self, _: Arc<Frame>) -> Result<(), BoxError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}
