//! A graphics card that can drive screens.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{OFlags, minor};
use rustix::io::Errno;

use crate::Error;

/// An open card. It is not ours to drive before [`become_master`](Self::become_master).
#[derive(Debug)]
pub struct Card {
    fd: OwnedFd,
    path: PathBuf,
    driver: String,
    /// How many framebuffers use each handle: the kernel gives the same one for the same memory.
    handles: Mutex<HashMap<u32, u32>>,
}

impl Card {
    /// All cards of this machine, in the order of their numbers. Some have no screen.
    pub fn list() -> Vec<PathBuf> {
        let entries = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
        let mut cards: Vec<(u32, PathBuf)> = entries
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.strip_prefix("card")?.parse().ok()?;
                Some((number, entry.path()))
            })
            .collect();
        cards.sort();
        cards.into_iter().map(|(_, path)| path).collect()
    }

    /// Opens `path`, as in `/dev/dri/card0`, to look at it: whoever drives it goes on.
    ///
    /// # Errors
    ///
    /// [`Error::Open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut options = File::options();
        options.read(true).write(true).custom_flags(flags.bits().cast_signed());
        let fd = OwnedFd::from(options.open(path).map_err(failed)?);
        // The first to open a card drives it. Fails where somebody else does, and that is well.
        let _ = drm_ffi::auth::release_master(fd.as_fd());
        let mut name = Vec::new();
        let asked = drm_ffi::get_version(fd.as_fd(), Some(&mut name), None, None);
        asked.map_err(|err| failed(no_card(err)))?;
        let name: Vec<u8> = name.into_iter().map(|byte| byte as u8).collect();
        let driver = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        Ok(Self { fd, path: path.to_owned(), driver, handles: Mutex::default() })
    }

    /// The card behind an open descriptor, which somebody handed to us.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of its driver, as in `vkms`.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Makes it ours to drive, until it is closed.
    ///
    /// # Errors
    ///
    /// [`Error::Master`] when somebody else has it.
    ///
    /// # References
    ///
    /// `drm_setmaster_ioctl` in `drivers/gpu/drm/drm_auth.c`: nothing changes for who has it;
    /// `EBUSY` when another has; `EACCES` for a user who did not find it free at opening.
    pub fn become_master(&self) -> Result<(), Error> {
        drm_ffi::auth::acquire_master(self.as_fd())
            .map_err(|_| Error::Master { path: self.path.clone(), by: self.master() })
    }

    /// Who drives it: root can know.
    fn master(&self) -> String {
        let number = fs::metadata(&self.path).map(|file| minor(file.rdev())).unwrap_or_default();
        let clients = fs::read_to_string(format!("/sys/kernel/debug/dri/{number}/clients"));
        let named = clients.ok().and_then(|clients| master_in(&clients));
        named.unwrap_or_else(|| "another program, such as a display server".to_owned())
    }

    /// Whether it was unplugged: nothing is answered then.
    pub(crate) fn is_gone(&self) -> bool {
        let asked = drm_ffi::get_version(self.as_fd(), None, None, None);
        asked.is_err_and(|err| err.raw_os_error() == Some(19))
    }

    /// A capability; 0 for one that the driver does not know.
    pub(crate) fn capability(&self, capability: u32) -> u64 {
        drm_ffi::get_capability(self.as_fd(), capability.into()).map_or(0, |found| found.value)
    }

    /// Asks for an interface. Returns whether the driver has it.
    pub(crate) fn enable(&self, capability: u32) -> bool {
        drm_ffi::set_capability(self.as_fd(), capability.into(), true).is_ok()
    }

    /// The handles in use.
    pub(crate) fn handles(&self) -> MutexGuard<'_, HashMap<u32, u32>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The master in `/sys/kernel/debug/dri/N/clients`: columns command, tgid, dev, master, …
fn master_in(clients: &str) -> Option<String> {
    clients.lines().find_map(|line| {
        // A command may hold spaces: the columns are counted from the end.
        let fields: Vec<_> = line.split_whitespace().collect();
        let at = fields.iter().rposition(|field| *field == "y" || *field == "n")?;
        // `a`, authenticated, comes right after `master`.
        let master = at.checked_sub(1).filter(|before| fields[*before] == "y")?;
        let pid = master.checked_sub(2).filter(|pid| *pid > 0)?;
        Some(format!("{} (process {})", fields[..pid].join(" "), fields[pid]))
    })
}

/// What a file without such a call answers, in words.
fn no_card(err: io::Error) -> io::Error {
    if err.raw_os_error() == Some(Errno::NOTTY.raw_os_error()) {
        return io::Error::new(err.kind(), "it is no graphics card");
    }
    err
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_master_is_named() {
        let clients = "             command  tgid dev master a   uid      magic\n\
                       gnome shell  812   0   y    y   1000          0\n\
                       probe  900   0   n    y     0          1\n";
        assert_eq!(master_in(clients).as_deref(), Some("gnome shell (process 812)"));
        assert_eq!(master_in("command tgid dev master a uid magic\nx 1 0 n n 0 0\n"), None);
    }

    #[test]
    fn what_is_no_card_is_an_error() {
        let err = Card::open(Path::new("/dev/null")).unwrap_err();
        let cause = std::error::Error::source(&err).map(ToString::to_string).unwrap_or_default();
        assert_eq!(format!("{err}: {cause}"), "could not open /dev/null: it is no graphics card");
    }
}
