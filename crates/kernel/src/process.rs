//! This process, and whether another one goes on.

use std::os::fd::AsRawFd as _;
use std::{fs, io};

/// `PF_EXITING` of `include/linux/sched.h`.
const EXITING: u64 = 0x4;

/// Lets go of the standard error: what is written there from now on goes nowhere, and whoever reads it
/// to its end need not wait for this process.
///
/// # Errors
///
/// Whatever `open(2)` says of `/dev/null`, and `dup2(2)`.
pub fn leave_stderr() -> io::Result<()> {
    let nowhere = fs::File::options().write(true).open("/dev/null")?;
    // SAFETY: both numbers are of open descriptors, and nobody in this process owns number 2.
    match unsafe { libc::dup2(nowhere.as_raw_fd(), libc::STDERR_FILENO) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether the process `pid` runs and is not about to end. Its descriptors close while it ends, so
/// whoever sees one closed can tell whether its owner goes on.
///
/// `false` for one that cannot be seen, and for 0.
///
/// # References
///
/// `proc_pid_stat(5)`: fields 3 (state) and 9 (flags).
pub fn process_lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it is in brackets, and may hold anything.
    let Some((_, fields)) = stat.rsplit_once(')') else { return false };
    let mut fields = fields.split_whitespace();
    let state = fields.next().unwrap_or("X");
    let flags = fields.nth(5).and_then(|flags| flags.parse::<u64>().ok()).unwrap_or(EXITING);
    !matches!(state, "Z" | "X" | "x") && flags & EXITING == 0
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn we_live_and_an_ended_child_does_not() {
        assert!(process_lives(id()) && !process_lives(0));
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        while process_lives(pid) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!process_lives(pid));
    }
}
