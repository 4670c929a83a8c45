//! What we started, and what that started: known, reaped, and ended with us.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper, wait,
};

/// How long a process has to end after `SIGTERM`, before `SIGKILL`.
const GRACE: Duration = Duration::from_secs(2);
/// How long the kernel has to end it after `SIGKILL`.
const LAST: Duration = Duration::from_secs(5);
/// How often is looked.
const PAUSE: Duration = Duration::from_millis(10);

/// All processes below this one. Those that lose their parent become our children, so that
/// nothing gets away. Dropping it kills what is left.
#[derive(Debug)]
pub(crate) struct Processes {
    ended: Vec<(Pid, WaitStatus)>,
    started: Vec<Pid>,
}

impl Processes {
    /// Makes this process the parent of all orphans below it.
    ///
    /// # References
    ///
    /// `PR_SET_CHILD_SUBREAPER(2const)`.
    pub(crate) fn adopt() -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        Ok(Self { ended: Vec::new(), started: Vec::new() })
    }

    /// Starts `command` in a process group of its own, so that Ctrl-C reaches us alone. Should we
    /// be killed, it goes on.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> io::Result<(Pid, Child)> {
        command.process_group(0);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process id is out of range"))?;
        self.started.push(pid);
        Ok((pid, child))
    }

    /// How `pid`, which [`spawn`](Self::spawn) gave, ended; `None` while it runs.
    pub(crate) fn status(&self, pid: Pid) -> Option<WaitStatus> {
        self.ended.iter().find(|(one, _)| *one == pid).map(|(_, status)| *status)
    }

    /// Takes note of all children that have ended. Never blocks.
    pub(crate) fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if self.started.contains(&pid) {
                self.ended.push((pid, status));
            }
        }
    }

    /// Ends `pid` and waits for it: `SIGTERM`, and after two seconds, or as soon as `hurry` says
    /// so, `SIGKILL`.
    pub(crate) fn end(&mut self, pid: Pid, hurry: &dyn Fn() -> bool) {
        let begin = Instant::now();
        if self.status(pid).is_none() {
            signal(&[pid], Signal::TERM);
        }
        while self.status(pid).is_none() && begin.elapsed() < GRACE + LAST {
            if begin.elapsed() >= GRACE || hurry() {
                signal(&[pid], Signal::KILL);
            }
            thread::sleep(PAUSE);
            self.reap();
        }
    }

    /// Ends everything below us but `spared`, as [`end`](Self::end) does. Returns what could not be ended.
    pub(crate) fn end_others(&mut self, spared: &[Pid], hurry: &dyn Fn() -> bool) -> Vec<Pid> {
        let begin = Instant::now();
        let mut told = Vec::new();
        loop {
            self.reap();
            let mut left = below(getpid());
            left.retain(|pid| !spared.contains(pid));
            if left.is_empty() || begin.elapsed() >= GRACE + LAST {
                return left;
            }
            if begin.elapsed() >= GRACE || hurry() {
                signal(&left, Signal::KILL);
            } else {
                let new: Vec<_> = left.iter().copied().filter(|pid| !told.contains(pid)).collect();
                signal(&new, Signal::TERM);
                told.extend(new);
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end_others(&[], &|| true);
    }
}

/// A process that ended by itself is no error.
fn signal(pids: &[Pid], signal: Signal) {
    for &pid in pids {
        let _ = kill_process(pid, signal);
        // A stopped process ends only when it goes on.
        let _ = kill_process(pid, Signal::CONT);
    }
}

/// All processes whose parent, or parent's parent and so on, is `root`; zombies left out.
pub(crate) fn below(root: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let known = entries.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        Some((pid, parent(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
    });
    let parents: Vec<(Pid, Pid)> = known.collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&one) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The parent in a line of `/proc/PID/stat` (`proc_pid_stat(5)`), unless the process is dead.
fn parent(stat: &str) -> Option<Pid> {
    // The name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let alive = !matches!(fields.next()?, "Z" | "X");
    let parent = Pid::from_raw(fields.next()?.parse().ok()?)?;
    alive.then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_hide_the_parent() {
        let pid = |stat| parent(stat).map(Pid::as_raw_nonzero).map(i32::from);
        assert_eq!(pid("7 (a) b) S 5 7 7 0"), Some(5));
        assert_eq!(pid("7 (a) Z 5 7 7 0"), None);
    }
}
