//! Why a connection does not do what was asked.

use std::io;
use std::path::PathBuf;

use crate::Violation;

/// What can go wrong at either end. After anything but [`Full`](Self::Full) and
/// [`Invalid`](Self::Invalid) the connection is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody can be reached, or nobody may listen, at the path.
    #[error("no connection at {}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The peer reads slower than we send, or we send faster than it allows. Nothing was sent.
    #[error("the peer has no room for a message")]
    Full,
    /// What was to be sent breaks a rule. Nothing was sent.
    #[error("the message is invalid")]
    Invalid(#[source] Violation),
    /// The peer is gone.
    #[error("the peer is gone")]
    Closed,
    /// The host ended the connection.
    #[error("the host refused: {0}")]
    Refused(String),
    /// The peer broke a rule. It was told, and the connection is closed.
    #[error("the peer broke the protocol")]
    Violation(#[source] Violation),
    /// The system did not do its part.
    #[error("{doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// What an error of a socket means to its connection.
    pub(crate) fn of_socket(doing: &'static str, source: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, InvalidData, NotConnected, WouldBlock};
        match source.kind() {
            WouldBlock => Self::Full,
            BrokenPipe | ConnectionReset | NotConnected => Self::Closed,
            InvalidData => Self::Violation(Violation::Truncated(source.to_string())),
            _ => Self::Io { doing, source },
        }
    }
}
