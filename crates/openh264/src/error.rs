//! What OpenH264 refuses.

use zerohop_frame::Extent;

/// Why there is no encoder, or no packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The size is none of those that it takes.
    #[error(
        "OpenH264 takes even sizes from 16x16 to 3840x2160, not {}x{}",
        .0.width, .0.height
    )]
    Size(Extent),
    /// A call failed.
    #[error("could not {doing}: OpenH264 says {code}")]
    Call {
        /// What it was part of.
        doing: &'static str,
        /// `CM_RETURN` of `codec_api.h`, 1 to 5.
        code: i32,
    },
    /// A plane ends within the picture.
    #[error("plane {plane} has {length} bytes, {needed} are needed")]
    Plane {
        /// Which one.
        plane: usize,
        /// Its bytes.
        length: usize,
        /// Those up to its last pixel.
        needed: usize,
    },
    /// It made no packet of a picture.
    #[error("OpenH264 made nothing of the picture")]
    Nothing,
}
