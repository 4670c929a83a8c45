//! What goes wrong.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use zerohop_testkit_cuda::plan;

use crate::run::{FLAG, Lack, Stage};

const LONG: &[&str] = &["--frames", "100000", "--size", "64x64", "--rate-limit", "200"];

/// The application of the run with this process.
fn application(zerohop: u32) -> Pid {
    let begin = Instant::now();
    loop {
        let children = fs::read_to_string(format!("/proc/{zerohop}/task/{zerohop}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let words = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
            if words.split('\0').nth(1) == Some(FLAG) {
                return Pid::from_raw(child.parse().unwrap()).unwrap();
            }
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "the application was not started");
        sleep(Duration::from_millis(10));
    }
}

pub(crate) fn killed(stage: &Stage) {
    let run = stage.start(stage.pattern(&["--to", "checksum:DIR/sums,view=cuda"], LONG));
    let application = application(run.child.id());
    let sums = stage.path("sums");
    let begin = Instant::now();
    while !fs::metadata(&sums).is_ok_and(|file| file.len() > 8000) {
        assert!(begin.elapsed() < Duration::from_secs(60), "no picture came");
        sleep(Duration::from_millis(10));
    }
    kill_process(application, Signal::KILL).unwrap();
    let ended = run.wait();
    assert_eq!(ended.code, Some(137), "{}", ended.said);
    assert_eq!(ended.cuda.faults(), Vec::<String>::new());
    assert!(ended.number("/cuda/copies") > 0);
}

/// The line that says why a run failed; there is no other about CUDA.
fn line(stage: &Stage, failures: &str) -> String {
    let mut command = stage.pattern(&["--to", "checksum:DIR/sums,view=cuda"], &["--frames", "60"]);
    command.env(plan::FAIL, failures);
    let ended = stage.run(command);
    assert_eq!(ended.code, Some(125), "{}", ended.said);
    let lines: Vec<_> = ended.said.lines().filter(|line| line.contains("CUDA")).collect();
    assert_eq!(lines.len(), 1, "{}", ended.said);
    lines[0].to_owned()
}

pub(crate) fn lost(stage: &Stage) {
    // Two copies prove the way, once.
    let line = line(stage, "cuMemcpy2DAsync_v2:7=700");
    let wanted =
        "picture 5 failed, and no later one could fare better: CUDA is lost for this process";
    assert!(line.contains(wanted), "{line}");
    assert!(line.contains("cuMemcpy2DAsync_v2: CUDA_ERROR_ILLEGAL_ADDRESS (700)"), "{line}");
}

/// The way by the memory itself fails when it is proven: the next one is taken, and said so.
pub(crate) fn refused(stage: &Stage) {
    let options = ["--to", "checksum:DIR/cuda-sums,view=cuda", "--to", "checksum:DIR/vulkan"];
    let mut command = stage.pattern(&options, &["--frames", "8", "--size", "64x64"]);
    command.env(plan::FAIL, "cuImportExternalMemory:1=999");
    let ended = stage.run(command).well();
    assert_eq!(ended.report["cuda"]["way"], "the Vulkan bridge");
    assert_eq!(ended.number("/gpu_copies"), 1);
    let said = ended.report["fallbacks"].to_string();
    assert!(said.contains("not by the memory itself"), "{said}");
    assert!(said.contains("cuImportExternalMemory: CUDA_ERROR_UNKNOWN (999)"), "{said}");
    let sums = |name| fs::read_to_string(stage.path(name)).unwrap();
    assert_eq!(sums("vulkan"), sums("cuda-sums"));
}

/// No way at all: one line says why none works.
pub(crate) fn nothing_works(stage: &Stage) {
    let line =
        line(stage, "cuMemHostRegister_v2:1=1,cuMemHostRegister_v2:2=1,cuMemHostRegister_v2:3=1");
    assert!(line.contains("picture 1 failed"), "{line}");
    assert!(line.contains("no way into CUDA for XR24"), "{line}");
    assert!(line.contains("cuMemHostRegister_v2: CUDA_ERROR_INVALID_VALUE (1)"), "{line}");
}

pub(crate) fn stranger(stage: &Stage) {
    let mut command = stage.pattern(&["--to", "null,view=cuda"], &["--frames", "60"]);
    command.env(plan::UUIDS, plan::hex([0x11; 16]));
    let ended = stage.run(command);
    assert_eq!(ended.code, Some(125), "{}", ended.said);
    assert!(ended.said.contains("no CUDA device has the UUID"), "{}", ended.said);
    assert!(ended.said.contains("there are: stand-in 0 11111111-1111"), "{}", ended.said);
}

/// Where it is, the stand-in can be hidden, and the driver not.
pub(crate) fn has_driver() -> Option<Lack> {
    zerohop_cuda::Cuda::load().ok().map(|_| ("no_nvidia", "NVIDIA's driver is here".into()))
}

pub(crate) fn no_driver(stage: &Stage) {
    let mut command = stage.pattern(&["--to", "null,view=cuda"], &["--frames", "60"]);
    command.env_remove("LD_LIBRARY_PATH");
    let ended = stage.run(command);
    assert_eq!(ended.code, Some(125), "{}", ended.said);
    let wanted =
        "--to with view=cuda: could not load libcuda.so.1, which comes with NVIDIA's driver";
    assert!(ended.said.contains(wanted), "{}", ended.said);
    assert!(ended.said.contains("leave view=cuda away"), "{}", ended.said);
}
