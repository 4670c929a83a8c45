//! A local socket that waits for peers, for one user only.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, Stat, chmod, lstat, mkdir, stat, unlink};
use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, SocketFlags, accept_with, bind, listen};
use rustix::process::geteuid;

use crate::Socket;

/// How many may wait to be accepted.
const BACKLOG: i32 = 128;

/// A non-blocking listener at a path that no other user can reach. The path goes with it.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    path: PathBuf,
    /// Device and inode of the path, so that another's socket is not removed in our place.
    file: (u64, u64),
}

impl Listener {
    /// Listens at `path` with mode 0600. Makes its folder with mode 0700 when it is not there, and
    /// takes the place of a socket that nobody listens at any more.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the folder is another user's or others may enter it, `AddrInUse`
    /// when somebody listens there, `InvalidInput` for a path of more than 107 bytes.
    ///
    /// # References
    ///
    /// `unix(7)`, "Pathname socket ownership and permissions".
    pub fn bind(path: &Path) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        private_folder(path)?;
        remove_stale(path)?;
        let socket = Socket::unbound()?;
        // Until the mode is set it is the folder that keeps others out.
        bind(&socket, &address)?;
        let listener = Self { socket, path: path.to_owned(), file: identity(&lstat(path)?) };
        chmod(path, Mode::RUSR | Mode::WUSR)?;
        listen(&listener.socket, BACKLOG)?;
        Ok(listener)
    }

    /// The next peer, or `None` when nobody waits. Never blocks.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` without a free descriptor; the peer waits on, and `poll` goes on to
    /// say that somebody does.
    pub fn accept(&self) -> io::Result<Option<Socket>> {
        loop {
            match accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(socket) => return Ok(Some(Socket::from(socket))),
                Err(Errno::AGAIN) => return Ok(None),
                // A peer that went before it was accepted is no peer.
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if lstat(&self.path).is_ok_and(|now| identity(&now) == self.file) {
            let _ = unlink(&self.path);
        }
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// Makes sure that only this user enters the folder of `path`.
fn private_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match mkdir(folder, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(err) => return Err(err.into()),
    }
    let found = stat(folder)?;
    let (owner, ours) = (found.st_uid, geteuid().as_raw());
    let mode = found.st_mode & 0o777;
    if owner == ours && mode & 0o077 == 0 {
        return Ok(());
    }
    let folder = folder.display();
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{folder} has owner {owner} and mode {mode:o}, not owner {ours} and mode 700"),
    ))
}

/// Removes a socket that a dead process left at `path`, and nothing else.
fn remove_stale(path: &Path) -> io::Result<()> {
    match Socket::connect(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(err) if err.kind() == io::ErrorKind::ConnectionRefused && is_socket(path) => {
            Ok(unlink(path)?)
        }
        Ok(_) | Err(_) => Err(Errno::ADDRINUSE.into()),
    }
}

fn is_socket(path: &Path) -> bool {
    lstat(path).is_ok_and(|found| {
        rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Socket
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_socket_and_its_folder_are_private_and_go_away() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("private/socket");
        let listener = Listener::bind(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(listener.accept().unwrap().is_none());
        let ours = Socket::connect(&path).unwrap();
        let theirs = listener.accept().unwrap().unwrap();
        theirs.send(b"hi", &[]).unwrap();
        assert_eq!(ours.receive(&mut [0; 8]).unwrap().length, 2);
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let err = Listener::bind(&root.path().join("socket")).unwrap_err();
        assert!(err.to_string().contains("mode 755, not owner"), "{err}");
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("private/socket");
        let dead = Listener::bind(&path).unwrap();
        let err = Listener::bind(&path).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::AddrInUse);
        // A killed process leaves the path behind.
        let aside = root.path().join("private/aside");
        fs::rename(&path, &aside).unwrap();
        drop(dead);
        fs::rename(&aside, &path).unwrap();
        Listener::bind(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let path = root.path().join("socket");
        fs::write(&path, "precious").unwrap();
        assert_eq!(Listener::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
