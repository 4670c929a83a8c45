//! Errors for people.

use std::error::Error;
use std::iter::successors;

/// An error with its causes, in one line: each is what the one before says nothing of.
pub fn with_causes(err: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(err), |&err| err.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not open the file")]
    struct Open(#[source] io::Error);

    #[test]
    fn each_cause_is_said_once_and_in_order() {
        let err = Open(io::Error::other("the disk is gone"));
        assert_eq!(with_causes(&err), "could not open the file: the disk is gone");
        assert_eq!(with_causes(&io::Error::other("alone")), "alone");
    }
}
