//! A picture that came into CUDA.

use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{Array, Mapped, Picture, Pinned, Stream, Surface};
use zerohop_frame::{Fallback, Frame, SyncPoint};
use zerohop_gl::Current;
use zerohop_vulkan::Copies;

use crate::{Error, Way};

/// A picture in CUDA. Let the stream work with it, and keep this, and the picture's own frame, until
/// that is done.
#[must_use = "the picture is what it is for"]
pub struct Crossed<'a> {
    /// How it came.
    pub way: Way,
    /// Where it is.
    pub source: Source<'a>,
    /// When it is complete. CUDA must wait for it before it reads.
    pub ready: SyncPoint,
    /// What it cost.
    pub copies: Copies,
    /// How long CUDA's import took, if there was one just now.
    pub imported: Option<Duration>,
    /// What to report, once for each way that is worse than the best.
    pub fallback: Option<Fallback>,
    /// The copy's frame, where there is one.
    pub(crate) _copy: Option<Arc<Frame>>,
}

/// Where a picture is for CUDA.
pub enum Source<'a> {
    /// An array or rows in imported memory.
    Picture(Arc<Picture>),
    /// A texture, as long as it is mapped. Ends before its context does (field order).
    Texture(Mapped, Current<'a>),
    /// Memory of this process.
    Host(Arc<Pinned>),
}

impl Crossed<'_> {
    /// Copies the picture, rows without padding, after what `stream` did before.
    ///
    /// # Errors
    ///
    /// [`Error::Cuda`].
    pub fn copy<S: Surface + 'static>(&self, stream: &Stream, to: &Arc<S>) -> Result<(), Error> {
        match &self.source {
            Source::Picture(picture) => stream.copy(picture, to)?,
            Source::Texture(mapped, _) => mapped.copy(to)?,
            Source::Host(pinned) => stream.copy(pinned, to)?,
        }
        Ok(())
    }

    /// The array of the application's own image, which an encoder takes as it is.
    pub fn array(&self) -> Option<&Array> {
        match &self.source {
            Source::Picture(picture) => picture.array(),
            _ => None,
        }
    }
}
