//! Puts back what was on a screen when our process was killed.
//!
//! A second process of this program holds the card open, so that nothing is lost when we end: what
//! the screen shows, and the right to change it. Without it the kernel would show its console, if
//! it has one, whatever was there before. It waits at a pipe that nobody writes to, as the
//! [`guard`](crate::guard) does, puts back what was on the screen, and ends.

use std::env;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::process::{ChildStdin, Command, Stdio};

use rustix::process::Pid;
use zerohop_kms::{Saved, Screen};
use zerohop_wire::SOCKET_VARIABLE;

use crate::processes::Processes;

/// The guard over a screen.
#[derive(Debug)]
pub(crate) struct ScreenGuard {
    /// Its process.
    pub(crate) pid: Pid,
    /// Closed by the kernel when we end.
    _alive: ChildStdin,
}

impl ScreenGuard {
    /// Watches over `screen`, on which nothing has been shown yet.
    pub(crate) fn start(screen: &Screen, processes: &mut Processes) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("guard-screen").arg(screen.saved().to_string());
        command.env_remove(SOCKET_VARIABLE).current_dir("/");
        // Its standard output is the card. It writes nothing.
        let card = screen.as_fd().try_clone_to_owned()?;
        command.stdin(Stdio::piped()).stdout(card).stderr(Stdio::null());
        let (pid, mut child) = processes.spawn(&mut command)?;
        let alive = child.stdin.take().ok_or_else(|| io::Error::other("it has no input"))?;
        Ok(Self { pid, _alive: alive })
    }
}

/// What the guard does: waits for its parent's end, then puts `saved` back.
pub(crate) fn watch(saved: &Saved) -> u8 {
    // Nobody writes: this is the end of the file, or an error that means the same.
    let _ = io::stdin().read(&mut [0]);
    // Nobody to tell. The kernel shows its console when nobody has the card open any more.
    let _ = saved.restore(io::stdout().as_fd());
    0
}
