//! Recordings of applications that stand still: looked at by the host, and by the application itself.
//!
//! The application is this program, started again as `zerohop-pattern`. What it shows and how often is
//! known, so both ways must come to the same counts and the same recording.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Completion, Trial};
use serde_json::{Value, json};
use tempfile::TempDir;
use zerohop_layer_timeline::{DISGUISE, LAYER_NAME, LIBRARY};
use zerohop_needs::absent;

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// The first argument of the application.
const FLAG: &str = "--pattern";

/// Each picture is shown so often.
const STILL: u64 = 40;

/// In so many presents.
const PRESENTS: u64 = 240;

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|flag| flag == FLAG) {
        return zerohop_testkit::app::run(env::args_os().skip(1));
    }
    let tests: [(&str, fn()); 4] = [
        ("what_the_application_keeps_is_presented_and_unchanged", kept),
        ("a_gpu_with_timelines_is_asked_by_itself", by_itself),
        ("a_device_that_is_a_cpu_is_read_by_the_host", on_cpu),
        ("a_run_of_so_many_pictures_has_so_many", so_many),
    ];
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::ignorable_test(name, move || {
            let there = [LIBRARY, "libzerohop_layer_wsi.so"];
            if !there.into_iter().all(|library| built(library).exists()) {
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

    /// `zerohop run OPTIONS` of an application that stands still most of the time.
    fn run(&self, options: &[&str]) -> Command {
        let mut command = Command::new(ZEROHOP);
        command.args(["run", "--display", "none", "--validation", "--no-progress", "-o"]);
        command.arg(self.0.path().join("still.mp4"));
        command.arg("--report").arg(self.0.path().join("report.json")).args(options).arg("--");
        command.arg(env::current_exe().unwrap()).args([FLAG, "--size", "320x180"]);
        let [still, presents] = [STILL, PRESENTS].map(|number| number.to_string());
        command.args(["--still", &still, "--frames", &presents, "--rate-limit", "120"]);
        command.args(["--present-mode", "immediate"]);
        command.env("XDG_RUNTIME_DIR", self.0.path());
        command.env("ZEROHOP_LAYER_PATH", built("libzerohop_layer_wsi.so"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The report of such a run.
    fn report(&self, mut run: Command) -> Value {
        let done = run.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}");
        assert!(!said.contains("VUID") && !said.contains("SYNC-HAZARD"), "{said}");
        serde_json::from_slice(&fs::read(self.0.path().join("report.json")).unwrap()).unwrap()
    }
}

/// That every present is accounted for: those that changed were encoded but for what a busy machine lost.
#[track_caller]
fn check(report: &Value) {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap();
    let presented = number("/frames_presented");
    assert_eq!(presented, PRESENTS, "{report}");
    let (unchanged, changed) = (number("/verdicts/unchanged"), number("/verdicts/changed"));
    let changed = changed + number("/verdicts/region");
    let lost = number("/frames_dropped") + number("/frames_replaced");
    assert!(changed <= PRESENTS / STILL && changed + lost >= PRESENTS / STILL, "{report}");
    assert!(unchanged + changed + lost >= PRESENTS, "{report}");
    assert_eq!(number("/frames_encoded"), changed, "{report}");
}

fn kept() {
    let scene = Scene::new();
    let report = scene.report(scene.run(&["--look", "application"]));
    check(&report);
    let kept = report["look"]["kept"].as_u64().unwrap();
    assert!(kept > PRESENTS / 2, "{report}");
    assert_eq!(report["look"]["host_because"], Value::Null);
    assert_eq!(report["streams"][0]["presented"], PRESENTS);
    let scene = Scene::new();
    let report = scene.report(scene.run(&["--look", "host"]));
    check(&report);
    let host = json!({ "asked": 0, "kept": 0, "host_because": "--look host says so" });
    assert_eq!(report["look"], host);
}

fn by_itself() {
    let scene = Scene::new();
    let folder = scene.0.path().join("layer");
    zerohop_layer_timeline::install(&built(LIBRARY), &folder).unwrap();
    let found = format!("{}:{}", zerohop_testkit::layers::system(), folder.display());
    let layers = ["VK_LAYER_ZEROHOP_wsi", "VK_LAYER_KHRONOS_validation", LAYER_NAME];
    let sync = "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT";
    let mut run = scene.run(&[]);
    run.env("VK_LAYER_PATH", found).env("VK_INSTANCE_LAYERS", layers.join(":"));
    run.env("VK_LAYER_ENABLES", sync).env(DISGUISE, "1");
    let report = scene.report(run);
    assert_eq!(report["sync_tier"], "timeline", "{report}");
    check(&report);
    assert!(report["look"]["kept"].as_u64().unwrap() > PRESENTS / 2, "{report}");
}

fn on_cpu() {
    let scene = Scene::new();
    let report = scene.report(scene.run(&[]));
    check(&report);
    let why = report["look"]["host_because"].as_str().unwrap();
    assert_eq!(why, "the device is a CPU, which reads pictures in place");
}

fn so_many() {
    let scene = Scene::new();
    let report = scene.report(scene.run(&["--look", "application", "--frames", "100"]));
    // What a busy machine drops is presented beside them.
    let judged = report["verdicts"].as_object().unwrap().values().map(|all| all.as_u64().unwrap());
    assert_eq!(judged.sum::<u64>(), 100, "{report}");
    assert!(report["look"]["kept"].as_u64().unwrap() > 0, "{report}");
}
