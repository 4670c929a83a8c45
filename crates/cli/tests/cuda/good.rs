//! What goes right.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use zerohop_testkit_cuda::plan;

use crate::run::{Ended, Lack, Stage, library};

/// Pictures of two sizes, each in a ring of its own at a time.
const RESIZED: &[&str] =
    &["--frames", "24", "--size", "317x179", "--resize-every", "8", "--present-mode", "immediate"];

pub(crate) fn pictures(stage: &Stage) {
    let ended = stage.run(stage.pattern(&["--to", "png:DIR/png,view=cuda"], RESIZED)).well();
    stage.check("png", 24);
    assert_eq!((ended.number("/cuda/pictures"), ended.number("/cuda/copies")), (24, 24));
    assert_eq!(ended.report["cuda"]["handle"], "opaque_fd as a pointer", "llvmpipe's are LINEAR");
    assert_eq!(ended.report["cuda"]["device"], "stand-in 0");
    assert_eq!(ended.number("/bytes_copied_by_cpu"), 0);
    assert_eq!((ended.number("/gpu_copies"), ended.number("/sink_copies/gpu")), (0, 24));
    assert_eq!(ended.number("/sink_copies/cpu_bytes"), 0);
    assert_eq!(ended.report["cuda"]["way"], "the memory itself");
    assert_eq!(ended.report["fallbacks"].to_string().matches("cuda").count(), 0);
    // Three rings of at most four buffers, and a sample that proves the way.
    let imports = ended.number("/cuda/imports");
    assert!((3..=12).contains(&imports), "{imports} imports");
    assert_eq!(ended.cuda.count("cuImportExternalMemory"), imports + 1);
    let pinned = ended.cuda.count("cuMemHostRegister_v2");
    assert!((3..=26).contains(&pinned), "{pinned} locked surfaces for three sizes");
}

/// A run on what NVIDIA has: timelines that leave, and tiled images.
/// Values of timelines arrive `delay` milliseconds late.
fn as_on_nvidia(stage: &Stage, options: &[&str], pattern: &[&str], delay: u32) -> Ended {
    let mut command = stage.pattern(options, pattern);
    let layers = stage.path("layers");
    let name = zerohop_layer_timeline::LAYER_NAME;
    zerohop_layer_timeline::install(&library(zerohop_layer_timeline::LIBRARY), &layers).unwrap();
    zerohop_layer_hide::install(&library(zerohop_layer_hide::LIBRARY), &layers).unwrap();
    let names = [zerohop_manifest::LAYER_NAME, zerohop_layer_hide::LAYER_NAME, name];
    command.env(zerohop_layer_hide::VARIABLE, "cpu");
    command.env(zerohop_layer_timeline::DELAY, delay.to_string());
    command.env("VK_LAYER_PATH", layers).env("VK_INSTANCE_LAYERS", names.join(":"));
    let ended = stage.run(command).well();
    assert_eq!(ended.report["sync_tier"], "timeline");
    assert_eq!(ended.report["cuda"]["handle"], "opaque_fd as an array");
    // What is complete when the host looks is not waited for.
    let waits = ended.cuda.count("cuWaitExternalSemaphoresAsync");
    let imports = ended.cuda.count("cuImportExternalSemaphore");
    assert!(imports <= waits.min(3), "{imports} imports of timelines for {waits} waits");
    assert_eq!(waits, ended.number("/cuda/device_waits"));
    ended
}

pub(crate) fn timelines(stage: &Stage) {
    let ended = as_on_nvidia(stage, &["--to", "png:DIR/png,view=cuda"], RESIZED, 0);
    stage.check("png", 24);
    assert_eq!(ended.number("/cuda/copies"), 24);
    // Later than the host looks at each, and pictures come when it has time to look.
    let late = ["--frames", "24", "--present-mode", "immediate", "--rate-limit", "20"];
    let ended = as_on_nvidia(stage, &["--to", "null,view=cuda"], &late, 20);
    let waits = ended.number("/cuda/device_waits");
    assert!(waits > 0, "of 24 pictures that came before they were complete none was waited for");
}

/// What a real GPU has: images tiled as its driver likes, and passes as shaders.
pub(crate) fn optimal(stage: &Stage) {
    let mut command = stage.pattern(&["--to", "png:DIR/png,view=cuda"], RESIZED);
    let layers = stage.path("hide");
    zerohop_layer_hide::install(&library(zerohop_layer_hide::LIBRARY), &layers).unwrap();
    let names = [zerohop_manifest::LAYER_NAME, zerohop_layer_hide::LAYER_NAME];
    command.env("VK_LAYER_PATH", layers).env("VK_INSTANCE_LAYERS", names.join(":"));
    command.env(zerohop_layer_hide::VARIABLE, "cpu");
    let ended = stage.run(command).well();
    stage.check("png", 24);
    assert_eq!(ended.report["cuda"]["handle"], "opaque_fd as an array");
    assert_eq!((ended.number("/cuda/copies"), ended.number("/gpu_copies")), (24, 0));
    assert!(ended.cuda.count("cuMipmappedArrayGetLevel") >= 3, "{:?}", ended.cuda);
}

pub(crate) fn checksums(stage: &Stage) {
    let both = ["--to", "checksum:DIR/vulkan", "--to", "checksum:DIR/cuda-sums,view=cuda"];
    stage.run(stage.pattern(&both, RESIZED)).well();
    let vulkan = fs::read_to_string(stage.path("vulkan")).unwrap();
    assert_eq!(vulkan.lines().filter(|line| !line.starts_with('#')).count(), 24);
    assert_eq!(vulkan, fs::read_to_string(stage.path("cuda-sums")).unwrap());
}

pub(crate) fn nothing_read(stage: &Stage) {
    let ended = stage.run(stage.pattern(&["--to", "null,view=cuda"], &["--frames", "30"])).well();
    let pictures = ended.number("/cuda/pictures");
    assert!((20..=30).contains(&pictures), "{pictures} pictures");
    assert_eq!(ended.number("/cuda/copies"), 0);
    assert_eq!(ended.number("/stages/present_to_cuda/count"), pictures);
    // Twice, to prove the way.
    assert_eq!(ended.cuda.count("cuMemcpy2DAsync_v2"), 2);
}

pub(crate) fn lacks_vkcube() -> Option<Lack> {
    let programs = ["/usr/bin/vkcube", "/usr/bin/Xvfb"];
    let missing = programs.into_iter().find(|path| !Path::new(path).exists())?;
    Some(("vkcube", format!("there is no {missing}")))
}

pub(crate) fn vkcube(stage: &Stage) {
    let both = ["--to", "checksum:DIR/vulkan", "--to", "checksum:DIR/cuda-sums,view=cuda"];
    let mut command = stage.zerohop(&both);
    command.args(["--", "vkcube", "--c", "40"]);
    let ended = stage.run(command).well();
    let vulkan = fs::read_to_string(stage.path("vulkan")).unwrap();
    assert_eq!(vulkan, fs::read_to_string(stage.path("cuda-sums")).unwrap());
    assert_eq!(ended.number("/cuda/copies"), 40);
}

/// The report of the stand-in says what was made; here nothing may grow while it runs.
pub(crate) fn endurance(stage: &Stage) {
    let pattern = [
        "--frames",
        "10000",
        "--size",
        "32x16",
        "--present-mode",
        "immediate",
        "--resize-every",
        "1000",
    ];
    let command = stage.pattern(&["--to", "checksum:DIR/sums,view=cuda"], &pattern);
    let mut run = stage.start(command);
    let (pid, mut seen) = (run.child.id(), Vec::new());
    while run.child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(200));
        seen.extend(fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count));
    }
    let ended = run.wait().well();
    let (first, last) = seen.split_at(seen.len() / 2);
    let most = |counts: &[usize]| counts.iter().copied().max().unwrap_or(0);
    assert!(most(last) <= most(first) + 8, "descriptors: {seen:?}");
    assert_eq!(ended.number("/cuda/copies"), 10_000);
    let calls = |name| ended.cuda.count(name);
    // Ten rings of at most four buffers, ten sizes of at most eight surfaces.
    assert!(calls("cuImportExternalMemory") <= 41, "{:?}", ended.cuda);
    assert!(calls("cuMemHostRegister_v2") <= 82, "{:?}", ended.cuda);
    assert!(calls("cuEventCreate") <= 4 && calls("cuStreamCreate") == 1, "{:?}", ended.cuda);
    assert!(ended.cuda.most["memory"] <= 8, "{:?}", ended.cuda);
}

pub(crate) fn doctor(stage: &Stage) {
    let told = |uuids: Option<String>| {
        let mut command = stage.doctor();
        if let Some(uuids) = uuids {
            command.env(plan::UUIDS, uuids);
        }
        let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["what"] == "cuda").unwrap()
    };
    let check = told(None);
    assert_eq!(check["ok"], true, "{check:#}");
    let found = check["found"].as_str().unwrap();
    assert!(found.starts_with("libcuda.so.1 for CUDA 12.0; stand-in 0, 8 GiB, "), "{found}");
    assert!(found.contains(", is Vulkan device "), "{found}");
    let check = told(Some(plan::hex([7; 16])));
    assert_eq!(check["ok"], false, "{check:#}");
    assert!(check["found"].as_str().unwrap().contains("none of Vulkan's devices"), "{check:#}");
    let check = told(Some(String::new()));
    let found = check["found"].as_str().unwrap();
    assert!(found.contains("cuInit: CUDA_ERROR_NO_DEVICE (100)"), "{found}");
}
