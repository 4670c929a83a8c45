//! Children that do not outlive their parent.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Makes the kernel send `signal` to what `command` starts when the thread that spawns it ends,
/// however it ends. Spawn it from a thread that lives as long as the process.
///
/// The child's own children are not covered. A program that changes its credentials in `execve`
/// escapes.
///
/// # References
///
/// `PR_SET_PDEATHSIG(2const)`.
pub fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(signal))?;
        // The parent may have died before the kernel knew what to do about it.
        if getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::Error::from(rustix::io::Errno::SRCH))
        }
    };
    // SAFETY: between `fork` and `execve` the closure makes two system calls and touches no lock
    // and no heap.
    unsafe { command.pre_exec(ask) };
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::thread;

    use super::*;

    #[test]
    fn a_child_dies_with_the_thread_that_spawned_it() {
        let spawn = || {
            let mut command = Command::new("sleep");
            command.arg("60").stdin(Stdio::null());
            die_with_parent(&mut command, Signal::KILL);
            command.spawn().unwrap()
        };
        let mut child = thread::spawn(spawn).join().unwrap();
        assert!(!child.wait().unwrap().success(), "it was killed");
    }
}
