//! Running programs, with a limit of time and all that they say kept in files.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions};

/// How often it is looked whether a program has ended.
const BEAT: Duration = Duration::from_millis(5);

/// A program that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it wrote to its output.
    pub(crate) out: String,
    /// What it complained of.
    pub(crate) err: String,
}

/// A program that runs, and where its words go.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    name: String,
    files: [std::path::PathBuf; 2],
}

/// Starts a program; what it says goes to `NAME.out` and `NAME.err` in `folder`.
///
/// # Errors
///
/// It cannot be started, or a file cannot be made.
pub(crate) fn start(command: &mut Command, name: &str, folder: &Path) -> Result<Running> {
    let files = ["out", "err"].map(|end| folder.join(format!("{name}.{end}")));
    let [out, err] = files.each_ref().map(File::create);
    command.stdin(Stdio::null()).stdout(out?).stderr(err?);
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    Ok(Running { child, name: program, files })
}

/// Runs a program to its end; it is killed when `limit` has passed.
///
/// # Errors
///
/// It cannot be started, or was killed.
pub(crate) fn run(
    command: &mut Command,
    name: &str,
    folder: &Path,
    limit: Duration,
) -> Result<Ended> {
    start(command, name, folder)?.wait(limit)
}

impl Running {
    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it wrote to its output so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.files[0]).unwrap_or_default()
    }

    /// What it complained of so far.
    pub(crate) fn complained(&self) -> String {
        fs::read_to_string(&self.files[1]).unwrap_or_default()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.id(), signal);
    }

    /// Waits for its end; it is killed when `limit` has passed.
    ///
    /// # Errors
    ///
    /// It was killed.
    pub(crate) fn wait(mut self, limit: Duration) -> Result<Ended> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Ended { status, out: self.said(), err: self.complained() });
            }
            if Instant::now() >= end {
                break;
            }
            thread::sleep(BEAT);
        }
        self.child.kill()?;
        self.child.wait()?;
        let words = last_line(&self.complained());
        bail!("{} did not end within {} s: {words}", self.name, limit.as_secs())
    }
}

impl Drop for Running {
    /// Nobody waits for it any more: it ends.
    fn drop(&mut self) {
        if self.lives() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// Itself, when it ended with 0.
    ///
    /// # Errors
    ///
    /// How it ended, and its last words.
    pub(crate) fn good(self) -> Result<Self> {
        if !self.status.success() {
            bail!("{}: {}", self.status, last_line(&self.err));
        }
        Ok(self)
    }
}

/// The last line that is not empty.
pub(crate) fn last_line(text: &str) -> String {
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.unwrap_or("it said nothing").to_owned()
}

/// Sends a signal to a process, if it is there.
pub(crate) fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone, which is no trouble.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// From now on, orphans among our descendants become our children, and stay in sight.
///
/// # Errors
///
/// The kernel refuses.
pub(crate) fn adopt_orphans() -> Result<()> {
    let me = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(me)).context("cannot become a subreaper")
}

/// Ends all our descendants, and buries them.
pub(crate) fn end_descendants() {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        let left = crate::stat::descendants(std::process::id());
        left.iter().for_each(|pid| kill(*pid, Signal::KILL));
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        if left.is_empty() {
            return;
        }
        thread::sleep(BEAT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut sleep = Command::new("sleep");
        let err = run(sleep.arg("60"), "a", folder.path(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(err.to_string(), "sleep did not end within 0 s: it said nothing");
    }

    #[test]
    fn what_a_program_says_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo a; echo b >&2; exit 3"]);
        let ended = run(&mut shell, "a", folder.path(), Duration::from_secs(20)).unwrap();
        assert_eq!((ended.out.as_str(), ended.err.as_str()), ("a\n", "b\n"));
        assert_eq!(ended.good().unwrap_err().to_string(), "exit status: 3: b");
    }
}
