//! The host's end.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use zerohop_kernel::Credentials;

use crate::{Error, Peer, Violation};

/// Where producers connect to. The path goes with it.
#[derive(Debug)]
pub struct Listener(zerohop_kernel::Listener);

impl Listener {
    /// Listens at `path`, in a folder that only this user can enter.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`]; see [`zerohop_kernel::Listener::bind`].
    pub fn bind(path: &Path) -> Result<Self, Error> {
        zerohop_kernel::Listener::bind(path)
            .map(Self)
            .map_err(|source| Error::Socket { path: path.to_owned(), source })
    }

    /// The next producer, or `None` when nobody waits. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`] for a peer of another user, which was told and is gone;
    /// [`Error::Io`] without a free descriptor: wait before the next try.
    pub fn accept(&self) -> Result<Option<Peer>, Error> {
        let io = |source| Error::Io { doing: "accept a producer", source };
        let Some(socket) = self.0.accept().map_err(io)? else { return Ok(None) };
        let peer = Peer::over(socket)?;
        let (theirs, ours) = (peer.credentials().uid, Credentials::ours().uid);
        if theirs != ours {
            return Err(peer.refuse(Violation::Stranger { theirs, ours }));
        }
        Ok(Some(peer))
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
