//! Descriptors for drivers that take them over.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

/// `KCMP_FILE` (`linux/kcmp.h`).
const FILE: libc::c_int = 0;

/// `F_SETSIG` and `F_GETSIG` (`asm-generic/fcntl.h`).
const SET_MARK: libc::c_int = 10;
const GET_MARK: libc::c_int = 11;

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

/// Whether `raw` is open and the same open file as `fd`.
fn is_same(fd: BorrowedFd<'_>, raw: RawFd) -> bool {
    told(fd, raw).unwrap_or_else(|| shares_mark(fd, raw))
}

/// The same, as the kernel tells it. `None` where a sandbox does not let us ask.
///
/// # References
///
/// `kcmp(2)`: 0 for two descriptors of one open file description; `EBADF`, `EPERM`, `ENOSYS`.
fn told(fd: BorrowedFd<'_>, raw: RawFd) -> Option<bool> {
    // SAFETY: has no conditions.
    let process = unsafe { libc::getpid() };
    // SAFETY: compares two numbers of this process, and touches nothing.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, process, process, FILE, fd.as_raw_fd(), raw) };
    let closed = || io::Error::last_os_error().raw_os_error() == Some(libc::EBADF);
    if order < 0 && !closed() { None } else { Some(order == 0) }
}

/// The same, by a mark on the open file description that all its duplicates see: the signal that it would
/// send if anybody had asked for signals. Who else changes it meanwhile makes the answer no; two threads
/// that mark different files in step would both be told yes, so they take turns.
///
/// # References
///
/// `fcntl(2)`, `F_SETSIG`.
fn shares_mark(fd: BorrowedFd<'_>, raw: RawFd) -> bool {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(before) = mark(fd.as_raw_fd()) else { return false };
    let shared = [libc::SIGUSR1, libc::SIGUSR2].iter().all(|signal| {
        // SAFETY: changes what nobody looks at, of a descriptor that is open.
        let set = unsafe { libc::fcntl(fd.as_raw_fd(), SET_MARK, *signal) } == 0;
        set && mark(raw) == Some(*signal)
    });
    // SAFETY: as above.
    unsafe { libc::fcntl(fd.as_raw_fd(), SET_MARK, before) };
    shared
}

fn mark(raw: RawFd) -> Option<libc::c_int> {
    // SAFETY: asks for a number of a descriptor, whatever it is.
    let mark = unsafe { libc::fcntl(raw, GET_MARK) };
    (mark >= 0).then_some(mark)
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

    #[test]
    fn the_same_file_is_told_from_others_also_where_the_kernel_does_not_say() {
        let (one, other) = (Eventfd::new().unwrap(), Eventfd::new().unwrap());
        let copy = one.as_fd().try_clone_to_owned().unwrap();
        for same in [is_same, shares_mark] {
            assert!(same(one.as_fd(), copy.as_raw_fd()));
            assert!(!same(one.as_fd(), other.as_fd().as_raw_fd()));
            assert!(!same(one.as_fd(), -1), "a closed one");
        }
        assert_eq!(mark(copy.as_raw_fd()), Some(0), "as it was");
    }

    #[test]
    fn threads_that_ask_at_once_do_not_take_each_others_marks_for_their_own() {
        let files = [Eventfd::new().unwrap(), Eventfd::new().unwrap()];
        let [one, other] = files.each_ref().map(|file| file.as_fd());
        let start = std::sync::Barrier::new(2);
        let mistakes = |fd: BorrowedFd<'_>, raw: RawFd| {
            start.wait();
            (0..20_000).filter(|_| shares_mark(fd, raw)).count()
        };
        let found = std::thread::scope(|scope| {
            let there = scope.spawn(|| mistakes(other, one.as_raw_fd()));
            mistakes(one, other.as_raw_fd()) + there.join().unwrap()
        });
        assert_eq!(found, 0, "different files taken for the same");
    }
}
