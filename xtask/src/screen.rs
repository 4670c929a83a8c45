//! An X server without a screen, for programs that are started beside zerohop.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

/// An `Xvfb`, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    /// Starts one with a free number, and waits until it listens.
    ///
    /// # Errors
    ///
    /// It cannot be started, or ends at once.
    pub(crate) fn start(width: u32, height: u32) -> Result<Self> {
        let mut command = Command::new("Xvfb");
        let size = format!("{width}x{height}x24");
        command.args(["-displayfd", "1", "-screen", "0", &size, "-nolisten", "tcp", "-noreset"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().context("cannot start Xvfb")?;
        let mut line = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let screen = Self { server, display: format!(":{}", line.trim()) };
        if line.is_empty() {
            bail!("Xvfb ended at once");
        }
        Ok(screen)
    }

    /// Its name, for `DISPLAY`.
    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    /// Ends it now, so that its cost can be counted.
    pub(crate) fn end(self) {}
}

impl Drop for Screen {
    fn drop(&mut self) {
        terminate(&mut self.server);
    }
}

/// Asks a child to end, and waits for it.
pub(crate) fn terminate(child: &mut Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // One that has ended needs no signal, and how it ended tells nothing.
    let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
    let _ = child.wait();
}
