//! What can go wrong on the way out.

use std::io;
use std::path::PathBuf;

use zerohop_frame::BoxError;

/// Why a sink failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The output cannot be opened.
    #[error("could not create {}", .path.display())]
    Create {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output takes no more.
    #[error("could not write to {} after {written} bytes", .path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// How much of it is complete.
        written: u64,
        /// Why.
        source: io::Error,
    },
    /// A picture that the sink cannot read.
    #[error("no {fourcc} picture in plain memory")]
    Format {
        /// Its format.
        fourcc: zerohop_frame::Fourcc,
    },
    /// A picture that cannot be used.
    #[error("could not read picture {sequence}")]
    Unreadable {
        /// Which one.
        sequence: u64,
        /// Why.
        source: BoxError,
    },
    /// A stream starts with a packet that no decoder can start with.
    #[error("picture {sequence} starts the stream without parameter sets")]
    NoStart {
        /// Which one.
        sequence: u64,
    },
    /// The encoder failed.
    #[error("could not encode picture {sequence}")]
    Encode {
        /// Which one.
        sequence: u64,
        /// Why.
        source: zerohop_encode::Error,
    },
    /// What takes the packets failed.
    #[error(transparent)]
    Out(BoxError),
    /// A picture came after the end.
    #[error("picture {sequence} came after the end of the recording")]
    Ended {
        /// Which one.
        sequence: u64,
    },
    /// A screen shows nothing any more.
    #[error("the screen failed at {failures} pictures in a row")]
    Screen {
        /// How many.
        failures: u32,
        /// The last reason.
        source: zerohop_kms::Error,
    },
    /// A thread cannot be started.
    #[error("could not start the {name} thread")]
    Thread {
        /// Its name.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A thread broke off.
    #[error("the {name} thread panicked")]
    Panicked {
        /// Its name.
        name: &'static str,
    },
}
