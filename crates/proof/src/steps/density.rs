//! How many applications one machine carries, each with a host of its own.

use std::ops::Range;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use rustix::process::Signal;

use crate::kit::{Kit, LIMIT};
use crate::process::{Running, last_line};
use crate::row::{Row, Target};
use crate::spans::{self, Picture, percentile};
use crate::stat::{self, Gpu, Processors};

/// What p99 from a present to the converted picture is to stay below, in microseconds.
const MOST: f64 = 4000.0;

/// Pictures a second of each application.
const RATE: f64 = 60.0;

/// How many run, one number after the other: those that run go on.
const COUNTS: [usize; 11] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24];

/// When no further number is tried.
const TIME: Duration = Duration::from_secs(75);

/// How long those that are new may take to start: a driver makes contexts one after the other.
const START: Duration = Duration::from_secs(30);

/// How long they are looked at then.
const LOOK: Duration = Duration::from_secs(4);

/// The steps of a picture.
const STEPS: [&str; 3] = ["present_to_host", "classify", "convert"];

/// So many applications at once, and what came of it.
#[derive(Default)]
struct Level {
    applications: usize,
    /// How many of them presented something.
    running: usize,
    /// When they were looked at, on `CLOCK_MONOTONIC`.
    time: Range<Duration>,
    /// Microseconds from the present to the converted picture.
    p50: f64,
    p99: f64,
    /// Pictures that came through of those that should have, of 1.
    share: f64,
    /// p99 of each step, in microseconds.
    steps: [f64; 3],
    processors: f64,
    gpu: f64,
    /// MiB of one application and its host.
    application_mib: f64,
    host_mib: f64,
    gpu_mib: Option<f64>,
}

/// More and more applications, as long as they start and there is time.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let mut levels = climb(kit)?;
    let most = levels.iter().map(|level| level.applications).max().unwrap_or(0);
    let traces = (0..most).map(|one| spans::read(&trace(kit, one))).collect::<Vec<_>>();
    for level in levels.iter_mut().filter(|level| level.is_whole()) {
        look(level, &traces)?;
    }
    for level in &levels {
        let name = format!("p99 of {}", level.applications);
        Row::measured(&name, level.p99, "us").note(level.limit()).tell();
    }
    let good = levels.iter().take_while(|level| level.is_good()).last();
    tell(good, levels.iter().find(|level| !level.is_good()));
    Ok(())
}

/// Starts them, and looks at what they use.
fn climb(kit: &Kit) -> Result<Vec<Level>> {
    let (start, before) = (Instant::now(), Gpu::now());
    let (mut running, mut levels) = (Vec::new(), Vec::<Level>::new());
    for count in kit.few(&COUNTS[..], &COUNTS[..1]) {
        if start.elapsed() > TIME || levels.last().is_some_and(|level| !level.is_whole()) {
            break;
        }
        for one in running.len()..*count {
            running.push(begin(kit, one)?);
        }
        levels.push(measure(kit, &running, before));
    }
    end(running)?;
    Ok(levels)
}

/// What the largest that went well carries; where none did, the first one's figures.
fn tell(good: Option<&Level>, bad: Option<&Level>) {
    let carried = good.map_or(0.0, |level| number(level.applications));
    let limit = match bad {
        Some(level) => format!("not {}", level.applications),
        None => "more were not tried".to_owned(),
    };
    let name = "1920x1080 applications at 60 Hz";
    let most = format!("p99 to the converted picture below {} ms; {limit}", MOST / 1000.0);
    Row::judged(name, carried, "", Target::AtLeast(1.0)).note(most).tell();
    if let Some(level) = good.or(bad) {
        let name = format!("p99 of {} applications", level.applications);
        Row::judged(&name, level.p99, "us", Target::AtMost(MOST)).tell();
        Row::measured("host's memory for each", level.host_mib, "MiB").tell();
        Row::measured("application's memory", level.application_mib, "MiB").tell();
        match level.gpu_mib {
            Some(mib) => Row::measured("GPU memory for each", mib, "MiB").tell(),
            None => Row::absent("GPU memory for each", "nvidia-smi says nothing here").tell(),
        }
    }
}

impl Level {
    /// Whether all of them presented something.
    fn is_whole(&self) -> bool {
        self.running == self.applications
    }

    fn is_good(&self) -> bool {
        self.p99 <= MOST && self.share > 0.95
    }

    /// Which step is long, and what is used up.
    fn limit(&self) -> String {
        let Self { running, p50, share, .. } = self;
        if !self.is_whole() {
            return format!("{running} presented something in {START:?}");
        }
        let [way, classify, convert] = self.steps;
        format!(
            "p50 {p50:.0} us; p99 to the host {way:.0}, classify {classify:.0}, convert {convert:.0}; \
             {:.0} % of the pictures, processors {:.0} % busy, GPU {:.0} %",
            share * 100.0,
            self.processors * 100.0,
            self.gpu * 100.0
        )
    }
}

/// What all that run use, once all present.
fn measure(kit: &Kit, running: &[Running], before: Option<Gpu>) -> Level {
    let count = running.len();
    let mut level = Level { applications: count, p99: f64::INFINITY, ..Level::default() };
    level.running = wait_for_all(running);
    if !level.is_whole() {
        return level;
    }
    let (begin, processors) = (stat::monotonic(), Processors::now());
    sleep(kit.few(LOOK, LOOK / 2));
    level.time = begin..stat::monotonic();
    level.processors = Processors::now().busy_since(&processors);
    let gpu = Gpu::now();
    level.gpu = gpu.map_or(0.0, |gpu| gpu.busy);
    level.gpu_mib =
        before.zip(gpu).map(|(before, now)| (now.memory_mib - before.memory_mib) / number(count));
    let memory = running.first().and_then(|one| memory(one.id())).unwrap_or_default();
    (level.host_mib, level.application_mib) = memory;
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

/// Waits until each presents, and says how many do in the end.
fn wait_for_all(running: &[Running]) -> usize {
    let begin = Instant::now();
    loop {
        let count = running.iter().filter(|one| !one.said().is_empty()).count();
        if count == running.len() || begin.elapsed() > START {
            return count;
        }
        sleep(Duration::from_millis(50));
    }
}

/// An application that changes every pixel of every picture, and presents it once the device has drawn
/// it; and a host that converts all of them.
fn begin(kit: &Kit, one: usize) -> Result<Running> {
    let name = format!("density-{one}");
    let mut run = kit.zerohop_run(&name);
    run.args(["--to", "null:nv12", "--trace"]).arg(trace(kit, one));
    let options = ["--size", "1920x1080", "--plain", "--drawn", "--frames", "1000000"];
    // It says something when it runs.
    kit.start(kit.pattern(&mut run, &options).args(["--watch-every", "10"]), &name)
}

/// MiB of the host and of its application.
fn memory(host: u32) -> Option<(f64, f64)> {
    let application = stat::descendant(host, "zerohop-pattern")?;
    let mib = |pid| Some(number(usize::try_from(stat::memory_kib(pid)?).ok()?) / 1024.0);
    Some((mib(host)?, mib(application)?))
}

/// Where the trace of one goes.
fn trace(kit: &Kit, one: usize) -> PathBuf {
    kit.path(&format!("density-{one}.trace"))
}

/// What became of the pictures that were presented when `level` was looked at.
fn look(level: &mut Level, traces: &[Result<Vec<Picture>>]) -> Result<()> {
    let (mut whole, mut steps) = (Vec::new(), [const { Vec::new() }; 3]);
    let time = level.time.clone();
    for pictures in &traces[..level.applications] {
        let pictures = pictures.as_ref().map_err(|err| anyhow!("{err:#}"))?;
        for picture in pictures.iter().filter(|picture| picture.was_presented_in(&time)) {
            whole.extend(picture.until("convert"));
            for (step, times) in STEPS.iter().zip(&mut steps) {
                times.extend(picture.took(step));
            }
        }
    }
    if whole.is_empty() {
        bail!("{} applications, and no picture was converted", level.applications);
    }
    let wanted = (time.end - time.start).as_secs_f64() * RATE;
    level.share = number(whole.len()) / (wanted * number(level.applications));
    level.p50 = percentile(&mut whole, 50);
    level.p99 = percentile(&mut whole, 99);
    level.steps = steps.map(|mut times| percentile(&mut times, 99));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}
