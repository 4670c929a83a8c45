//! Waiting for a descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Waits until `fd` polls readable, has ended or is broken. Returns `false` when `timeout` passed
/// first.
///
/// # Errors
///
/// Whatever `poll(2)` reports; `EINTR` is retried.
pub fn wait_readable(fd: impl AsFd, timeout: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + timeout;
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut fds, Some(&left)) {
            Ok(ready) => return Ok(ready == 1),
            Err(Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
    }
}

/// Waits until one of `fds` polls readable, has ended or is broken, `timeout` has passed, or a signal has
/// come: the caller looks what it was.
///
/// # Errors
///
/// Whatever else `poll(2)` reports.
pub fn wait_any(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
    let mut fds: Vec<_> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Socket;

    #[test]
    fn a_message_and_an_end_are_both_readable() {
        let (here, there) = Socket::pair().unwrap();
        assert!(!wait_readable(&here, Duration::from_millis(1)).unwrap());
        there.send(b"now", &[]).unwrap();
        assert!(wait_readable(&here, Duration::ZERO).unwrap());
        here.receive(&mut [0; 8]).unwrap();
        drop(there);
        assert!(wait_readable(&here, Duration::ZERO).unwrap());
    }
}
