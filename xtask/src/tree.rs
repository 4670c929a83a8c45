//! The processes that descend from us: what they cost, and whether one was left behind.

use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions};

/// From now on, orphans among our descendants become our children, and stay in sight.
///
/// # Errors
///
/// The kernel refuses.
pub(crate) fn adopt_orphans() -> Result<()> {
    let me = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(me)).context("cannot become a subreaper")
}

/// Fails when a descendant still runs, after ending it.
///
/// Call it when every child that was started has been waited for, after [`adopt_orphans`].
///
/// # Errors
///
/// Names what was left running.
pub(crate) fn nothing_left(by: &str) -> Result<()> {
    let left = children()?;
    let mut names = Vec::new();
    for pid in left {
        let Some(alive) = Process::read(pid) else { continue };
        if alive.state != 'Z' {
            names.push(format!("{} ({})", alive.name, pid));
            end(pid);
        }
    }
    reap();
    if names.is_empty() { Ok(()) } else { bail!("{by} left running: {}", names.join(", ")) }
}

/// CPU time of all descendants that were waited for, user and system, in seconds.
///
/// # Errors
///
/// `/proc` is not there.
pub(crate) fn cpu_seconds_of_children() -> Result<f64> {
    reap();
    let me = i32::try_from(std::process::id())?;
    let me = Process::read(me).context("cannot read /proc/self/stat")?;
    let ticks = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "ticks of hours are far below 2^52")]
    Ok(me.children_ticks as f64 / ticks as f64)
}

/// The children of a process.
pub(crate) fn children_of(parent: u32) -> Vec<Pid> {
    let parent = i32::try_from(parent).unwrap_or(0);
    let is_child = |pid: &i32| Process::read(*pid).is_some_and(|one| one.parent == parent);
    processes().filter(is_child).filter_map(Pid::from_raw).collect()
}

/// Those of our descendants that run the program of that file name, whatever they call themselves.
pub(crate) fn descendants_running(program: &str) -> Vec<Pid> {
    let fits = |pid: &i32| {
        let file = fs::read_link(format!("/proc/{pid}/exe"));
        file.is_ok_and(|file| file.ends_with(program)) && is_descendant(*pid)
    };
    processes().filter(fits).filter_map(Pid::from_raw).collect()
}

/// Kills a child and waits until it and its own children are gone. In a process namespace, where it
/// holds the first process, all others go with that.
///
/// # Errors
///
/// One lives on.
pub(crate) fn kill(child: &mut Child) -> Result<()> {
    let inside = children_of(child.id());
    child.kill()?;
    child.wait()?;
    bury(&inside)
}

/// Waits until these are gone. Orphans among them are ours to bury.
fn bury(pids: &[Pid]) -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(10);
    let begin = Instant::now();
    let lives = |pid: &Pid| {
        // An orphan that came to us stays in sight until it is waited for.
        let _ = rustix::process::waitpid(Some(*pid), WaitOptions::NOHANG);
        Process::read(pid.as_raw_nonzero().get()).is_some()
    };
    while let Some(pid) = pids.iter().find(|pid| lives(pid)) {
        if begin.elapsed() > LIMIT {
            bail!("process {} lives on, which was killed", pid.as_raw_nonzero());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn is_descendant(pid: i32) -> bool {
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    let mut at = pid;
    while at > 1 && at != me {
        at = Process::read(at).map_or(0, |one| one.parent);
    }
    at == me
}

/// All that there are.
fn processes() -> impl Iterator<Item = i32> {
    let all = fs::read_dir("/proc").into_iter().flatten();
    all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
}

/// CPU time of a process itself, user and system, in seconds. `None` when it is gone.
pub(crate) fn cpu_seconds_of(pid: Pid) -> Option<f64> {
    let process = Process::read(pid.as_raw_nonzero().get())?;
    let ticks = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "ticks of hours are far below 2^52")]
    Some(process.own_ticks as f64 / ticks as f64)
}

/// Our children, by their ids.
fn children() -> Result<Vec<i32>> {
    let me = i32::try_from(std::process::id())?;
    Ok(processes().filter(|pid| Process::read(*pid).is_some_and(|one| one.parent == me)).collect())
}

fn end(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be gone already, which is what we want.
        let _ = rustix::process::kill_process(pid, Signal::KILL);
        let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
    }
}

/// Waits for orphans that have ended. Our own children are waited for where they were started.
fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
}

/// What `/proc/PID/stat` says.
///
/// # References
///
/// `proc_pid_stat(5)`.
#[derive(Debug)]
struct Process {
    name: String,
    state: char,
    parent: i32,
    /// `utime` and `stime`, in clock ticks.
    own_ticks: u64,
    /// `cutime` and `cstime`.
    children_ticks: u64,
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name may hold spaces and parentheses; the last one closes it.
        let (start, end) = (stat.find('(')?, stat.rfind(')')?);
        let fields: Vec<&str> = stat.get(end + 1..)?.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            name: stat.get(start + 1..end)?.to_owned(),
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            own_ticks: number(14)? + number(15)?,
            children_ticks: number(16)? + number(17)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "7 (a) b) S 3 7 7 0 -1 4 1 2 3 4 10 20 30 40 20 0 1 0 5 6";
        let one = Process::parse(stat).unwrap();
        assert_eq!((one.name.as_str(), one.state, one.parent), ("a) b", 'S', 3));
        assert_eq!((one.own_ticks, one.children_ticks), (30, 70));
    }
}
