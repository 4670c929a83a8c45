//! The application: draws, presents, and makes its swapchain anew when it must.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::{Device, DeviceOptions, Features, Instance};
use ash::khr;

use super::options::Play;
use super::stage::Stage;

/// Plays to the end, and prints one line of JSON about it.
pub(super) fn play(options: &Play) -> Result<ExitCode, Box<dyn Error>> {
    let instance = Instance::new()?;
    let mut extensions = Vec::new();
    if options.has_ids() {
        extensions.push(khr::present_id::NAME);
    }
    if options.step {
        extensions.push(khr::present_wait::NAME);
    }
    if options.damage.is_some() {
        extensions.push(khr::incremental_present::NAME);
    }
    let (present_id, present_wait) = (options.has_ids(), options.step);
    let features = Features { present_id, present_wait, ..Features::default() };
    let device = Device::new(&instance, &DeviceOptions { extensions: &extensions, features })?;
    let mut stages = Vec::new();
    for _ in 0..options.windows {
        stages.push(Stage::new(&device, options)?);
    }
    let begin = Instant::now();
    let frames = run(options, &mut stages, begin)?;
    let elapsed = begin.elapsed();
    let recreations: u32 = stages.iter().map(|stage| stage.recreations).sum();
    drop(stages);
    finish(frames, elapsed, recreations, &instance, device)
}

/// Presents until all is shown or the time is over. Returns how many presents that were.
fn run(options: &Play, stages: &mut [Stage], begin: Instant) -> Result<u32, Box<dyn Error>> {
    let is_over = || options.seconds.is_some_and(|most| begin.elapsed().as_secs_f64() >= most);
    let mut done = 0;
    let period = options.rate_limit.map(|hz| Duration::from_secs_f64(hz.recip()));
    for present in 0..options.frames {
        if let Some(period) = period {
            thread::sleep((begin + period * present).saturating_duration_since(Instant::now()));
        }
        for stage in &mut *stages {
            stage.show(present)?;
        }
        if options.step {
            step(stages)?;
        }
        done = present + 1;
        if options.watch_every.is_some_and(|every| done.is_multiple_of(every)) {
            Watch::now(done, begin).print()?;
        }
        if is_over() {
            break;
        }
    }
    stages.iter_mut().try_for_each(Stage::finish)?;
    Ok(done)
}

/// Says that the pictures are shown, when they are, and waits for a line or the end of them.
fn step(stages: &[Stage]) -> Result<(), Box<dyn Error>> {
    for stage in stages {
        println!("shown {}", stage.wait_shown()?);
    }
    io::stdout().flush()?;
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// What the process has at one moment.
struct Watch {
    presents: u32,
    seconds: f64,
    descriptors: usize,
    /// Resident memory in KiB, shared memory included, files not.
    memory: u64,
}

impl Watch {
    fn now(presents: u32, begin: Instant) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kib = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        Self {
            presents,
            seconds: begin.elapsed().as_secs_f64(),
            descriptors: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            memory: kib("RssAnon:") + kib("RssShmem:"),
        }
    }

    /// One line of JSON, at once.
    fn print(&self) -> io::Result<()> {
        let Self { presents, seconds, descriptors, memory } = self;
        println!(
            "{{\"presents\":{presents},\"seconds\":{seconds:.6},\
             \"descriptors\":{descriptors},\"memory_kib\":{memory}}}"
        );
        io::stdout().flush()
    }
}

/// Says how it went. What the validation layer said is a failure.
fn finish(
    frames: u32,
    elapsed: Duration,
    recreations: u32,
    instance: &Instance,
    device: Arc<Device>,
) -> Result<ExitCode, Box<dyn Error>> {
    drop(device);
    let seconds = elapsed.as_secs_f64();
    let fps = f64::from(frames) / seconds.max(f64::EPSILON);
    println!(
        "{{\"frames\":{frames},\"seconds\":{seconds:.6},\"fps\":{fps:.3},\
         \"recreations\":{recreations}}}"
    );
    let messages = instance.messages();
    messages.iter().for_each(|message| eprintln!("validation: {message}"));
    Ok(if messages.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
