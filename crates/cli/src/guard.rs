//! Clears up after a run whose zerohop was killed, once its application has ended.
//!
//! A crash of ours costs nobody their application, so it goes on without us, and so does its
//! display. A second process of this program holds the reading end of a pipe, which ends when we do,
//! however that comes; who ends well says so first. It tells of another end, which no process can
//! tell of itself (drivers abort: Mesa's Venus does without its host). It waits for the application,
//! and then ends the display and removes the run's folder.

use std::env;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};
use zerohop_kernel::leave_stderr;
use zerohop_wire::SOCKET_VARIABLE;

use crate::processes::Processes;

/// What the pipe brings when the run ends well.
const WELL: u8 = b'.';

/// What is said when it does not.
const KILLED: &str = "zerohop: it was killed, or aborted by a driver: what it wrote can be played up to \
    there, and the application goes on unseen";

/// How long a process has to end after `SIGTERM`.
const GRACE: Duration = Duration::from_secs(2);
/// When we give up.
const LAST: Duration = Duration::from_secs(5);
/// How often is looked whether they have.
const PAUSE: Duration = Duration::from_millis(20);
/// How often is looked whether the application has ended.
const BEAT: Duration = Duration::from_millis(250);

/// The guard over everything that has its files in one folder.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Its process.
    pub(crate) pid: Pid,
    /// Closed by the kernel when we end.
    alive: ChildStdin,
}

impl Guard {
    /// Watches over the processes that were told of a file in `folder`.
    pub(crate) fn start(folder: &Path, processes: &mut Processes) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("guard").arg(folder).env_remove(SOCKET_VARIABLE);
        // It must not keep a file system busy.
        command.current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let (pid, mut child) = processes.spawn(&mut command)?;
        let alive = child.stdin.take().ok_or_else(|| io::Error::other("it has no input"))?;
        Ok(Self { pid, alive })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // One that is gone has nothing to tell.
        let _ = self.alive.write_all(&[WELL]);
    }
}

/// What the guard does: waits for its parent's end, and for the application's, then ends the rest.
pub(crate) fn watch(folder: &Path) -> u8 {
    // The end of the file, or an error that means the same.
    if io::stdin().read(&mut [0]).unwrap_or(0) == 0 {
        // Whoever read it may have been killed as well.
        let _ = writeln!(io::stderr(), "{KILLED}");
    }
    // Where that fails, they wait for us.
    let _ = leave_stderr();
    while !applications(folder).is_empty() {
        thread::sleep(BEAT);
    }
    let begin = Instant::now();
    while begin.elapsed() < LAST {
        let left = servers(folder);
        if left.is_empty() {
            break;
        }
        let signal = if begin.elapsed() < GRACE { Signal::TERM } else { Signal::KILL };
        for pid in left {
            // One that ended by itself is no error.
            let _ = kill_process(pid, signal);
            let _ = kill_process(pid, Signal::CONT);
        }
        thread::sleep(PAUSE);
    }
    let _ = fs::remove_dir_all(folder);
    0
}

/// The processes that were started with a socket in `folder`: the application and its own.
fn applications(folder: &Path) -> Vec<Pid> {
    let mark = [SOCKET_VARIABLE.as_bytes(), b"=", folder.as_os_str().as_bytes(), b"/"].concat();
    saying("environ", |one| one.starts_with(&mark))
}

/// The processes that were given a file in `folder` as an argument: the display.
fn servers(folder: &Path) -> Vec<Pid> {
    let mark = [folder.as_os_str().as_bytes(), b"/"].concat();
    saying("cmdline", |one| one.starts_with(&mark))
}

/// The other processes with a string in their `/proc/PID/FILE` that `fits`.
fn saying(file: &str, fits: impl Fn(&[u8]) -> bool) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let said = fs::read(entry.path().join(file)).ok()?;
        (said.split(|&byte| byte == 0).any(&fits) && pid != getpid()).then_some(pid)
    });
    found.collect()
}
