//! Signals as bytes on a pipe, so that one `poll` waits for them beside everything else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;

/// Where the handler writes. Set once, before the first handler is installed.
static PIPE: OnceLock<OwnedFd> = OnceLock::new();

/// Signals of this process, caught. Made once; the handlers stay for as long as the process lives.
///
/// Programs that this process starts do not inherit them: `execve` sets caught signals back to
/// their defaults.
#[derive(Debug)]
pub struct Signals {
    caught: OwnedFd,
}

impl Signals {
    /// Catches `signals` from now on.
    ///
    /// # Errors
    ///
    /// `EALREADY` the second time; what `pipe2` and `sigaction` say.
    ///
    /// # References
    ///
    /// `sigaction(2)`, `signal-safety(7)`.
    pub fn catch(signals: &[Signal]) -> io::Result<Self> {
        let (caught, noted) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        PIPE.set(noted).map_err(|_| io::Error::from(rustix::io::Errno::ALREADY))?;
        signals.iter().try_for_each(|&signal| install(signal))?;
        Ok(Self { caught })
    }

    /// The next signal caught, or `None` when there is none. Never blocks.
    pub fn poll_signal(&self) -> Option<Signal> {
        let mut byte = [0];
        match rustix::io::read(&self.caught, &mut byte) {
            Ok(1) => Signal::from_named_raw(byte[0].into()),
            _ => None,
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.caught.as_fd()
    }
}

/// Runs between any two instructions of any thread. A full pipe loses the signal: it holds 65536.
extern "C" fn note(signal: libc::c_int) {
    if let (Some(pipe), Ok(byte)) = (PIPE.get(), u8::try_from(signal)) {
        // rustix makes the system call itself, so `errno` of the interrupted code stays.
        let _ = rustix::io::write(pipe, &[byte]);
    }
}

fn install(signal: Signal) -> io::Result<()> {
    // SAFETY: all zero is a `struct sigaction`: `SIG_DFL`, an empty mask, no flag.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = note as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` outlives the call; `note` loads an atomic and calls `write`, and both are
    // on the list of `signal-safety(7)`.
    let done = unsafe { libc::sigaction(signal.as_raw(), &action, ptr::null_mut()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use rustix::process::{getpid, kill_process};

    use super::*;

    #[test]
    fn a_signal_is_read_once_from_the_pipe() {
        let signals = Signals::catch(&[Signal::USR1]).unwrap();
        assert_eq!(signals.poll_signal(), None);
        kill_process(getpid(), Signal::USR1).unwrap();
        // Delivered before `kill` returns, or to another thread very soon.
        let mut caught = None;
        for _ in 0..100 {
            caught = signals.poll_signal();
            if caught.is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(caught, Some(Signal::USR1));
        assert_eq!(signals.poll_signal(), None);
        assert!(Signals::catch(&[]).is_err(), "one set of handlers in a process");
    }
}
