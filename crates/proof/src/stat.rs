//! What processes cost, as the kernel and the driver tell it.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The children, grandchildren and so on of a process.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let mut found = vec![of];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        let parents = all().filter(|(_, one)| one == parent).map(|(pid, _)| pid);
        found.extend(parents.collect::<Vec<_>>());
        at += 1;
    }
    found.remove(0);
    found
}

/// The descendant of `of` whose name is `name`, as `/proc/PID/comm` has it: its first 15 bytes.
pub(crate) fn descendant(of: u32, name: &str) -> Option<u32> {
    let short = &name[..name.len().min(15)];
    let named = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == short)
    };
    descendants(of).into_iter().find(named)
}

/// Every process that is no corpse, with its parent.
fn all() -> impl Iterator<Item = (u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut words = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
        let (state, parent) = (words.next()?, words.next()?.parse().ok()?);
        (state != "Z").then_some((pid, parent))
    })
}

/// Now, on `CLOCK_MONOTONIC`, as traces have it.
pub(crate) fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    // It begins with the machine and goes forward (`clock_gettime(2)`).
    Duration::try_from(now).unwrap_or_default()
}

/// By each thread's number, the time that it has had of a processor, to the nanosecond.
pub(crate) type ThreadTimes = BTreeMap<u32, Duration>;

/// Those of a process.
pub(crate) fn thread_times(pid: u32) -> Option<ThreadTimes> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let times = tasks.filter_map(|task| {
        let thread = task.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let used = text.split_whitespace().next()?.parse().ok()?;
        Some((thread, Duration::from_nanos(used)))
    });
    Some(times.collect())
}

/// The time that all threads of a process have had of a processor, to the nanosecond.
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    Some(thread_times(pid)?.into_values().sum())
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// Memory of a process in KiB, what it shares with others counted by its part.
pub(crate) fn memory_kib(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How busy all processors were between two looks, of 1.
#[derive(Debug)]
pub(crate) struct Processors {
    busy: u64,
    all: u64,
}

impl Processors {
    /// A look.
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
        // `proc_stat(5)`: user, nice, system, idle, iowait, then what is not idle; the last two are
        // in the first two already.
        let all = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }

    /// What was busy since then.
    pub(crate) fn busy_since(&self, before: &Self) -> f64 {
        let (busy, all) = (self.busy - before.busy, self.all - before.all);
        #[expect(clippy::cast_precision_loss, reason = "ticks of hours are far below 2^52")]
        let share = busy as f64 / all.max(1) as f64;
        share
    }
}

/// What NVIDIA's driver says of its first GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gpu {
    /// Memory in use, in MiB.
    pub(crate) memory_mib: f64,
    /// The share of the last moments in which something ran, of 1.
    pub(crate) busy: f64,
}

impl Gpu {
    /// What it says now; `None` where there is no such driver.
    pub(crate) fn now() -> Option<Self> {
        let mut smi = Command::new("nvidia-smi");
        smi.args(["--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits"]);
        let said = smi.stdin(Stdio::null()).output().ok()?;
        Self::parse(&String::from_utf8(said.stdout).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let (memory, busy) = text.lines().next()?.split_once(',')?;
        let memory_mib = memory.trim().parse().ok()?;
        Some(Self { memory_mib, busy: busy.trim().parse::<f64>().ok()? / 100.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_costs_something() {
        let me = std::process::id();
        assert!(cpu_time(me).unwrap() > Duration::ZERO);
        assert!(descriptors(me).unwrap() > 2);
        assert!(memory_kib(me).unwrap() > 100);
    }

    #[test]
    fn a_child_is_a_descendant() {
        let mut child = Command::new("tail").args(["-f", "/dev/null"]).spawn().unwrap();
        let found = descendant(std::process::id(), "tail");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, Some(child.id()));
    }

    #[test]
    fn the_driver_is_understood() {
        let gpu = Gpu::parse("1234, 56\n").unwrap();
        assert_eq!((gpu.memory_mib, gpu.busy), (1234.0, 0.56));
        assert_eq!(Gpu::parse("No devices were found\n"), None);
    }
}
