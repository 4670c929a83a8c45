//! A local socket that carries messages whole, with descriptors.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags,
    SocketType, connect, recvmsg, sendmsg, shutdown, socket_with, socketpair, sockopt,
};

use crate::Credentials;

/// The most descriptors in one message.
pub const MAX_FDS: usize = 16;

/// A connected, non-blocking `AF_UNIX` socket of type `SOCK_SEQPACKET`: a message arrives whole,
/// in order, or not at all.
///
/// # References
///
/// `unix(7)`: `SOCK_SEQPACKET`, `SCM_RIGHTS`, `SO_PEERCRED`.
#[derive(Debug)]
pub struct Socket(OwnedFd);

/// One message.
#[derive(Debug)]
pub struct Received {
    /// Bytes. 0 when the peer has closed.
    pub length: usize,
    /// Its descriptors, closed on exec.
    pub fds: Vec<OwnedFd>,
}

/// What every socket of ours is made with.
const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

impl Socket {
    /// Connects to the listener at `path`. Never blocks.
    ///
    /// # Errors
    ///
    /// `NotFound` or `ConnectionRefused` when nobody listens, `WouldBlock` when too many wait to
    /// be accepted, `InvalidInput` for a path of more than 107 bytes.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let socket = Self::unbound()?;
        connect(&socket, &address)?;
        Ok(Self(socket))
    }

    /// Two that are connected to each other.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` without free descriptors.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?;
        Ok((Self(a), Self(b)))
    }

    pub(crate) fn unbound() -> io::Result<OwnedFd> {
        Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?)
    }

    /// Who is at the other end.
    ///
    /// # Errors
    ///
    /// Whatever `getsockopt(2)` reports.
    pub fn peer(&self) -> io::Result<Credentials> {
        Credentials::of_peer(self.0.as_fd())
    }

    /// Sends `bytes` and duplicates of `fds` as one message. Never blocks, raises no `SIGPIPE`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the peer does not read; nothing is sent then. `BrokenPipe` or
    /// `ConnectionReset` when it is gone.
    pub fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        if fds.len() > MAX_FDS {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        loop {
            match sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// Takes the next message into `bytes`. Never blocks, and keeps no descriptor of a message
    /// that it refuses.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none; `InvalidData` for one that is longer than `bytes` or has
    /// descriptors that did not arrive (more than [`MAX_FDS`], or this process has none free).
    pub fn receive(&self, bytes: &mut [u8]) -> io::Result<Received> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let message = loop {
            match recvmsg(&self.0, &mut [IoSliceMut::new(bytes)], &mut control, flags) {
                // The kernel says once that a peer went without reading all. What the peer sent
                // before is still there, and then the end.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                other => break other?,
            }
        };
        // Each descriptor is owned from here on, so no way out of this function leaks one.
        let fds: Vec<OwnedFd> = control.drain().flat_map(owned).collect();
        if message.flags.contains(ReturnFlags::TRUNC) {
            let most = bytes.len();
            return Err(invalid(format!("the message is longer than {most} bytes")));
        }
        if message.flags.contains(ReturnFlags::CTRUNC) || fds.len() > MAX_FDS {
            let count = fds.len();
            return Err(invalid(format!(
                "not all descriptors of the message arrived, {count} did, {MAX_FDS} may"
            )));
        }
        Ok(Received { length: message.bytes, fds })
    }

    /// Whether neither side has ended the connection, not even for one direction. What the peer
    /// did before it ended it happened before this says no.
    pub fn is_connected(&self) -> bool {
        let mut fds = [PollFd::new(&self.0, PollFlags::RDHUP)];
        loop {
            match poll(&mut fds, Some(&Timespec::default())) {
                Ok(ready) => return ready == 0,
                Err(Errno::INTR) => {}
                // `ENOMEM`: nobody knows, and a wrong yes is worse.
                Err(_) => return false,
            }
        }
    }

    /// Gives what waits to be read more room than sockets have by default, for one last message.
    pub fn make_room(&self) {
        // The kernel takes as much as it allows, twice the default unless somebody changed that.
        let _ = sockopt::set_socket_send_buffer_size(&self.0, i32::MAX as usize / 2);
    }

    /// Ends the connection for both sides, also where the socket is shared. What was sent can
    /// still be read.
    pub fn shut_down(&self) {
        // `ENOTCONN`, the one failure, says that it has ended already.
        let _ = shutdown(&self.0, Shutdown::Both);
    }
}

impl From<OwnedFd> for Socket {
    /// Takes a socket that is connected, non-blocking and of type `SOCK_SEQPACKET`.
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn owned(message: RecvAncillaryMessage<'_>) -> Vec<OwnedFd> {
    match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
        _ => Vec::new(),
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_fds() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    fn null() -> OwnedFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn a_message_arrives_whole_with_its_descriptors() {
        let (a, b) = Socket::pair().unwrap();
        let fd = null();
        a.send(b"one", &[fd.as_fd(), fd.as_fd()]).unwrap();
        a.send(b"second", &[]).unwrap();
        let mut bytes = [0; 8];
        let one = b.receive(&mut bytes).unwrap();
        assert_eq!((one.length, one.fds.len(), &bytes[..3]), (3, 2, &b"one"[..]));
        let two = b.receive(&mut bytes).unwrap();
        assert_eq!((two.length, two.fds.len()), (6, 0));
        assert_eq!(b.receive(&mut bytes).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(a);
        assert_eq!(b.receive(&mut bytes).unwrap().length, 0);
        assert!(matches!(
            b.send(b"x", &[]).unwrap_err().kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        ));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaks_nothing() {
        let (a, b) = Socket::pair().unwrap();
        let fd = null();
        let mut bytes = [0; 4];
        a.send(b"five!", &[fd.as_fd()]).unwrap();
        let many: Vec<_> = (0..100).map(|_| fd.as_fd()).collect();
        send_many(&a, &many);
        // Other tests of this process open descriptors too; a leak of ours would stay.
        let before = open_fds();
        let long = b.receive(&mut bytes).unwrap_err();
        assert_eq!(long.to_string(), "the message is longer than 4 bytes");
        let crowded = b.receive(&mut bytes).unwrap_err();
        assert!(crowded.to_string().ends_with("16 may"), "{crowded}");
        let settled = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            open_fds() <= before
        });
        assert!(settled, "{} descriptors are open, there were {before}", open_fds());
    }

    /// What a stranger's program may do, and `Socket::send` does not.
    fn send_many(socket: &Socket, fds: &[BorrowedFd<'_>]) {
        let mut space = vec![MaybeUninit::uninit(); 4096];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
        sendmsg(socket, &[IoSlice::new(b"x")], &mut control, SendFlags::NOSIGNAL).unwrap();
    }

    #[test]
    fn too_many_descriptors_are_not_sent() {
        let (a, _b) = Socket::pair().unwrap();
        let fd = null();
        let err = a.send(b"x", &[fd.as_fd(); MAX_FDS + 1]).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn an_end_is_seen_past_unread_messages() {
        let (a, b) = Socket::pair().unwrap();
        a.send(b"unread", &[]).unwrap();
        assert!(a.is_connected() && b.is_connected());
        a.shut_down();
        assert!(!a.is_connected() && !b.is_connected());
        let (a, b) = Socket::pair().unwrap();
        drop(b);
        assert!(!a.is_connected());
    }

    #[test]
    fn a_full_socket_does_not_block() {
        let (a, b) = Socket::pair().unwrap();
        let sent = std::iter::from_fn(|| a.send(&[0; 512], &[]).ok()).count();
        assert!(sent > 10, "{sent}");
        assert_eq!(a.send(&[0; 512], &[]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        a.make_room();
        a.send(b"last words", &[]).unwrap();
        a.shut_down();
        let heard = std::iter::from_fn(|| b.receive(&mut [0; 512]).ok().map(|one| one.length));
        let heard: Vec<_> = heard.take_while(|length| *length > 0).collect();
        assert_eq!((heard.len(), heard.last()), (sent + 1, Some(&10)));
    }

    #[test]
    fn there_is_room_again_once_the_peer_reads() {
        let (a, b) = Socket::pair().unwrap();
        while a.send(&[0; 512], &[]).is_ok() {}
        b.receive(&mut [0; 512]).unwrap();
        a.send(&[0; 512], &[]).unwrap();
    }

    #[test]
    fn a_peer_that_goes_without_reading_is_heard_to_its_end() {
        let (a, b) = Socket::pair().unwrap();
        b.send(b"unread", &[]).unwrap();
        a.send(b"last words", &[]).unwrap();
        drop(a);
        assert_eq!(b.receive(&mut [0; 16]).unwrap().length, 10);
        assert_eq!(b.receive(&mut [0; 16]).unwrap().length, 0);
    }
}
