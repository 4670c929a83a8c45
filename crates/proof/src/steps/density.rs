//! How many applications one machine carries, each with a host of its own.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::kit::{Kit, LIMIT};
use crate::process::Running;
use crate::row::{Row, Target};
use crate::spans::{self, percentile};
use crate::stat::{self, Gpu, Processors};

/// What p99 from a present to the converted picture is to stay below, in microseconds.
const MOST: f64 = 4000.0;

/// Pictures a second of each application.
const RATE: f64 = 60.0;

/// The steps of a picture.
const STEPS: [&str; 3] = ["present_to_host", "classify", "convert"];

/// So many applications at once, and what came of it.
struct Level {
    applications: usize,
    /// Microseconds from the present to the converted picture.
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

/// Twice as many applications, as long as it goes well; then what lies between.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let most = kit.few(256, 2);
    let (mut good, mut bad) = (None::<Level>, None::<Level>);
    let mut count = 1;
    while count <= most {
        let level = measure(kit, count)?;
        if level.is_good() {
            good = Some(level);
            count *= 2;
        } else {
            bad = Some(level);
            break;
        }
    }
    // Two more looks tell it to a quarter.
    for _ in 0..kit.few(2, 0) {
        let (Some(below), Some(above)) = (&good, &bad) else { break };
        let between = below.applications.midpoint(above.applications);
        if between == below.applications {
            break;
        }
        let level = measure(kit, between)?;
        if level.is_good() { good = Some(level) } else { bad = Some(level) }
    }
    tell(good.as_ref(), bad.as_ref());
    Ok(())
}

fn tell(good: Option<&Level>, bad: Option<&Level>) {
    let carried = good.map_or(0.0, |level| number(level.applications));
    let limit = bad.map_or("more were not tried".to_owned(), Level::limit);
    let name = "1920x1080 applications at 60 Hz";
    let most = format!("p99 to the converted picture below {} ms; {limit}", MOST / 1000.0);
    Row::measured(name, carried, "").note(most).tell();
    if let Some(level) = good {
        let name = format!("p99 of {} applications", level.applications);
        Row::judged(&name, level.p99, "us", Target::AtMost(MOST)).note(level.limit()).tell();
    }
    if let Some(level) = good.or(bad) {
        Row::measured("host's memory for each", level.host_mib, "MiB").tell();
        Row::measured("application's memory", level.application_mib, "MiB").tell();
        match level.gpu_mib {
            Some(mib) => Row::measured("GPU memory for each", mib, "MiB").tell(),
            None => Row::absent("GPU memory for each", "nvidia-smi says nothing here").tell(),
        }
    }
}

impl Level {
    fn is_good(&self) -> bool {
        self.p99 <= MOST && self.share > 0.95
    }

    /// What is used up, and which step is long.
    fn limit(&self) -> String {
        let Self { applications, p99, share, steps: [way, classify, convert], .. } = self;
        format!(
            "{applications}: p99 {p99:.0} us (to the host {way:.0}, classify {classify:.0}, convert \
             {convert:.0}), {:.0} % of the pictures, processors {:.0} % busy, GPU {:.0} %",
            share * 100.0,
            self.processors * 100.0,
            self.gpu * 100.0
        )
    }
}

/// Starts `count` of them, and looks at their pictures once all run.
fn measure(kit: &Kit, count: usize) -> Result<Level> {
    let before = Gpu::now();
    let seconds = kit.few(5, 2);
    // All start, and all run for the same time after the last one has started.
    let start = Duration::from_millis(1500) + Duration::from_millis(60) * u32::try_from(count)?;
    let length = start.as_secs_f64() + f64::from(seconds) + 1.0;
    let running = (0..count).map(|one| begin(kit, one, length)).collect::<Result<Vec<_>>>()?;
    sleep(start);
    let processors = Processors::now();
    sleep(Duration::from_secs(u64::try_from(seconds)?));
    let processors = Processors::now().busy_since(&processors);
    let gpu = Gpu::now();
    let gpu_mib =
        before.zip(gpu).map(|(before, now)| (now.memory_mib - before.memory_mib) / number(count));
    let memory = running.first().and_then(|one| memory(one.id())).unwrap_or_default();
    for one in running {
        one.wait(LIMIT)?.good()?;
    }
    let mut level = Level {
        applications: count,
        p99: f64::NAN,
        share: 0.0,
        steps: [f64::NAN; 3],
        processors,
        gpu: gpu.map_or(0.0, |gpu| gpu.busy),
        application_mib: memory.1,
        host_mib: memory.0,
        gpu_mib,
    };
    look(kit, &mut level, f64::from(seconds))?;
    Ok(level)
}

/// An application that changes every pixel of every picture, and presents it once the device has drawn
/// it; and a host that converts all of them.
fn begin(kit: &Kit, one: usize, seconds: f64) -> Result<Running> {
    let name = format!("density-{one}");
    let mut run = kit.zerohop_run(&name);
    run.args(["--to", "null:nv12", "--trace"]).arg(kit.path(&format!("{name}.trace")));
    run.args(["--seconds", &seconds.to_string()]);
    let options = ["--size", "1920x1080", "--plain", "--drawn", "--frames", "1000000"];
    kit.start(kit.pattern(&mut run, &options), &name)
}

/// MiB of the host and of its application.
fn memory(host: u32) -> Option<(f64, f64)> {
    let application = stat::descendant(host, "zerohop-pattern")?;
    let mib = |pid| Some(number(usize::try_from(stat::memory_kib(pid)?).ok()?) / 1024.0);
    Some((mib(host)?, mib(application)?))
}

/// Reads all traces: of each, the pictures of the last `seconds` but one, when all ran.
fn look(kit: &Kit, level: &mut Level, seconds: f64) -> Result<()> {
    let wanted = seconds * RATE;
    let (mut whole, mut steps) = (Vec::new(), [const { Vec::new() }; 3]);
    for one in 0..level.applications {
        let file = kit.path(&format!("density-{one}.trace"));
        let mut pictures = spans::read(&file)?;
        let last = (wanted + RATE) as usize;
        let pictures = pictures.split_off(pictures.len().saturating_sub(last));
        let inside = &pictures[..pictures.len().min(wanted as usize)];
        whole.extend(inside.iter().filter_map(|picture| picture.until("convert")));
        for (step, times) in STEPS.iter().zip(&mut steps) {
            times.extend(inside.iter().filter_map(|picture| picture.took(step)));
        }
        fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
    }
    if whole.is_empty() {
        bail!("{} applications, and no picture was converted", level.applications);
    }
    level.share = number(whole.len()) / (wanted * number(level.applications));
    level.p99 = percentile(&mut whole, 99);
    level.steps = steps.map(|mut times| percentile(&mut times, 99));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}
