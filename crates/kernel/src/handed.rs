//! Descriptors for drivers that take them over.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};

/// `KCMP_FILE` (`linux/kcmp.h`).
const FILE: libc::c_int = 0;

/// A duplicate of a descriptor, for a call that takes it over when it succeeds.
///
/// When it fails the duplicate is still the caller's, by the letter. NVIDIA's driver 580 keeps to that
/// where it refuses a semaphore (`cuImportExternalSemaphore`, binary and timeline), but closes it all the
/// same where it refuses memory (`cuImportExternalMemory`), and its number may be another thread's by
/// then. So it is closed here only where its number still stands for the very file that was
/// duplicated, and else left to the driver.
#[derive(Debug)]
pub struct Handed<'a> {
    original: BorrowedFd<'a>,
    duplicate: Option<RawFd>,
}

impl<'a> Handed<'a> {
    /// Duplicates `original`.
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn new(original: BorrowedFd<'a>) -> io::Result<Self> {
        let duplicate = original.try_clone_to_owned()?.into_raw_fd();
        Ok(Self { original, duplicate: Some(duplicate) })
    }

    /// What the driver gets.
    pub fn raw(&self) -> RawFd {
        self.duplicate.unwrap_or(-1)
    }

    /// The call succeeded: it is the driver's.
    pub fn taken(mut self) {
        self.duplicate = None;
    }
}

impl Drop for Handed<'_> {
    fn drop(&mut self) {
        let Some(raw) = self.duplicate.filter(|raw| is_same(self.original, *raw)) else { return };
        // SAFETY: the number stands for the file that `new` duplicated, and nobody else was given it.
        drop(unsafe { OwnedFd::from_raw_fd(raw) });
    }
}

/// Whether `raw` is open and the same open file as `fd`. `false` where the kernel does not say.
///
/// # References
///
/// `kcmp(2)`: 0 for two descriptors of one open file description.
fn is_same(fd: BorrowedFd<'_>, raw: RawFd) -> bool {
    // SAFETY: has no conditions.
    let process = unsafe { libc::getpid() };
    // SAFETY: compares two numbers of this process, and touches nothing.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, process, process, FILE, fd.as_raw_fd(), raw) };
    order == 0
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::Eventfd;

    /// Whether a number stands for anything.
    fn is_open(raw: RawFd) -> bool {
        // SAFETY: asks for the flags of a descriptor, whatever it is.
        unsafe { libc::fcntl(raw, libc::F_GETFD) >= 0 }
    }

    #[test]
    fn it_is_closed_once_and_only_while_it_is_what_it_was() {
        let eventfd = Eventfd::new().unwrap();
        if !is_same(eventfd.as_fd(), eventfd.as_fd().as_raw_fd()) {
            // A sandbox without kcmp(2): nothing is closed then.
            let refused = Handed::new(eventfd.as_fd()).unwrap();
            let raw = refused.raw();
            drop(refused);
            assert!(is_open(raw));
            return;
        }
        let refused = Handed::new(eventfd.as_fd()).unwrap();
        let raw = refused.raw();
        drop(refused);
        assert!(!is_open(raw), "the driver left it");
        let taken = Handed::new(eventfd.as_fd()).unwrap();
        let raw = taken.raw();
        taken.taken();
        assert!(is_open(raw), "the driver has it");
        // The driver closes it, and the number becomes another thread's.
        let stolen = Handed { original: eventfd.as_fd(), duplicate: Some(raw) };
        let other = Eventfd::new().unwrap();
        // SAFETY: `raw` is ours; it becomes a duplicate of another file.
        assert_eq!(unsafe { libc::dup2(other.as_fd().as_raw_fd(), raw) }, raw);
        drop(stolen);
        assert!(is_open(raw), "it is somebody else's");
        // SAFETY: `raw` is the duplicate from above.
        drop(unsafe { OwnedFd::from_raw_fd(raw) });
    }
}
