//! Calls that a signal interrupts.

use std::io::{self, ErrorKind};

/// How often a call is made again. Signals do not come that fast; a driver that always says `EAGAIN`
/// must not hang us.
const PATIENCE: usize = 1000;

/// Makes `call` again for as long as it was only interrupted, as `drmIoctl` of libdrm does: the
/// application that we drive a screen for has signals of its own.
pub(crate) fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut last = call();
    for _ in 0..PATIENCE {
        match last {
            Err(err) if matches!(err.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {
                last = call();
            }
            done => return done,
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_made_again_and_a_failed_one_is_not() {
        let mut answers = vec![Ok(7), Err(ErrorKind::WouldBlock), Err(ErrorKind::Interrupted)];
        assert_eq!(again(|| answers.pop().unwrap().map_err(io::Error::from)).unwrap(), 7);
        let mut calls = 0;
        let refused = again(|| -> io::Result<()> {
            calls += 1;
            Err(ErrorKind::PermissionDenied.into())
        });
        assert_eq!((refused.unwrap_err().kind(), calls), (ErrorKind::PermissionDenied, 1));
        assert!(again(|| -> io::Result<()> { Err(ErrorKind::WouldBlock.into()) }).is_err());
    }
}
