//! A recorder that is stopped again and again, while an application shows numbered pictures.
//!
//! Each time the layer gives the recorder up and takes its images back, whatever was being read.
//! Pictures may be missing then, but none may be torn, repeated, or of the wrong number. The
//! application and the checker are this program, started again as `zerohop-pattern`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use zerohop_needs::absent;

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

/// The first argument of the application.
const FLAG: &str = "--pattern";

/// Presents of the application: five seconds of them, and more while it waits for the recorder.
const FRAMES: &str = "320";

/// Longer than the layer's patience with a recorder that keeps every picture.
const STALL: Duration = Duration::from_millis(2400);

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|flag| flag == FLAG) {
        return zerohop_testkit::app::run(env::args_os().skip(1));
    }
    let test = Trial::ignorable_test("a_stalled_recorder_keeps_no_wrong_picture", || {
        if layer().exists() {
            stalled();
            return Ok(Completion::Completed);
        }
        absent("layer", "it is not there")
    });
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit_code()
}

/// The layer as the tests' own build made it.
fn layer() -> PathBuf {
    Path::new(ZEROHOP).with_file_name("deps").join("libzerohop_layer_wsi.so")
}

fn stalled() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, report) = (folder.path().join("pictures"), folder.path().join("report.json"));
    let mut command = Command::new(ZEROHOP);
    command.args(["run", "--display", "none"]);
    command.arg("--png").arg(&pictures).arg("--report").arg(&report).arg("--");
    command.arg(env::current_exe().unwrap()).args([FLAG, "--frames", FRAMES]);
    // Large, so that a picture is read for most of the time.
    command.args(["--size", "1366x768", "--rate-limit", "60"]);
    command.env("XDG_RUNTIME_DIR", folder.path()).env("ZEROHOP_LAYER_PATH", layer());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut recorder = command.spawn().unwrap();
    stall(&mut recorder, &pictures);
    assert!(recorder.wait().unwrap().success());

    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let connections = report["streams"].as_array().unwrap().len();
    assert!(connections > 1, "the recorder was never given up: {report}");
    let mut check = Command::new(env::current_exe().unwrap());
    check.arg(FLAG).arg("check").arg(&pictures).args(["--frames", FRAMES, "--missing"]);
    let checked = check.output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{said}{report}");
}

/// Stops `recorder` for a while, over and over, from its first picture on until it ends.
fn stall(recorder: &mut Child, pictures: &Path) {
    let pid = Pid::from_raw(i32::try_from(recorder.id()).unwrap()).unwrap();
    let begin = Instant::now();
    let begun = || pictures.read_dir().is_ok_and(|mut files| files.next().is_some());
    while !begun() && recorder.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30), "no picture came");
        sleep(Duration::from_millis(5));
    }
    // Uneven, so that it is stopped at different places of its work.
    for pause in (0..).map(|turn| Duration::from_millis(700 + turn * 37)) {
        let end = Instant::now() + pause;
        while Instant::now() < end {
            if recorder.try_wait().unwrap().is_some() {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        // Fails when it has just ended.
        let _ = kill_process(pid, Signal::STOP);
        sleep(STALL);
        let _ = kill_process(pid, Signal::CONT);
    }
}
