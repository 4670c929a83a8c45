//! Pictures of the CPU put where a decoder on a device would put them: into memory of FFmpeg's own Vulkan
//! and CUDA.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::drivers::{StandIn, is_usual};
use crate::stage::{Stage, X264, ffmpegs, ours, said, same, zerohop};
use crate::trial::{cuda, named};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        named("pictures_in_ffmpegs_own_vulkan_images_are_handed_over_by_one_copy", uploaded),
        named("the_memory_that_a_device_copies_to_is_announced_once", uploaded_once),
        cuda("pictures_in_memory_of_cuda_are_handed_over_by_one_copy", in_cuda),
    ]
}

/// What FFmpeg's Vulkan takes on llvmpipe, in one, two and three planes.
const UPLOADED: [(&str, &[&str]); 6] = [
    ("clip.mp4", &["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"]),
    ("nv12.nut", &["-c:v", "rawvideo", "-pix_fmt", "nv12"]),
    ("10.mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv420p10le"]),
    ("444.nut", &["-c:v", "rawvideo", "-pix_fmt", "yuv444p"]),
    ("grey.nut", &["-c:v", "rawvideo", "-pix_fmt", "gray"]),
    ("rgb.nut", &["-c:v", "rawvideo", "-pix_fmt", "bgra"]),
];

/// The decoder is FFmpeg's on the CPU; its pictures lie where one on the device would put them.
fn uploaded() {
    let stage = Stage::new();
    for (name, arguments) in UPLOADED {
        let clip = stage.clip(name, arguments);
        same(&ffmpegs(&[], &clip), &ours(&clip, &["--upload", "vulkan"]), 25);
    }
    let clip = stage.path("clip.mp4");
    let luma = ["--filter", "luma", "--validation"];
    let wanted = ours(&clip, &luma);
    same(&wanted, &ours(&clip, &[&luma[..], &["--upload", "vulkan"]].concat()), 25);
    let clip = stage.sizes("h264", &["-c:v", "libx264"]);
    same(&ffmpegs(&[], &clip), &ours(&clip, &["--upload", "vulkan"]), 40);
}

fn uploaded_once() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let report = stage.path("report.json");
    let to = ["--report", report.to_str().unwrap(), "--filter", "luma", "--to", "null"];
    let play = ["--decode", "software", "--upload", "vulkan", "--loop", "--frames", "150"];
    let output = zerohop("play", &clip, &[&play[..], &to].concat());
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
    assert_eq!(report["handover"], "opaque_fd", "{report:#}");
    let imports = report["stages"]["import"]["count"].as_u64().unwrap();
    assert!((1..=16).contains(&imports), "memory, not pictures: {imports}");
    let fallbacks = report["fallbacks"].to_string();
    assert!(fallbacks.contains("the device copies each picture"), "{fallbacks}");
}

/// FFmpeg's CUDA, our copy and Vulkan's memory, over a driver that checks every call. The decoder is
/// FFmpeg's on the CPU.
fn in_cuda(cuda: &StandIn) {
    let stage = Stage::new();
    for (name, arguments) in [
        ("clip.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
        ("nv12.nut", &["-c:v", "rawvideo", "-pix_fmt", "nv12"]),
        ("444.nut", &["-c:v", "rawvideo", "-pix_fmt", "yuv444p"]),
    ] {
        let clip = stage.clip(name, arguments);
        let (sums, report) = cuda.play(&clip, &["--to", "checksum"]);
        same(&ffmpegs(&[], &clip), &sums, 25);
        let odd: Vec<_> = report.lines().filter(|line| !is_usual(line)).collect();
        assert!(odd.is_empty(), "{odd:#?}");
    }
}
