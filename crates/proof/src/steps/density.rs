//! How many applications one machine carries, each with a host of its own.

use std::fs;
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::kit::{Kit, LIMIT};
use crate::process::{Running, last_line};
use crate::row::{Row, Target};
use crate::spans::{self, percentile};
use crate::stat::{self, Gpu, Processors};

/// What p99 from a present to the converted picture is to stay below, in microseconds.
const MOST: f64 = 4000.0;

/// Pictures a second of each application.
const RATE: f64 = 60.0;

/// How many are tried, one after the other.
const COUNTS: [usize; 11] = [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32];

/// When no further number is tried.
const TIME: Duration = Duration::from_secs(75);

/// How long all of them may take to start: a driver makes contexts one after the other.
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

/// More and more applications, as long as it goes well and there is time.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let begin = Instant::now();
    let (mut good, mut bad) = (None::<Level>, None::<Level>);
    for count in kit.few(&COUNTS[..], &COUNTS[..1]) {
        if begin.elapsed() > TIME {
            break;
        }
        let level = measure(kit, *count)?;
        Row::measured(&format!("p99 of {count}"), level.p99, "us").note(level.limit()).tell();
        if level.is_good() {
            good = Some(level);
        } else {
            bad = Some(level);
            break;
        }
    }
    tell(good.as_ref(), bad.as_ref());
    Ok(())
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
    /// Before anything is known.
    fn of(applications: usize) -> Self {
        Self { applications, p99: f64::INFINITY, ..Self::default() }
    }

    fn is_good(&self) -> bool {
        self.p99 <= MOST && self.share > 0.95
    }

    /// Which step is long, and what is used up.
    fn limit(&self) -> String {
        let Self { applications, running, p50, share, .. } = self;
        if running < applications {
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

/// Starts `count` of them, and looks at their pictures once all run.
fn measure(kit: &Kit, count: usize) -> Result<Level> {
    let before = Gpu::now();
    let running = (0..count).map(|one| begin(kit, one)).collect::<Result<Vec<_>>>()?;
    let mut level = Level::of(count);
    level.running = wait_for_all(&running);
    if level.running < count {
        return Ok(level);
    }
    let (begin, processors) = (stat::monotonic(), Processors::now());
    sleep(kit.few(LOOK, LOOK / 2));
    let (end, processors) = (stat::monotonic(), Processors::now().busy_since(&processors));
    let gpu = Gpu::now();
    level.processors = processors;
    level.gpu = gpu.map_or(0.0, |gpu| gpu.busy);
    level.gpu_mib =
        before.zip(gpu).map(|(before, now)| (now.memory_mib - before.memory_mib) / number(count));
    let memory = running.first().and_then(|one| memory(one.id())).unwrap_or_default();
    (level.host_mib, level.application_mib) = memory;
    running.iter().for_each(|one| one.signal(Signal::INT));
    for one in running {
        let ended = one.wait(LIMIT)?;
        // As the shell has it after Ctrl-C.
        if ended.status.code() != Some(130) {
            bail!("{}: {}", ended.status, last_line(&ended.err));
        }
    }
    look(kit, &mut level, begin..end)?;
    Ok(level)
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
    run.args(["--to", "null:nv12", "--trace"]).arg(kit.path(&format!("{name}.trace")));
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

/// Reads all traces: of each, the pictures that were presented in `time`.
fn look(kit: &Kit, level: &mut Level, time: Range<Duration>) -> Result<()> {
    let (mut whole, mut steps) = (Vec::new(), [const { Vec::new() }; 3]);
    for one in 0..level.applications {
        let file = kit.path(&format!("density-{one}.trace"));
        let pictures = spans::read(&file)?;
        for picture in pictures.iter().filter(|picture| picture.was_presented_in(&time)) {
            whole.extend(picture.until("convert"));
            for (step, times) in STEPS.iter().zip(&mut steps) {
                times.extend(picture.took(step));
            }
        }
        fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
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
