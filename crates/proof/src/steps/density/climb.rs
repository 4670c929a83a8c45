//! More and more applications, those that run going on, until there is no more time.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::level::{Level, number};
use crate::kit::{Kit, LIMIT};
use crate::process::{Running, last_line};
use crate::spans::{self, percentile};
use crate::stat::{self, Gpu, Processors};

/// How long those that are new may take to start: a driver makes contexts one after the other.
const START: Duration = Duration::from_secs(20);

/// From how much of the GPU on nothing more is tried.
const FULL: f64 = 0.93;

/// What each of the applications does.
#[derive(Debug)]
pub(super) struct Load {
    /// How its files are called, before their number.
    pub(super) name: &'static str,
    /// Further options of the application, and of its host.
    pub(super) application: &'static [&'static str],
    pub(super) host: &'static [&'static str],
    /// Pictures a second in which something changes.
    pub(super) changes: f64,
    /// How many run, one number after the other.
    pub(super) counts: &'static [usize],
    /// When no further number is tried.
    pub(super) time: Duration,
    /// How long they are looked at.
    pub(super) look: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Climb {
    pub(super) levels: Vec<Level>,
    /// How many of them went well, one after the other from the first on.
    pub(super) good: usize,
}

impl Climb {
    /// The last of those that went well, else the first.
    pub(super) fn best(&self) -> Option<&Level> {
        self.levels.get(self.good.saturating_sub(1))
    }

    /// How many applications that are.
    pub(super) fn carried(&self) -> f64 {
        self.best().filter(|level| level.is_good()).map_or(0.0, |level| number(level.applications))
    }

    /// Why it is not more.
    pub(super) fn limit(&self) -> String {
        match self.levels.get(self.good) {
            Some(level) => format!("not {}: {}", level.applications, level.limit()),
            None => "more were not tried".to_owned(),
        }
    }
}

/// Starts them, looks at what they use, ends them, and reads what they wrote.
pub(super) fn climb(kit: &Kit, load: &Load) -> Result<Climb> {
    let mut levels = up(kit, load)?;
    let most = levels.iter().map(|level| level.applications).max().unwrap_or(0);
    let traces = (0..most).map(|one| spans::read(&trace(kit, load, one))).collect::<Vec<_>>();
    for level in levels.iter_mut().filter(|level| level.is_whole()) {
        level.judge(&traces, load.changes)?;
    }
    let good = levels.iter().take_while(|level| level.is_good()).count();
    Ok(Climb { levels, good })
}

fn up(kit: &Kit, load: &Load) -> Result<Vec<Level>> {
    let (start, before) = (Instant::now(), Gpu::now());
    let (mut running, mut levels) = (Vec::new(), Vec::<Level>::new());
    let ends = |level: &Level| !level.is_whole() || level.gpu > FULL;
    for count in kit.few(load.counts, &load.counts[..1]) {
        if start.elapsed() > load.time || levels.last().is_some_and(ends) {
            break;
        }
        for one in running.len()..*count {
            running.push(begin(kit, load, one)?);
        }
        levels.push(measure(kit, load, &running, before));
    }
    end(running)?;
    Ok(levels)
}

/// What all that run use, once all present.
fn measure(kit: &Kit, load: &Load, running: &[Running], before: Option<Gpu>) -> Level {
    let count = running.len();
    let mut level = Level::of(count);
    (level.running, level.start) = wait_for_all(running);
    if !level.is_whole() {
        return level;
    }
    let (begin, processors) = (stat::monotonic(), Processors::now());
    sleep(kit.few(load.look, load.look / 2));
    level.time = begin..stat::monotonic();
    level.processors = Processors::now().busy_since(&processors);
    let gpu = Gpu::now();
    level.gpu = gpu.map_or(0.0, |gpu| gpu.busy);
    level.gpu_mib =
        before.zip(gpu).map(|(before, now)| (now.memory_mib - before.memory_mib) / number(count));
    let both = running.iter().filter_map(|one| memory(one.id()));
    let (mut hosts, mut applications): (Vec<_>, Vec<_>) = both.unzip();
    level.application_mib = percentile(&mut applications, 50);
    level.host_mib = percentile(&mut hosts, 50);
    level.host_most_mib = percentile(&mut hosts, 100);
    level
}

/// Ends all of them, as Ctrl-C does; those that never came to present anything, in any way.
fn end(running: Vec<Running>) -> Result<()> {
    running.iter().for_each(|one| one.signal(Signal::INT));
    for one in running.into_iter().filter(|one| !one.said().is_empty()) {
        let ended = one.wait(LIMIT)?;
        // As the shell has it then.
        if ended.status.code() != Some(130) {
            bail!("{}: {}", ended.status, last_line(&ended.err));
        }
    }
    Ok(())
}

/// Waits until each presents, and says how many do in the end, and how long that took.
fn wait_for_all(running: &[Running]) -> (usize, Duration) {
    let begin = Instant::now();
    loop {
        let count = running.iter().filter(|one| !one.said().is_empty()).count();
        if count == running.len() || begin.elapsed() > START {
            return (count, begin.elapsed());
        }
        sleep(Duration::from_millis(50));
    }
}

/// An application that presents 60 pictures a second, each once the device has drawn it; and a host
/// that converts what changed.
fn begin(kit: &Kit, load: &Load, one: usize) -> Result<Running> {
    let name = format!("{}-{one}", load.name);
    let mut run = kit.zerohop_run(&name);
    run.args(["--to", "null:nv12", "--trace"]).arg(trace(kit, load, one)).args(load.host);
    let options = ["--size", "1920x1080", "--plain", "--drawn", "--frames", "1000000"];
    let application = kit.pattern(&mut run, &options).args(load.application);
    // It says something when it runs.
    kit.start(application.args(["--watch-every", "10"]), &name)
}

/// MiB of the host and of its application.
fn memory(host: u32) -> Option<(f64, f64)> {
    let application = stat::descendant(host, "zerohop-pattern")?;
    let mib = |pid| Some(number(usize::try_from(stat::memory_kib(pid)?).ok()?) / 1024.0);
    Some((mib(host)?, mib(application)?))
}

/// Where the trace of one goes.
fn trace(kit: &Kit, load: &Load, one: usize) -> PathBuf {
    kit.path(&format!("{}-{one}.trace", load.name))
}
