//! What goes wrong with a screen.

use std::io;
use std::path::PathBuf;

/// Why a screen cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A card cannot be opened.
    #[error("could not open {}", path.display())]
    Open {
        /// Its device file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no card with a screen that could be used.
    #[error("no screen: {0}")]
    NoScreen(String),
    /// The user asked for something that is not there.
    #[error("{0}")]
    NotThere(String),
    /// Somebody else drives the card.
    #[error("{} is driven by {by}", path.display())]
    Master {
        /// Its device file.
        path: PathBuf,
        /// Who has it, as far as that can be known.
        by: String,
    },
    /// A flip is on its way; show the picture after it.
    #[error("the picture before is not on the screen yet")]
    Busy,
    /// The card does not show this buffer as it is.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The screen is not ours at the moment, or not there: it may come back.
    #[error("the screen cannot be used: {why}")]
    Lost {
        /// What happened, as far as that can be known.
        why: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A picture did not come on the screen for so long that it will not.
    #[error("a picture was not shown within {millis} ms")]
    Stuck {
        /// How long that was.
        millis: u128,
    },
    /// A call failed.
    #[error("could not {doing}")]
    Call {
        /// The work that it was part of.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// Why a card does not show a buffer as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub(crate) String);

/// Names the work that a call was part of.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| match source.raw_os_error() {
            // The numbers of `errno(3)` on every architecture that Linux runs on.
            Some(1 | 13) => Error::Lost { why: "another program drives the card", source },
            Some(19) => Error::Lost { why: "the card is gone", source },
            _ => Error::Call { doing, source },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_screen_is_told_from_a_failed_call() {
        let failed = |errno| Err::<(), _>(io::Error::from_raw_os_error(errno)).doing("flip");
        assert!(matches!(failed(13), Err(Error::Lost { .. })));
        assert!(matches!(failed(19), Err(Error::Lost { why: "the card is gone", .. })));
        assert_eq!(failed(22).unwrap_err().to_string(), "could not flip");
    }
}
