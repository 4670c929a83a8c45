//! The host's end.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use arrayvec::ArrayVec;
use zerohop_frame::DeviceId;
use zerohop_kernel::Credentials;

use crate::{Error, HostDisplay, MAX_DEVICES, Peer, Violation};

/// Where producers connect to. The path goes with it.
#[derive(Debug)]
pub struct Listener {
    socket: zerohop_kernel::Listener,
    display: Option<HostDisplay>,
    devices: ArrayVec<DeviceId, MAX_DEVICES>,
}

impl Listener {
    /// Listens at `path`, in a folder that only this user can enter.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`]; see [`zerohop_kernel::Listener::bind`].
    pub fn bind(path: &Path) -> Result<Self, Error> {
        zerohop_kernel::Listener::bind(path)
            .map(|socket| Self { socket, display: None, devices: ArrayVec::new() })
            .map_err(|source| Error::Socket { path: path.to_owned(), source })
    }

    /// Tells the producers that come from now on of `display`: its numbers are within the limits.
    #[must_use]
    pub fn showing_on(self, display: HostDisplay) -> Self {
        Self { display: Some(display), ..self }
    }

    /// Tells the producers that come from now on that timelines of these devices, the first
    /// [`MAX_DEVICES`] of them, are waited for on the device.
    #[must_use]
    pub fn taking_timelines_of(self, devices: impl IntoIterator<Item = DeviceId>) -> Self {
        Self { devices: devices.into_iter().take(MAX_DEVICES).collect(), ..self }
    }

    /// The next producer, or `None` when nobody waits. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`] for a peer of another user, which was told and is gone;
    /// [`Error::Io`] without a free descriptor: wait before the next try.
    pub fn accept(&self) -> Result<Option<Peer>, Error> {
        let io = |source| Error::Io { doing: "accept a producer", source };
        let Some(socket) = self.socket.accept().map_err(io)? else { return Ok(None) };
        let peer = Peer::new(socket, self.display.clone(), self.devices.clone())?;
        let (theirs, ours) = (peer.credentials().uid, Credentials::ours().uid);
        if theirs != ours {
            return Err(peer.refuse(Violation::Stranger { theirs, ours }));
        }
        Ok(Some(peer))
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        self.socket.path()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
