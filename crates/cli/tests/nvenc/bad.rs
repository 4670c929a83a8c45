//! What goes wrong, on purpose.

use std::thread::sleep;
use std::time::{Duration, Instant};

use zerohop_layer_timeline::{LAYER_NAME, LIBRARY, install};

use crate::good::two_gpus;
use crate::run::{Ended, library};
use crate::scene::Scene;

const NVENC: &[&str] = &["--encoder", "nvenc"];

/// The reasons of all fallbacks, but for what every run over llvmpipe says.
fn fallbacks(ended: &Ended) -> Vec<String> {
    let all = ended.report["fallbacks"].as_array().cloned().unwrap_or_default();
    let others = all.iter().filter(|one| one["what"] != "sync");
    others.filter_map(|one| one["reason"].as_str().map(str::to_owned)).collect()
}

pub(crate) fn killed(scene: &Scene) {
    // The application goes on without its recorder, until it has drawn them all.
    let command = scene.command("", NVENC, &["--frames", "300", "--size", "320x180"]);
    let mut run = scene.0.start(command);
    let begin = Instant::now();
    while scene.journal().lines("session 1 picture ").count() < 90 {
        assert!(begin.elapsed() < Duration::from_secs(60), "it records nothing");
        sleep(Duration::from_millis(20));
    }
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let packets = scene.decoded().packets;
    assert!(packets >= 20, "{packets} pictures of a second and a half");
}

pub(crate) fn falls_back(scene: &Scene) {
    let ended = scene
        .run("no-chip", &["--to", "checksum:DIR/sums"], &["--frames", "12", "--size", "320x180"])
        .well();
    assert_eq!(ended.report["encoder"], "openh264");
    let said = fallbacks(&ended);
    let wanted = "NVENC was not taken: NVENC failed: stand-in 0 has no video encoder: \
                  NV_ENC_ERR_UNSUPPORTED_DEVICE (2)";
    assert_eq!(said, [wanted]);
    assert_eq!(ended.said.matches("NVENC was not taken").count(), 1, "{}", ended.said);
    assert_eq!(scene.decoded().packets, 12);
}

pub(crate) fn forced(scene: &Scene) {
    for (behaviour, why) in [
        ("no-chip", "has no video encoder: NV_ENC_ERR_UNSUPPORTED_DEVICE (2)"),
        ("api=11.0", "the driver speaks NVENC 11.0, at least 11.1 is needed"),
        ("sessions=0", "NV_ENC_ERR_OUT_OF_MEMORY (10) (GeForce drivers allow a few sessions"),
        ("codec=hevc", "stand-in 0 does not encode H.264; it encodes HEVC"),
    ] {
        let ended = scene.run(behaviour, NVENC, &["--frames", "12"]);
        assert_eq!(ended.code, Some(125), "{}", ended.said);
        assert!(ended.said.contains("--encoder nvenc --codec h264: "), "{}", ended.said);
        assert!(ended.said.contains(why), "{}", ended.said);
        assert!(!ended.said.contains("frames\":12"), "the application was started");
        assert!(!scene.0.path("out.mp4").exists(), "{behaviour} left a file");
    }
}

pub(crate) fn lost(scene: &Scene) {
    let ended = scene.run("lost=40", NVENC, &["--frames", "80", "--size", "320x180"]);
    assert_eq!(ended.code, Some(125), "{}", ended.said);
    let why = "could not encode picture 39: NV_ENC_ERR_DEVICE_NOT_EXIST (5)";
    assert!(ended.said.contains(why), "{}", ended.said);
    scene.journal();
    assert_eq!(ended.cuda.faults(), [""; 0]);
    assert_eq!(scene.decoded().packets, 39, "what was encoded before is there");
}

/// CUDA refuses to import what the chip would have read.
pub(crate) fn refused(scene: &Scene) {
    let mut command = scene.command("", NVENC, &["--frames", "20", "--size", "320x180"]);
    command.env(zerohop_testkit_cuda::plan::FAIL, "cuImportExternalMemory:1=801");
    let ended = scene.0.run(command);
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    let said = fallbacks(&ended);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("the encoder cannot read pictures where they are drawn: "),
        "{said:?}"
    );
    assert!(said[0].contains("(801)"), "{said:?}");
    // The first is lost, and whatever was drawn until its successor came back converted.
    let packets = scene.decoded().packets;
    assert!((10..20).contains(&packets), "{packets} of 20");
    scene.journal();
}

/// Every session that is opened on the GPU that draws is one too many: of what it drew, and of what was
/// converted there.
pub(crate) fn only_elsewhere(scene: &Scene) {
    let layers = scene.0.path("layers");
    install(&library(LIBRARY), &layers).unwrap();
    for behaviour in ["sessions=1", "sessions=1,no-rgb"] {
        let options = [NVENC, &["--to", "checksum:DIR/sums"]].concat();
        let pattern = ["--frames", "20", "--size", "320x180"];
        let mut command = scene.command(behaviour, &options, &pattern);
        two_gpus(&mut command);
        command.env("VK_ADD_LAYER_PATH", &layers).env("VK_INSTANCE_LAYERS", LAYER_NAME);
        let ended = scene.0.run(command).well();
        let said = fallbacks(&ended);
        assert!(said[0].starts_with("the GPU that draws ("), "{said:?}");
        assert!(said[0].contains("NV_ENC_ERR_OUT_OF_MEMORY (10)"), "{said:?}");
        let dropped = &ended.report["drop_reasons"];
        let lost = dropped["drawn on another GPU than the one that encodes"].as_u64();
        let packets = scene.decoded().packets;
        assert_eq!(u64::from(packets) + lost.unwrap_or(0), 20, "{behaviour}: {dropped}");
        assert!(packets >= 14, "{behaviour}: {dropped}");
    }
    scene.journal();
}

pub(crate) fn refused_rows(scene: &Scene) {
    let mut command = scene.command("no-rgb", NVENC, &["--frames", "20", "--size", "320x180"]);
    command.env(zerohop_testkit_cuda::plan::FAIL, "cuImportExternalMemory:1=801");
    let ended = scene.0.run(command);
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    let said = fallbacks(&ended);
    assert_eq!(said.len(), 1, "{said:?}");
    let wanted = "the encoder cannot read converted pictures on the GPU: ";
    assert!(said[0].starts_with(wanted) && said[0].contains("(801)"), "{said:?}");
    let copies = ended.report["gpu_copies"].as_f64();
    assert!(copies > Some(0.4), "{copies:?} of each picture");
    let packets = scene.decoded().packets;
    assert!((10..20).contains(&packets), "{packets} of 20");
    scene.journal();
}

pub(crate) fn small(scene: &Scene) {
    // 16 of this size, and 8 of three quarters of it between them.
    let pattern = ["--frames", "24", "--size", "160x96", "--resize-every", "8"];
    let ended = scene.run("least=150x90", NVENC, &pattern).well();
    assert_eq!(fallbacks(&ended), ["NVENC takes pictures of 150x90 at least here"]);
    let dropped = &ended.report["drop_reasons"];
    assert!(dropped["smaller than the encoder takes"].as_u64() > Some(0), "{dropped}");
    let all: u64 = dropped.as_object().unwrap().values().filter_map(|one| one.as_u64()).sum();
    assert_eq!(u64::from(scene.decoded().packets) + all, 24, "{dropped}");
    scene.journal();
}

pub(crate) fn no_hevc(scene: &Scene) {
    let options = ["--encoder", "openh264", "--codec", "hevc"];
    let ended = scene.run("", &options, &["--frames", "12"]);
    assert_eq!(ended.code, Some(125), "{}", ended.said);
    assert!(ended.said.contains("OpenH264 makes no HEVC"), "{}", ended.said);
    let ended = scene.run("no-chip", &["--codec", "hevc"], &["--frames", "12"]);
    assert_eq!(ended.code, Some(125), "{}", ended.said);
    assert!(ended.said.contains("has no video encoder"), "{}", ended.said);
}
