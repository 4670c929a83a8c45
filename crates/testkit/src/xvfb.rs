//! An X server without a screen.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};

/// An `Xvfb` that ends when this is dropped, or with the thread that started it.
pub struct Xvfb {
    server: Child,
    display: String,
}

impl Xvfb {
    /// Starts one on a free display number. Returns when it listens.
    ///
    /// # Errors
    ///
    /// What starting it says; [`io::ErrorKind::UnexpectedEof`] when it ends at once.
    pub fn start(width: u32, height: u32) -> io::Result<Self> {
        let screen = format!("{width}x{height}x24");
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // SAFETY: prctl is one system call, which a forked child may make.
        unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?)) };
        let mut server = command.spawn()?;
        let mut line = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let xvfb = Self { server, display: format!(":{}", line.trim()) };
        if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(xvfb) }
    }

    /// Its name, as in ":7", for `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.server.id()) {
            let pid = rustix::process::Pid::from_raw(pid);
            // It removes its lock file on this signal; a server that is gone needs none.
            let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
        }
        // Nothing is to be learned from how it ended.
        let _ = self.server.wait();
    }
}
