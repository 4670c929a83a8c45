//! How long it takes from a present until CUDA has the picture, against what it takes to have a copy.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::kit::Kit;
use crate::report::Report;
use crate::row::{Row, Target};
use crate::spans::{self, Picture, percentile};

/// The size of the pictures.
const SIZE: &str = "3840x2160";
/// Pictures a second: few enough that none waits for another.
const RATE: &str = "120";
/// Keeps the host from sleeping, which measures how long the machine takes to wake a thread.
const AWAKE: &[&str] = &["--spin"];
/// Alternating repetitions.
const ROUNDS: usize = 3;
/// How many of 100 pictures are to arrive at least.
const SHARE: f64 = 90.0;
/// Percentiles, and what those of our way are to be at most, in microseconds.
const ASKED: [(usize, Option<f64>); 3] = [(50, Some(60.0)), (95, None), (99, Some(250.0))];

/// Ours and both others in turns, on one machine in one run.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let (mut ours, mut path, mut others) = (Vec::new(), String::new(), Vec::new());
    let mut parts = Parts::default();
    for round in 0..kit.few(ROUNDS, 1) {
        let name = format!("latency-{round}");
        path = present(kit, &name, AWAKE, &mut ours, &mut parts)?;
        others.push(copies(kit, &name)?);
    }
    let mut asleep = Vec::new();
    present(kit, "latency-asleep", &[], &mut asleep, &mut Parts::default())?;
    let way = if kit.has_cuda() { "ready in CUDA" } else { "ready in Vulkan" };
    for (percent, asked) in ASKED {
        let name = format!("present to {way}, p{percent}");
        let found = percentile(&mut ours, percent);
        match asked {
            Some(most) => Row::judged(&name, found, "us", Target::AtMost(most)),
            None => Row::measured(&name, found, "us"),
        }
        .note(format!("{} pictures of {SIZE}, with --spin; {path}", ours.len()))
        .tell();
    }
    parts.tell();
    for (percent, _) in ASKED {
        let found = percentile(&mut asleep, percent);
        let note =
            "the host sleeps between pictures, as it does without --spin, and has to wake up";
        Row::measured(&format!("the same from sleep, p{percent}"), found, "us").note(note).tell();
    }
    compare(&mut ours, &others);
    Ok(())
}

/// What the copies cost, next to `ours`.
fn compare(ours: &mut [f64], others: &[Value]) {
    for (key, name) in [
        ("through_cpu", "image to host memory to memcpy"),
        ("on_device", "image to a buffer on the GPU"),
    ] {
        for (percent, _) in ASKED {
            let mut found = others
                .iter()
                .filter_map(|one| one[format!("{key}_p{percent}")].as_f64())
                .collect::<Vec<_>>();
            let (found, ours) = (percentile(&mut found, 50), percentile(ours, percent));
            let note = format!("{:.1} times ours, before it is handed on", found / ours);
            Row::measured(&format!("{name}, p{percent}"), found, "us").note(note).tell();
        }
    }
}

/// Pictures that the device has drawn before they are presented, so that only the way is measured: from
/// the call of `vkQueuePresentKHR` until the host has seen that CUDA can read the whole picture. Adds the
/// microseconds of each, and says how they came, and how many of them.
fn present(
    kit: &Kit,
    name: &str,
    more: &[&str],
    times: &mut Vec<f64>,
    parts: &mut Parts,
) -> Result<String> {
    let (trace, frames) = (kit.path(&format!("{name}.trace")), kit.few("480", "60"));
    let mut run = kit.zerohop_run(name);
    run.args(["--to", &kit.view("null"), "--trace"]).arg(&trace).args(more);
    let options = ["--size", SIZE, "--plain", "--drawn", "--frames", frames];
    let paced = ["--present-mode", "immediate", "--rate-limit", RATE];
    kit.run(kit.pattern(&mut run, &options).args(paced), name)?;
    // Without CUDA, the picture is ready when the host may read it.
    let step = if kit.has_cuda() { "present_to_cuda" } else { "present_to_host" };
    let pictures = spans::read(&trace)?;
    // The first ones pay for imports and for the start.
    let warm = &pictures[pictures.len() / 8..];
    let came: Vec<_> = warm.iter().filter_map(|picture| picture.until(step)).collect();
    warm.iter().for_each(|picture| parts.add(picture, step));
    if came.is_empty() {
        bail!("the trace has no {step}");
    }
    // Those that are lost may be the late ones.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let share = came.len() as f64 * 100.0 / warm.len() as f64;
    Row::judged(&format!("{name}: pictures that came"), share, "%", Target::AtLeast(SHARE)).tell();
    times.extend(came);
    let path = Report::read(&kit.path(&format!("{name}.json")))?.path();
    Ok(format!("{share:.0} % of them arrived; {path}"))
}

/// What a picture's way is made of, in microseconds, so that a slow machine can be explained.
#[derive(Default)]
struct Parts([Vec<f64>; PARTS.len()]);

/// In the order in which they come.
const PARTS: [&str; 5] = [
    "before its submission",
    "the submission",
    "from there to the message",
    "the message",
    "the host, until CUDA can read",
];

impl Parts {
    /// Those of a picture that came to `last`, the host's last step.
    fn add(&mut self, picture: &Picture, last: &str) {
        let until = |step| picture.until(step);
        let all = || {
            let (submitted, took) = (until("submit")?, picture.took("submit")?);
            let (sent, heard, ready) = (until("sent")?, until("present_to_host")?, until(last)?);
            Some([submitted - took, took, sent - submitted, heard - sent, ready - heard])
        };
        if let Some(all) = all() {
            self.0.iter_mut().zip(all).for_each(|(part, one)| part.push(one));
        }
    }

    fn tell(&mut self) {
        for (name, part) in PARTS.iter().zip(&mut self.0) {
            let [half, most] = [50, 95].map(|percent| percentile(part, percent));
            Row::measured(&format!("of that {name}, p50"), half, "us")
                .note(format!("p95 {most:.0} us"))
                .tell();
        }
    }
}

/// What the copies cost, by the names of their figures.
fn copies(kit: &Kit, name: &str) -> Result<Value> {
    let mut copies = Command::new(kit.program("copies"));
    copies.args([SIZE, kit.few("200", "10")]);
    let said = kit.run(&mut copies, &format!("{name}-copies"))?.out;
    serde_json::from_str(&said).with_context(|| format!("copies says {said:?}"))
}
