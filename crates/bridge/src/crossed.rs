//! A picture that came into CUDA.

use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{Array, Mapped, Picture, Pinned, Place, Stream, Surface};
use zerohop_frame::{
    Fallback, Frame, FrameDescriptor, MAX_PLANES, Modifier, PlaneLayout, SyncPoint,
};
use zerohop_gl::Current;
use zerohop_vulkan::{Copies, Image, Plane};

use crate::{Error, Near, Way};

/// A picture in CUDA. Let the stream work with it, and keep this, and the picture's own frame, until
/// that is done.
#[must_use = "the picture is what it is for"]
pub struct Crossed<'a> {
    /// How it came.
    pub way: Way,
    /// Where it is.
    pub source: Source<'a>,
    /// What [`copy`](Self::copy) makes: rows without padding where the picture has one plane, and all
    /// planes one after the other where it has several.
    pub shape: FrameDescriptor,
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
    /// A memfd, locked, which the device reads across the bus; and what it comes through where it is to
    /// be in other memory of the process.
    Locked(Arc<Picture>, &'a Near),
    /// A texture, as long as it is mapped. Ends before its context does (field order).
    Texture(Mapped, Current<'a>),
    /// Memory of this process.
    Host(Arc<Pinned>),
}

/// The shape of a copy of a picture that has `image` in Vulkan, from memory that `of` describes: of
/// several planes, these lie as they do there, from the first one on.
pub(crate) fn copied(of: &FrameDescriptor, image: &Image) -> FrameDescriptor {
    let start = of.planes[0].offset;
    let alone = image.planes().len() == 1;
    let planes = if alone { packed(image) } else { of.planes.clone() };
    let place = |plane: PlaneLayout| PlaneLayout {
        object: 0,
        offset: if alone { 0 } else { plane.offset.saturating_sub(start) },
        stride: plane.stride,
    };
    let planes = planes.into_iter().map(place).collect();
    FrameDescriptor { modifier: Modifier::LINEAR, planes, ..of.clone() }
}

/// The planes one after the other, without padding.
pub(crate) fn packed(image: &Image) -> arrayvec::ArrayVec<PlaneLayout, MAX_PLANES> {
    let mut offset = 0;
    let place = |plane: &Plane| {
        let stride = u32::try_from(plane.row_bytes()).unwrap_or(u32::MAX);
        let layout = PlaneLayout { object: 0, offset, stride };
        offset += stride * plane.extent().height;
        layout
    };
    image.planes().iter().map(place).collect()
}

impl Crossed<'_> {
    /// Bytes of a row of what [`copy`](Self::copy) makes, and how many rows there are: one, where the
    /// picture has several planes.
    pub fn size(&self) -> (usize, usize) {
        match &self.source {
            Source::Picture(picture) | Source::Locked(picture, _) => {
                (picture.row_bytes(), picture.rows())
            }
            Source::Host(pinned) => (pinned.row_bytes(), pinned.rows()),
            Source::Texture(..) => {
                (self.shape.planes[0].stride as usize, self.shape.extent.height as usize)
            }
        }
    }

    /// Copies the picture to what has its [`size`](Self::size), after what `stream` did before.
    ///
    /// # Errors
    ///
    /// [`Error::Cuda`].
    pub fn copy<S: Surface + 'static>(&self, stream: &Stream, to: &Arc<S>) -> Result<(), Error> {
        match &self.source {
            Source::Picture(picture) => stream.copy(picture, to)?,
            Source::Locked(picture, near) if matches!(to.place(), Place::Host { .. }) => {
                let near = near.take((picture.row_bytes(), picture.rows()))?;
                stream.copy(picture, &near)?;
                stream.copy(&near, to)?;
            }
            Source::Locked(picture, _) => stream.copy(picture, to)?,
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
