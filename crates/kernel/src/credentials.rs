//! Who is at the other end of a local socket.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Who is at the other end, from when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id, in our pid namespace; 0 when it has none there.
    pub pid: u32,
    /// Effective user id.
    pub uid: u32,
}

impl Credentials {
    /// This process's own.
    pub fn ours() -> Self {
        Self { pid: std::process::id(), uid: rustix::process::geteuid().as_raw() }
    }

    /// `SO_PEERCRED`, by hand: rustix's `UCred` cannot hold pid 0, which a peer in another pid
    /// namespace has.
    pub(crate) fn of_peer(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut length = libc::socklen_t::try_from(size_of_val(&found)).unwrap_or_default();
        // SAFETY: the kernel writes at most `length` bytes of `found`, whose size it is, and `length`,
        // and only during the call.
        let status = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                (&raw mut found).cast(),
                &raw mut length,
            )
        };
        if status != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { pid: u32::try_from(found.pid).unwrap_or_default(), uid: found.uid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Socket;

    #[test]
    fn the_peer_is_known() {
        let (a, _b) = Socket::pair().unwrap();
        assert_eq!(a.peer().unwrap(), Credentials::ours());
    }
}
