//! A Wayland compositor without a screen.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Its socket in the runtime directory.
const SOCKET: &str = "wayland-zerohop";

/// A `weston` that ends when this is dropped, or with the thread that started it.
pub struct Weston {
    server: Child,
    runtime: PathBuf,
}

impl Weston {
    /// Starts one with `runtime`, a folder of this user's alone, as its runtime directory. Returns
    /// when it listens.
    ///
    /// # Errors
    ///
    /// What starting it says; [`io::ErrorKind::TimedOut`] when it does not listen.
    pub fn start(runtime: &Path) -> io::Result<Self> {
        let mut command = Command::new("weston");
        command
            .args(["--backend=headless-backend.so", "--no-config", "--idle-time=0"])
            .arg(format!("--socket={SOCKET}"))
            .env("XDG_RUNTIME_DIR", runtime)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // SAFETY: prctl is one system call, which a forked child may make.
        unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?)) };
        let weston = Self { server: command.spawn()?, runtime: runtime.to_owned() };
        let begin = Instant::now();
        while !runtime.join(SOCKET).exists() {
            if begin.elapsed() > PATIENCE {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(weston)
    }

    /// `XDG_RUNTIME_DIR` and `WAYLAND_DISPLAY` for its clients.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("XDG_RUNTIME_DIR", &self.runtime), ("WAYLAND_DISPLAY", Path::new(SOCKET))]
    }
}

impl Drop for Weston {
    fn drop(&mut self) {
        let pid = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw);
        // It may have ended already.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.server.wait();
    }
}
