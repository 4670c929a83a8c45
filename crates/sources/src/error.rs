//! Why a source cannot be opened.

use std::io;

/// What can go wrong before the first picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The socket cannot be listened at.
    #[error("cannot listen for producers")]
    Listen(#[source] zerohop_wire::Error),
    /// The system did not do its part.
    #[error("{doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The pattern cannot be drawn.
    #[error("a pattern of {width}x{height} at {rate} pictures a second cannot be drawn")]
    Pattern {
        /// Columns asked for.
        width: u32,
        /// Rows asked for.
        height: u32,
        /// Pictures a second asked for.
        rate: u32,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
