//! What happens when something dies.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::kit::{Kit, LIMIT};
use crate::process::{self, Ended, Running, last_line};
use crate::report::Report;
use crate::row::Row;
use crate::stat;

/// Makes the layer that a driver is a lesser one with lose the device after so many submissions.
const LOST: (&str, &str) = ("ZEROHOP_HIDE", "lost=100");

/// What is tried, and how.
type Harm = (&'static str, fn(&Kit) -> Result<Verdict>);

/// What came of it: it holds, or it cannot be tried here, and why.
enum Verdict {
    Holds(String),
    Absent(&'static str),
}

const HARMS: [Harm; 5] = [
    ("application killed", application),
    ("host killed", host),
    ("CUDA call failed", failed_call),
    ("device lost in the application", lost_in_application),
    ("device lost in the host", lost_in_host),
];

/// Each of them.
pub(super) fn run(kit: &Kit) -> Result<()> {
    for (name, harm) in HARMS {
        match harm(kit) {
            Ok(Verdict::Holds(note)) => Row::holds(name, note).tell(),
            Ok(Verdict::Absent(why)) => Row::absent(name, why).tell(),
            Err(err) => Row::fails(name, format!("{err:#}")).tell(),
        }
        process::end_descendants();
    }
    Ok(())
}

/// Numbered pictures that nobody keeps, for `seconds` at 60 Hz; and the application, once it runs.
fn begin(kit: &Kit, name: &str, seconds: u32) -> Result<(Running, u32)> {
    let frames = (seconds * 60).to_string();
    let mut run = kit.zerohop_run(name);
    run.args(["--to", &kit.view("null")]);
    let running = kit.start(kit.pattern(&mut run, &["--frames", &frames]), name)?;
    let application = wait_for(|| stat::descendant(running.id(), "zerohop-pattern"));
    let application = application.context("no application was started")?;
    // Long enough for the first pictures, also on a busy machine.
    sleep(Duration::from_secs(2));
    Ok((running, application))
}

/// The host ends, with the application's own signal.
fn application(kit: &Kit) -> Result<Verdict> {
    let (running, application) = begin(kit, "application", 30)?;
    process::kill(application, Signal::KILL);
    let begin = Instant::now();
    let ended = running.wait(Duration::from_secs(10))?;
    match ended.status.code() {
        Some(137) => {
            Ok(Verdict::Holds(format!("the host ended with 137 after {:?}", begin.elapsed())))
        }
        _ => bail!("the host ended with {}: {}", ended.status, last_line(&ended.err)),
    }
}

/// The application goes on to its own end, and nothing stays.
fn host(kit: &Kit) -> Result<Verdict> {
    let (running, application) = begin(kit, "host", 5)?;
    running.signal(Signal::KILL);
    // It is a corpse until it is waited for.
    running.wait(LIMIT)?;
    // A corpse has its processor time still, but no more of it.
    let before = stat::cpu_time(application);
    sleep(Duration::from_secs(1));
    if stat::cpu_time(application) <= before {
        bail!("the application died with the host, or stands still");
    }
    let left = || stat::descendants(std::process::id());
    wait_for(|| left().is_empty().then_some(()))
        .with_context(|| format!("{} processes are left", left().len()))?;
    Ok(Verdict::Holds("the application went on to its end, and nothing was left".to_owned()))
}

/// A call of CUDA's that answers with an error ends the run in a line, and not well.
fn failed_call(kit: &Kit) -> Result<Verdict> {
    if !kit.has_cuda() {
        return Ok(Verdict::Absent("there is no CUDA"));
    }
    // CUDA_ERROR_ILLEGAL_ADDRESS, after which the context is lost. Each picture that is read back has
    // its event; a proof has one, too.
    const PLAN: &str = "cuEventRecord:8=700";
    let mut run = kit.zerohop_run("failed-call");
    run.args(["--to", "checksum,view=cuda"]);
    if kit.fake {
        run.env("ZEROHOP_CUDA_FAIL", PLAN);
    } else {
        // A library that answers for one of the driver's functions.
        run.env("LD_PRELOAD", kit.program("libzerohop_testkit_fail.so")).env("ZEROHOP_FAIL", PLAN);
    }
    kit.pattern(&mut run, &["--frames", "120", "--size", "320x180"]);
    let ended = process::run(&mut run, "failed-call", kit.folder(), LIMIT)?;
    let line = ended.err.lines().find(|line| line.contains("ILLEGAL_ADDRESS"));
    match line {
        Some(line) if ended.status.code().is_some_and(|code| code != 0) => {
            Ok(Verdict::Holds(format!("{}: {line}", ended.status)))
        }
        _ => bail!("{}, and no line about it: {}", ended.status, last_line(&ended.err)),
    }
}

/// The application is told, and ends with an error of its own; the host ends with it.
fn lost_in_application(kit: &Kit) -> Result<Verdict> {
    let mut run = lossy(kit, "lost-application");
    run.args(["--to", &kit.view("null"), "--display", "none", "--", "env"]);
    run.arg(format!("{}={}", LOST.0, LOST.1)).arg(kit.program("zerohop-pattern"));
    let ended =
        process::run(run.args(["--frames", "600"]), "lost-application", kit.folder(), LIMIT)?;
    told(&ended, &[1])
}

/// The host says so, and the application goes on to its end.
fn lost_in_host(kit: &Kit) -> Result<Verdict> {
    let mut run = lossy(kit, "lost-host");
    run.env(LOST.0, LOST.1).args(["--to", "null", "--display", "none", "--", "env", "-u", LOST.0]);
    run.arg(kit.program("zerohop-pattern")).args(["--frames", "300", "--size", "320x180"]);
    let ended = process::run(&mut run, "lost-host", kit.folder(), LIMIT)?;
    let report = Report::read(&kit.path("lost-host.json"))?;
    if report.word("/device").contains("llvmpipe") {
        return Ok(Verdict::Absent(
            "pictures are read in place: nothing is submitted to this device",
        ));
    }
    told(&ended, &[0, 125])
}

/// `zerohop run` under the layer that loses devices, where it is told to.
fn lossy(kit: &Kit, name: &str) -> Command {
    let mut run = kit.zerohop_run(name);
    run.env("VK_INSTANCE_LAYERS", "VK_LAYER_ZEROHOP_hide")
        .env("VK_LAYER_PATH", kit.program("hide"));
    run
}

/// The line that tells of the loss, where it ended with one of those codes.
fn told(ended: &Ended, codes: &[i32]) -> Result<Verdict> {
    let line = ended.err.lines().find(|line| line.to_lowercase().contains("lost"));
    let last = last_line(&ended.err);
    match (ended.status.code(), line) {
        (Some(found), Some(line)) if codes.contains(&found) => {
            Ok(Verdict::Holds(format!("{found}: {line}")))
        }
        _ => bail!("{}, not {codes:?} and a line about it: {last}", ended.status),
    }
}

fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(15) {
        if let Some(found) = what() {
            return Some(found);
        }
        sleep(Duration::from_millis(20));
    }
    None
}
