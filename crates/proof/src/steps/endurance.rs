//! Many pictures of changing size: what grew that should not.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::kit::{Kit, LIMIT};
use crate::process::Running;
use crate::report::Report;
use crate::row::{Row, Target};
use crate::stat::{self, Gpu};

/// Pictures in a second: as many as the time wants, one after the other, so that none is replaced by
/// the next one.
const RATE: &str = "1250";

/// A look at what the host and the application hold.
#[derive(Clone, Copy, Debug)]
struct Look {
    host_descriptors: f64,
    host_mib: f64,
    application_descriptors: f64,
    application_mib: f64,
    /// Of all processes, since containers hide which.
    gpu_mib: Option<f64>,
}

/// Each is a name, a unit, how much it may grow, and where it is in a look.
type Figure = (&'static str, &'static str, f64, fn(&Look) -> Option<f64>);

/// Descriptors: those of one swapchain come and go. One that leaks at each resize leaves hundreds.
const FIGURES: [Figure; 5] = [
    ("host's descriptors grew by", "", 4.0, |look| Some(look.host_descriptors)),
    ("host's memory grew by", "MiB", 8.0, |look| Some(look.host_mib)),
    ("application's descriptors grew by", "", 4.0, |look| Some(look.application_descriptors)),
    ("application's memory grew by", "MiB", 8.0, |look| Some(look.application_mib)),
    ("GPU memory grew by", "MiB", 4.0, |look| look.gpu_mib),
];

/// Runs it, and compares what was held in its first half with its second half.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let frames = kit.few("100000", "3000");
    let seconds = kit.few(100, 20);
    let mut run = kit.zerohop_run("endurance");
    run.args(["--to", &kit.view("null"), "--seconds", &seconds.to_string()]);
    let options = ["--size", "640x360", "--frames", frames, "--resize-every", "250"];
    let drawn = ["--plain", "--drawn", "--present-mode", "immediate", "--rate-limit", RATE];
    let options = [&options[..], &drawn].concat();
    let calls = kit.path("calls");
    run.envs(kit.fake.then_some(("ZEROHOP_CUDA_REPORT", &calls)));
    let running = kit.start(kit.pattern(&mut run, &options), "endurance")?;
    let looks = watch(running, Duration::from_millis(kit.few(500, 100)))?;
    tell(&Report::read(&kit.path("endurance.json"))?, frames.parse()?)?;
    compare(&looks);
    if kit.fake {
        count(&fs::read_to_string(&calls).context("the fake of CUDA wrote nothing")?);
    }
    Ok(())
}

/// How many pictures there were, and how many of them came through, of those that were `wanted`.
fn tell(report: &Report, wanted: f64) -> Result<()> {
    let presented = report.number("/frames_presented")?;
    let sizes = format!("a new size after every 250; {}", report.path());
    Row::judged("pictures", presented, "", Target::AtLeast(wanted)).note(sizes).tell();
    let (dropped, replaced) =
        (report.number("/frames_dropped")?, report.number("/frames_replaced")?);
    let came = presented - dropped - replaced;
    Row::judged("pictures that came through", came, "", Target::AtLeast(wanted / 2.0))
        .note("neither dropped nor replaced")
        .tell();
    let late = format!(
        "of {RATE} a second, when a host was behind: it imports the images of each new size; \
         {replaced} replaced by the next one"
    );
    Row::measured("pictures dropped", dropped, "").note(late).tell();
    Ok(())
}

/// What the fake of CUDA counted: a line for each kind of object, and one for each broken rule.
fn count(said: &str) {
    let sum = |word: &str| -> f64 {
        let lines = said.lines().filter_map(|line| line.strip_prefix(word));
        lines.filter_map(|line| line.split_whitespace().next()?.parse::<f64>().ok()).sum()
    };
    let broken = said.lines().filter(|line| line.starts_with("complaint ")).count();
    let imported = "cuImportExternalMemory";
    let imports = said.lines().find_map(|line| line.strip_prefix("call ")?.strip_suffix(imported));
    let note = format!("{} imports", imports.unwrap_or("0").trim());
    Row::judged("CUDA objects left", sum("live "), "", Target::AtMost(0.0)).note(note).tell();
    let most = sum("most ");
    Row::measured("most CUDA objects at once", most, "").tell();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let broken = broken as f64;
    Row::judged("rules of CUDA broken", broken, "", Target::AtMost(0.0)).tell();
}

/// Looks until the end.
fn watch(mut running: Running, beat: Duration) -> Result<Vec<Look>> {
    let (begin, mut looks) = (Instant::now(), Vec::new());
    while running.lives() && begin.elapsed() < Duration::from_secs(105) {
        sleep(beat);
        looks.extend(look(running.id()));
    }
    running.wait(LIMIT)?.good()?;
    if looks.len() < 8 {
        bail!("it ended after {} looks, too soon to tell", looks.len());
    }
    Ok(looks)
}

fn look(host: u32) -> Option<Look> {
    let application = stat::descendant(host, "zerohop-pattern")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (mib, count) = (|kib: u64| kib as f64 / 1024.0, |count: usize| count as f64);
    Some(Look {
        host_descriptors: count(stat::descriptors(host)?),
        host_mib: mib(stat::memory_kib(host)?),
        application_descriptors: count(stat::descriptors(application)?),
        application_mib: mib(stat::memory_kib(application)?),
        gpu_mib: Gpu::now().map(|gpu| gpu.memory_mib),
    })
}

/// The least that was held in the third quarter and after, less the least before: what is in flight
/// comes and goes, a leak only comes. The first eighth is the start.
fn compare(looks: &[Look]) {
    let looks = &looks[looks.len() / 8..];
    let (early, late) = looks.split_at(looks.len() / 2);
    for (name, unit, most, figure) in FIGURES {
        let least = |looks: &[Look]| looks.iter().filter_map(figure).reduce(f64::min);
        match (least(early), least(late)) {
            (Some(early), Some(late)) => {
                let note = format!("from {early:.0} to {late:.0}");
                Row::judged(name, late - early, unit, Target::AtMost(most)).note(note).tell();
            }
            _ => Row::absent(name, "nvidia-smi says nothing here").tell(),
        }
    }
}
