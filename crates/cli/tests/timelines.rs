//! Recordings where timelines are what passes between an application and its host: a driver without
//! fences of the kernel's that shares its timeline semaphores, as NVIDIA's does.
//!
//! The layer `VK_LAYER_ZEROHOP_timeline` makes one of llvmpipe, which calls itself a GPU there: so pictures
//! are read on the device, and both devices wait for each other. The validation layer, with
//! synchronization validation, is above ours in one run and below in the others. The application and the
//! checker are this program, started again as `zerohop-pattern`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use zerohop_layer_timeline::{DISGUISE, LAYER_NAME, LIBRARY};
use zerohop_manifest::{Activation, DMABUF};
use zerohop_needs::absent;

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// The first argument of the application.
const FLAG: &str = "--pattern";

const VALIDATION: &str = "VK_LAYER_KHRONOS_validation";
const WSI: &str = "VK_LAYER_ZEROHOP_wsi";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|flag| flag == FLAG) {
        return zerohop_testkit::app::run(env::args_os().skip(1));
    }
    let tests: [(&str, fn()); 6] = [
        ("no_cpu_waits_between_a_present_and_the_hosts_submission", no_wait),
        ("a_mailbox_is_not_held_up_by_its_gpu", mailbox),
        ("validation_above_the_layer_is_silent", above),
        ("fences_that_a_layer_waits_for_give_way_and_are_told_of", emulated),
        ("an_application_goes_on_when_its_host_is_killed_or_stopped", host_gone),
        ("a_host_goes_on_when_its_application_is_killed", application_gone),
    ];
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::ignorable_test(name, move || {
            let there = [LIBRARY, DMABUF.library, "libzerohop_layer_wsi.so"];
            let there = there.into_iter().all(|library| built(library).exists());
            if !there {
                return absent("layer", "it is not there");
            }
            test();
            Ok(Completion::Completed)
        })
    });
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(1);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// A library as the tests' own build made it.
fn built(library: &str) -> PathBuf {
    Path::new(ZEROHOP).with_file_name("deps").join(library)
}

/// One recording.
struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `zerohop run OPTIONS -- zerohop-pattern PATTERN` with `layers` in this order.
    fn run(&self, layers: &[&str], options: &[&str], pattern: &[&str]) -> Command {
        let folder = self.path("layer");
        zerohop_layer_timeline::install(&built(LIBRARY), &folder).unwrap();
        let found = format!("{}:{}", zerohop_testkit::layers::system(), folder.display());
        let sync = "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT";
        let mut command = Command::new(ZEROHOP);
        command.args(["run", "--display", "none"]);
        command.arg("--report").arg(self.path("report.json"));
        command.arg("--trace").arg(self.path("trace.json")).args(options).arg("--");
        command.arg(env::current_exe().unwrap()).arg(FLAG).args(pattern);
        command.env("XDG_RUNTIME_DIR", self.0.path());
        command.env("ZEROHOP_LAYER_PATH", built("libzerohop_layer_wsi.so"));
        command.env("VK_LAYER_PATH", found).env("VK_INSTANCE_LAYERS", layers.join(":"));
        command.env("VK_LAYER_ENABLES", sync).env(DISGUISE, "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// Runs it to its end. What validation says ends the application or the run with an error.
    fn play(&self, layers: &[&str], options: &[&str], pattern: &[&str]) -> Value {
        let done = self.run(layers, options, pattern).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}");
        assert!(!said.contains("VUID") && !said.contains("SYNC-HAZARD"), "{said}");
        let report = self.json("report.json");
        assert_eq!(report["sync_tier"], "timeline", "{report}");
        report
    }
}

const BELOW: &[&str] = &[WSI, VALIDATION, LAYER_NAME];

/// Events of a trace, each with its beginning and its end in microseconds.
fn spans<'a>(trace: &'a Value, name: &str, host: bool) -> Vec<(u64, u64, &'a Value)> {
    let events = trace.as_array().unwrap().iter();
    let ours = events.filter(|it| it["name"] == name && (it["pid"] == 1) == host);
    ours.map(|it| {
        let from = it["ts"].as_u64().unwrap();
        (from, from + it["dur"].as_u64().unwrap_or(0), &it["args"])
    })
    .collect()
}

/// Nothing waits in a present; and in the host, nothing but for what it has submitted itself.
fn no_wait() {
    let scene = Scene::new();
    let pictures = scene.path("pictures");
    let options = ["--validation", "--png", pictures.to_str().unwrap()];
    scene.play(BELOW, &options, &["--frames", "60", "--size", "320x180"]);
    let trace = scene.json("trace.json");
    let (presents, sent) = (spans(&trace, "present", false), spans(&trace, "sent", false));
    assert!(presents.len() == 60 && sent.len() > 50, "{} and {}", presents.len(), sent.len());
    for (begin, end, args) in spans(&trace, "wait", false) {
        let within = |(from, to, _): &&(u64, u64, &Value)| begin < *to && *from < end;
        assert!(presents.iter().find(within).is_none(), "{args} in a present");
    }
    let waits = spans(&trace, "wait", true);
    assert!(!waits.is_empty(), "the host waits for its verdicts");
    for (_, _, args) in waits {
        assert_eq!(args["reason"], "the device", "the host waits for the application's fence");
    }
    let mut check = Command::new(env::current_exe().unwrap());
    check.arg(FLAG).arg("check").arg(&pictures).args(["--frames", "60", "--missing"]);
    let checked = check.output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

/// Pictures that replace each other do not wait for each other's GPU work.
fn mailbox() {
    let scene = Scene::new();
    let pattern = ["--frames", "120", "--size", "320x180", "--present-mode", "mailbox"];
    scene.play(BELOW, &["--validation", "--to", "null"], &pattern);
    let trace = scene.json("trace.json");
    let presents = spans(&trace, "present", false);
    assert_eq!(presents.len(), 120);
    for (begin, end, args) in spans(&trace, "wait", false) {
        let within = |(from, to, _): &&(u64, u64, &Value)| begin < *to && *from < end;
        assert!(presents.iter().find(within).is_none(), "{args} in a present");
    }
}

fn above() {
    let layers = [VALIDATION, WSI, LAYER_NAME];
    let pattern = ["--frames", "20", "--size", "320x180"];
    Scene::new().play(&layers, &["--to", "null"], &pattern);
}

/// `VK_LAYER_ZEROHOP_dmabuf` has `SYNC_FD` on any driver, and waits for the GPU whenever one leaves.
fn emulated() {
    let scene = Scene::new();
    let dmabuf = scene.path("dmabuf");
    DMABUF.install(&built(DMABUF.library), &dmabuf, Activation::Explicit).unwrap();
    let layers = [WSI, DMABUF.name, VALIDATION, LAYER_NAME];
    // Large enough not to be drawn before the fence is asked for.
    let pattern = ["--frames", "60", "--size", "1280x720"];
    let mut command = scene.run(&layers, &["--to", "null"], &pattern);
    let path = command.get_envs().find(|(name, _)| *name == "VK_LAYER_PATH").unwrap().1.unwrap();
    let path = format!("{}:{}", dmabuf.display(), path.to_str().unwrap());
    let done = command.env("VK_LAYER_PATH", path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report = scene.json("report.json");
    let fallbacks = report["fallbacks"].to_string();
    let said =
        "the driver waits for the GPU before it exports a SYNC_FD semaphore: timelines are shared";
    assert!(fallbacks.contains(said), "{report}");
    assert_eq!(report["sync_tier"], "timeline", "{report}");
}

fn pid(of: u32) -> Pid {
    Pid::from_raw(i32::try_from(of).unwrap()).unwrap()
}

/// The children of a process, and theirs, that are the application.
fn applications(of: u32) -> Vec<Pid> {
    let children = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children"));
    let children = children.unwrap_or_default();
    let pids = children.split_whitespace().filter_map(|one| one.parse::<u32>().ok());
    let is_application = |one: &u32| {
        let line = std::fs::read(format!("/proc/{one}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(FLAG)
    };
    pids.filter(is_application).map(pid).collect()
}

/// Waits until the application has shown something.
fn begun(scene: &Scene, run: &mut Child) -> Vec<Pid> {
    let begin = Instant::now();
    loop {
        let found = applications(run.id());
        let parts = scene.0.path().read_dir().unwrap().flatten();
        let drawn = |it: &std::fs::DirEntry| {
            let name = it.file_name().to_string_lossy().into_owned();
            name.starts_with("trace.json.") && it.metadata().is_ok_and(|it| it.len() > 2000)
        };
        if !found.is_empty() && parts.into_iter().any(|it| drawn(&it)) {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "no application came");
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        sleep(Duration::from_millis(5));
    }
}

fn ends(mut child: Child) {
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end");
        }
        sleep(Duration::from_millis(10));
    }
}

/// The application is our child's child: it is looked at until it is gone.
fn all_end(applications: &[Pid]) {
    let begin = Instant::now();
    let lives = |pid: &Pid| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    while applications.iter().any(lives) {
        if begin.elapsed() > PATIENCE {
            applications.iter().for_each(|pid| {
                let _ = kill_process(*pid, Signal::KILL);
            });
            panic!("an application hangs without its host");
        }
        sleep(Duration::from_millis(10));
    }
}

/// How many times something is killed in the middle, at moments of no pattern.
const ROUNDS: u64 = 3;

fn host_gone() {
    for round in 0..ROUNDS {
        let scene = Scene::new();
        let pattern = ["--frames", "400", "--size", "640x360", "--rate-limit", "120"];
        let mode = if round % 2 == 0 { "mailbox" } else { "fifo" };
        let pattern = [&pattern[..], &["--present-mode", mode]].concat();
        let mut run = scene.run(&[WSI, LAYER_NAME], &["--to", "null"], &pattern).spawn().unwrap();
        let applications = begun(&scene, &mut run);
        sleep(Duration::from_millis(round * 61 % 197));
        let host = pid(run.id());
        // One that is stopped keeps what it has; it goes on later, and is told that it was left.
        kill_process(host, Signal::STOP).unwrap();
        let before = told(&scene);
        sleep(Duration::from_millis(2500));
        assert!(told(&scene) > before, "an application stands still with its host");
        kill_process(host, Signal::CONT).unwrap();
        if round % 3 == 0 {
            kill_process(host, Signal::KILL).unwrap();
        }
        ends(run);
        // Killed with its host by the guard, or through by itself: it does not hang.
        all_end(&applications);
    }
}

/// How much the applications have told of themselves: it grows as they go on.
fn told(scene: &Scene) -> u64 {
    let parts = scene.0.path().read_dir().unwrap().flatten();
    let parts = parts.filter(|it| it.file_name().to_string_lossy().starts_with("trace.json."));
    parts.filter_map(|it| it.metadata().ok()).map(|it| it.len()).sum()
}

fn application_gone() {
    for round in 0..ROUNDS {
        let scene = Scene::new();
        let pattern = ["--frames", "2000", "--size", "640x360", "--present-mode", "mailbox"];
        let mut run = scene.run(&[WSI, LAYER_NAME], &["--to", "null"], &pattern).spawn().unwrap();
        let applications = begun(&scene, &mut run);
        sleep(Duration::from_millis(round * 43 % 151));
        applications.iter().for_each(|pid| kill_process(*pid, Signal::KILL).unwrap());
        ends(run);
        let report = scene.json("report.json");
        assert_eq!(report["application"]["signal"], 9, "{report}");
        assert_eq!(report["sync_tier"], "timeline", "{report}");
    }
}
