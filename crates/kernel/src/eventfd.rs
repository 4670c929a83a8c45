//! A doorbell that `poll` hears.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// Polls readable from [`ring`](Self::ring) to [`clear`](Self::clear). Rings from any thread.
///
/// # References
///
/// `eventfd(2)`.
#[derive(Debug)]
pub struct Eventfd(OwnedFd);

impl Eventfd {
    /// A silent one.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` without a free descriptor.
    pub fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes it readable. Never blocks, and ringing twice is ringing once.
    pub fn ring(&self) {
        // The one failure is `EAGAIN` from a counter at its limit, which is readable already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Makes it silent. Returns whether it was readable.
    pub fn clear(&self) -> bool {
        rustix::io::read(&self.0, &mut [0; 8]).is_ok()
    }
}

impl AsFd for Eventfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rings_are_heard_once() {
        let bell = Eventfd::new().unwrap();
        assert!(!bell.clear());
        bell.ring();
        bell.ring();
        assert!(bell.clear());
        assert!(!bell.clear());
    }
}
