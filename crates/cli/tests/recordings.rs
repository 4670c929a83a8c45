//! Recordings of vkcube, and everything that may happen to one in the middle.
//!
//! Each test says what it needs. What is missing is reported as ignored, or as a failure when
//! `ZEROHOP_REQUIRE` names it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tempfile::TempDir;
use zerohop_needs::absent;

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

fn main() -> ExitCode {
    let lacks = lacks();
    let trial = |name, test: fn(&Stage)| {
        Trial::ignorable_test(name, move || match lacks {
            None => {
                test(&Stage::new());
                Ok(Completion::Completed)
            }
            Some(need) => absent(need, "it is not there"),
        })
        .with_kind("vkcube")
    };
    let tests = vec![
        trial("a_recording_is_what_its_report_says", a_recording),
        trial("a_recording_under_the_layer_for_dma_bufs_copies_nothing", through_dma_bufs),
        trial("every_nth_picture_becomes_a_file", pictures),
        trial("ctrl_c_leaves_a_playable_file", ctrl_c),
        trial("a_killed_application_leaves_a_playable_file", killed_application),
        trial("a_killed_recorder_leaves_a_playable_file_and_the_application", killed_recorder),
        trial("a_display_that_dies_is_named", killed_display),
        trial("a_full_disk_is_one_line_and_the_application_goes_on", full_disk),
        trial("eight_recordings_at_once_do_not_meet", eight),
    ];
    // One at a time: each has a display, an application and an encoder.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// The layer as the tests' own build made it. Cargo puts it beside the program only when it is
/// asked for by itself.
fn layer() -> PathBuf {
    Path::new(ZEROHOP).with_file_name("deps").join("libzerohop_layer_wsi.so")
}

/// What there is to be for a recording, and is not.
fn lacks() -> Option<&'static str> {
    let there = |name: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
    };
    let programs = [("vkcube", "vkcube"), ("Xvfb", "xvfb"), ("ffprobe", "ffmpeg")];
    let missing = programs.into_iter().find(|(name, _)| !there(name)).map(|(_, need)| need);
    let built = |name| layer().with_file_name(name).exists();
    let layers = ["libzerohop_layer_wsi.so", "libzerohop_layer_dmabuf.so"];
    if layers.into_iter().all(built) { missing } else { Some("layer") }
}

/// A folder for one test, which is also the runtime folder of its recordings.
struct Stage {
    folder: TempDir,
}

/// How a recording ended.
struct Ended {
    code: Option<i32>,
    said: String,
    took: Duration,
}

impl Stage {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn video(&self) -> PathBuf {
        self.path("cube.mp4")
    }

    /// `zerohop run` of vkcube on a private display, with the report and the video in the folder.
    fn record(&self, options: &[&str], vkcube: &[&str]) -> Command {
        let mut command = Command::new(ZEROHOP);
        command.arg("run").arg("-o").arg(self.video());
        command.arg("--report").arg(self.path("report.json")).args(options);
        command.args(["--", "vkcube"]).args(vkcube);
        self.alone(&mut command);
        command
    }

    fn alone(&self, command: &mut Command) {
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.env("XDG_RUNTIME_DIR", self.folder.path()).env("ZEROHOP_LAYER_PATH", layer());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("report.json")).unwrap()).unwrap()
    }

    /// Starts a recording, and returns when a second of it is in the file.
    fn begin(&self, vkcube: &[&str]) -> Child {
        let child = self.record(&[], vkcube).spawn().unwrap();
        until("a picture in the file", || {
            fs::metadata(self.video()).is_ok_and(|m| m.len() > 50_000)
        });
        child
    }

    /// Processes that were started with a socket in this folder.
    fn left(&self) -> Vec<String> {
        let mark = self.folder.path().to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let ours = entries.filter_map(|entry| {
            let environment = fs::read(entry.path().join("environ")).ok()?;
            String::from_utf8_lossy(&environment).contains(mark).then(|| entry.path())
        });
        ours.filter_map(|path| fs::read_to_string(path.join("comm")).ok()).collect()
    }
}

fn end(child: Child, begin: Instant) -> Ended {
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().or(output.status.signal().map(|signal| -signal));
    Ended { code, said: String::from_utf8(output.stderr).unwrap(), took: begin.elapsed() }
}

fn run(mut command: Command) -> Ended {
    let begin = Instant::now();
    end(command.spawn().unwrap(), begin)
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} did not come");
        sleep(Duration::from_millis(20));
    }
}

/// How many pictures a decoder that is not ours finds.
fn pictures_in(video: &Path) -> u64 {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames"]);
    let output = ffprobe.args(["-of", "csv=p=0"]).arg(video).output().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(complaints.is_empty(), "{complaints}");
    found.trim().parse().unwrap()
}

/// The process below `child` that runs `name`.
fn below(child: &Child, name: &str) -> Pid {
    let tasks = format!("/proc/{0}/task/{0}/children", child.id());
    let children = fs::read_to_string(tasks).unwrap();
    let named = children.split_whitespace().find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
    });
    Pid::from_raw(named.unwrap().parse().unwrap()).unwrap()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn a_recording(stage: &Stage) {
    let trace = stage.path("trace.json");
    let options = ["--trace", trace.to_str().unwrap(), "--validation"];
    let Ended { code, said, .. } = run(stage.record(&options, &["--c", "90"]));
    assert_eq!(code, Some(0), "{said}");
    let report = stage.report();
    let count = |key: &str| report.pointer(key).and_then(Value::as_u64).unwrap();
    assert_eq!(count("/frames_presented"), 90, "{report}");
    let seen = count("/frames_encoded") + count("/verdicts/unchanged");
    assert_eq!(seen + count("/frames_dropped") + count("/frames_replaced"), 90, "{report}");
    assert_eq!(pictures_in(&stage.video()), count("/frames_encoded"), "{report}");
    assert_eq!((count("/bytes_copied_by_cpu"), count("/gpu_copies")), (0, 0), "{report}");
    assert!(["opaque_fd", "dma_buf"].contains(&report["handover"].as_str().unwrap()));
    assert!(["sync_file", "signaled"].contains(&report["sync_tier"].as_str().unwrap()));
    assert_eq!(report["application"]["exit_code"], 0);
    for step in ["present_to_host", "import", "classify", "convert", "encode", "release"] {
        assert!(count(&format!("/stages/{step}/count")) > 0, "{step} in {report}");
    }
    let events: Vec<Value> = serde_json::from_slice(&fs::read(trace).unwrap()).unwrap();
    let encoded = events.iter().filter(|one| one["name"] == "encode" && one["ph"] == "b").count();
    assert_eq!(encoded as u64, count("/frames_encoded"));
    assert!(stage.left().is_empty(), "{:?}", stage.left());
}

fn through_dma_bufs(stage: &Stage) {
    let mut command = stage.record(&["--validation"], &["--c", "30"]);
    command.env("VK_INSTANCE_LAYERS", "VK_LAYER_ZEROHOP_dmabuf").env("ZEROHOP_DMABUF", "always");
    let Ended { code, said, .. } = run(command);
    assert_eq!(code, Some(0), "{said}");
    let report = stage.report();
    let count = |key: &str| report.pointer(key).and_then(Value::as_u64).unwrap();
    assert_eq!((count("/bytes_copied_by_cpu"), count("/gpu_copies")), (0, 0), "{report}");
    let handover = report["handover"].as_str().unwrap();
    let dma_buf = Path::new("/dev/udmabuf").exists();
    assert_eq!(handover, if dma_buf { "dma_buf" } else { "shm" }, "{report}");
    assert_eq!(pictures_in(&stage.video()), count("/frames_encoded"), "{report}");
}

fn pictures(stage: &Stage) {
    let folder = stage.path("pictures");
    let options = ["--png", folder.to_str().unwrap(), "--every", "10", "--frames", "31"];
    let Ended { code, said, .. } = run(stage.record(&options, &[]));
    assert_eq!(code, Some(0), "{said}");
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        assert!(fs::read(name).unwrap().starts_with(b"\x89PNG\r\n"));
    }
    let report = stage.report();
    assert!(report["sink_copies"]["cpu_bytes"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["bytes_copied_by_cpu"], 0, "{report}");
}

fn ctrl_c(stage: &Stage) {
    let (child, begin) = (stage.begin(&[]), Instant::now());
    signal(&child, Signal::INT);
    let Ended { code, said, took } = end(child, begin);
    assert_eq!(code, Some(130), "{said}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let encoded = stage.report()["frames_encoded"].as_u64().unwrap();
    assert_eq!(pictures_in(&stage.video()), encoded);
    assert!(stage.left().is_empty(), "{:?}", stage.left());
}

fn killed_application(stage: &Stage) {
    let child = stage.begin(&[]);
    kill_process(below(&child, "vkcube"), Signal::KILL).unwrap();
    let Ended { code, said, .. } = end(child, Instant::now());
    assert_eq!(code, Some(128 + 9), "{said}");
    assert!(said.contains("zerohop: vkcube: signal 9 ended it"), "{said}");
    let encoded = stage.report()["frames_encoded"].as_u64().unwrap();
    assert_eq!(pictures_in(&stage.video()), encoded);
    assert!(stage.left().is_empty(), "{:?}", stage.left());
}

fn killed_recorder(stage: &Stage) {
    let child = stage.begin(&["--c", "300"]);
    let vkcube = below(&child, "vkcube");
    signal(&child, Signal::KILL);
    assert_eq!(end(child, Instant::now()).code, Some(-9));
    assert!(pictures_in(&stage.video()) > 0);
    sleep(Duration::from_millis(500));
    test_kill_process(vkcube).expect("the application goes on");
    until("the end of all processes", || stage.left().is_empty());
}

fn killed_display(stage: &Stage) {
    let child = stage.begin(&[]);
    kill_process(below(&child, "Xvfb"), Signal::KILL).unwrap();
    let Ended { code, said, .. } = end(child, Instant::now());
    assert!(said.contains("zerohop: the private display: Xvfb ended"), "{said}");
    assert_ne!(code, Some(0), "vkcube does not live without its display: {said}");
    assert!(pictures_in(&stage.video()) > 0);
    assert!(stage.left().is_empty(), "{:?}", stage.left());
}

fn full_disk(stage: &Stage) {
    // Can be opened, and has no room for a single byte.
    std::os::unix::fs::symlink("/dev/full", stage.video()).unwrap();
    let Ended { code, said, took } = run(stage.record(&["--seconds", "2"], &[]));
    assert_eq!(code, Some(125), "{said}");
    let lines: Vec<_> = said.lines().filter(|line| line.contains("No space left")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("cube.mp4") && lines[0].contains("goes on"), "{said}");
    assert!(took > Duration::from_millis(1900), "the application had its time: {took:?}");
    assert!(stage.left().is_empty(), "{:?}", stage.left());
}

fn eight(_: &Stage) {
    let stages: Vec<_> = (0..8).map(|_| Stage::new()).collect();
    let begin = Instant::now();
    let start = |stage: &Stage| stage.record(&[], &["--c", "30"]).spawn().unwrap();
    let children: Vec<_> = stages.iter().map(start).collect();
    for (stage, child) in stages.iter().zip(children) {
        let Ended { code, said, .. } = end(child, begin);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(stage.report()["frames_presented"], 30, "{said}");
        let encoded = stage.report()["frames_encoded"].as_u64().unwrap();
        assert!(encoded > 0 && pictures_in(&stage.video()) == encoded, "{said}");
        assert!(stage.left().is_empty(), "{:?}", stage.left());
    }
}
