//! Threads of ours in somebody else's process.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::thread::{Builder, JoinHandle};

/// Starts a thread called `name` (15 bytes of it show) that gets none of the process's signals:
/// their handlers are the application's and belong on its own threads.
///
/// # Errors
///
/// `EAGAIN` when the process may have no more threads.
///
/// # References
///
/// `pthread_sigmask(3)`: a new thread inherits the mask of the one that makes it.
pub fn spawn_deaf(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let mut all = MaybeUninit::uninit();
    // SAFETY: the set is the call's to fill in, and it always does (`sigsetops(3)`).
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    let mut before = MaybeUninit::uninit();
    // SAFETY: the set was filled in above, and there is room for the old one.
    let masked =
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    if masked != 0 {
        return Err(io::Error::from_raw_os_error(masked));
    }
    let thread = Builder::new().name(name.to_owned()).spawn(body);
    // SAFETY: the old mask was written by the call that succeeded.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    thread
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn blocked() -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim().to_owned()
    }

    #[test]
    fn the_thread_is_deaf_and_its_maker_is_not() {
        let before = blocked();
        let (tell, told) = std::sync::mpsc::channel();
        spawn_deaf("test", move || tell.send(blocked()).unwrap()).unwrap().join().unwrap();
        assert_eq!(blocked(), before);
        let theirs = u64::from_str_radix(&told.recv().unwrap(), 16).unwrap();
        for signal in [libc::SIGTERM, libc::SIGCHLD, libc::SIGALRM, libc::SIGUSR1] {
            assert!(theirs & (1 << (signal - 1)) != 0, "signal {signal} in {theirs:x}");
        }
    }
}
