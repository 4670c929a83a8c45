//! What goes right.

use std::process::Command;

use zerohop_layer_timeline::{LAYER_NAME, LIBRARY, install};

use crate::run::library;
use crate::scene::{Probed, Scene};

/// With checksums, for which the application waits: so no picture is replaced, and each is counted.
fn every<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["--encoder", "nvenc", "--to", "checksum:DIR/sums"], options].concat()
}

fn probed(codec: &str, size: &str, color: &str, packets: u32) -> Probed {
    let [codec, size, color] = [codec, size, color].map(str::to_owned);
    Probed { codec, size, color, packets }
}

/// Pixels by two ways: Vulkan's reading of the image, and what CUDA gave the encoder.
pub(crate) fn direct(scene: &Scene) {
    let ended = scene.run("", &every(&[]), &["--frames", "20", "--size", "320x180"]).well();
    assert_eq!(scene.drawn().len(), 20);
    assert_eq!(scene.given(20, "ARGB"), scene.drawn());
    assert_eq!((ended.number("/bytes_copied_by_cpu"), ended.number("/gpu_copies")), (0, 0));
    assert_eq!(ended.number("/stages/convert/count"), 0, "nobody converted");
    assert_eq!(ended.number("/stages/encode/count"), 20);
    assert_eq!(ended.report["encoder"], "nvenc");
    // By BT.601, which is what the chip does with RGB.
    assert_eq!(scene.decoded(), probed("h264", "320x180", "bt470bg tv", 20));
    let journal = scene.journal();
    let registered = journal.lines("session 1 register ARGB 320x180").count();
    assert!((1..=4).contains(&registered), "{registered} registrations of a ring");
    let end = format!("session 1 destroy after 20 pictures, {registered} registrations");
    assert_eq!(journal.lines(&end).count(), 1);
}

/// Over a driver that shares timelines: what is complete when it comes to the chip, as Vulkan has looked at
/// it by then, is not waited for once more.
pub(crate) fn timelines(scene: &Scene) {
    let layers = scene.0.path("layers");
    install(&library(LIBRARY), &layers).unwrap();
    let pattern = ["--frames", "20", "--size", "320x180"];
    let mut command = scene.command("", &every(&[]), &pattern);
    command.env("VK_ADD_LAYER_PATH", layers).env("VK_INSTANCE_LAYERS", LAYER_NAME);
    let ended = scene.0.run(command).well();
    assert_eq!(ended.report["sync_tier"], "timeline");
    assert_eq!(ended.cuda.count("cuWaitExternalSemaphoresAsync"), 0);
    assert_eq!(ended.cuda.count("cuImportExternalSemaphore"), 0);
    assert_eq!(scene.given(20, "ARGB"), scene.drawn());
    assert_eq!(scene.decoded().packets, 20);
    scene.journal();
}

pub(crate) fn resizes(scene: &Scene) {
    // The other size is three quarters of it, which is even too.
    let pattern = ["--frames", "24", "--size", "320x192", "--resize-every", "8"];
    scene.run("", &every(&[]), &pattern).well();
    let journal = scene.journal();
    assert_eq!(journal.lines("session 1 reconfigure ").count(), 2);
    assert_eq!(journal.lines("session 2").count(), 0, "one session for all");
    let keys = journal.lines("session 1 picture ").filter(|line| line.contains(" idr ")).count();
    assert_eq!(keys, 3, "each size begins anew");
    assert_eq!(scene.given(24, "ARGB"), scene.drawn());
    assert_eq!(scene.decoded().packets, 24);
}

pub(crate) fn deep(scene: &Scene) {
    let pattern = ["--frames", "6", "--size", "320x180", "--format", "a2r10g10b10"];
    let ended = scene.run("", &every(&["--codec", "hevc"]), &pattern).well();
    assert_eq!(scene.given(6, "ARGB10"), scene.drawn());
    assert_eq!(ended.number("/stages/convert/count"), 0);
    let journal = scene.journal();
    let begun: Vec<_> = journal.lines("session 1 initialize HEVC 320x180 ").collect();
    assert!(begun[0].ends_with("bits 10"), "{begun:?}");
    assert_eq!(scene.unpacked(), probed("hevc", "320x180", "bt470bg tv", 6));
}

pub(crate) fn codecs(scene: &Scene) {
    for codec in ["hevc", "av1"] {
        scene
            .run("api=12.0", &every(&["--codec", codec]), &["--frames", "8", "--size", "322x182"])
            .well();
        assert_eq!(scene.unpacked(), probed(codec, "322x182", "bt470bg tv", 8));
    }
    scene.journal();
}

pub(crate) fn converted(scene: &Scene) {
    let pattern = ["--frames", "12", "--size", "321x181"];
    let ended = scene.run("", &every(&[]), &pattern).well();
    assert_eq!(ended.number("/stages/convert/count"), 12, "an odd size");
    assert_eq!((ended.number("/bytes_copied_by_cpu"), ended.number("/gpu_copies")), (0, 0));
    assert_eq!(scene.decoded(), probed("h264", "322x182", "bt709 tv", 12));
    let ended = scene.run("no-rgb", &every(&[]), &["--frames", "12", "--size", "320x180"]).well();
    assert_eq!(ended.number("/gpu_copies"), 0, "the chip reads what the pass wrote");
    assert_eq!(scene.decoded(), probed("h264", "320x180", "bt709 tv", 12));
    let journal = scene.journal();
    let surfaces = journal.lines("session 1 register NV12 ").count();
    assert!((2..=10).contains(&surfaces), "{surfaces} surfaces of two runs");
}

/// Of ten bits that the chip does not read where they were drawn, as of eight.
pub(crate) fn converted_deep(scene: &Scene) {
    let pattern = ["--frames", "8", "--size", "320x184", "--format", "a2r10g10b10"];
    let ended = scene.run("no-rgb", &every(&["--codec", "hevc"]), &pattern).well();
    assert_eq!(ended.number("/stages/convert/count"), 8);
    assert_eq!((ended.number("/bytes_copied_by_cpu"), ended.number("/gpu_copies")), (0, 0));
    let journal = scene.journal();
    let begun: Vec<_> = journal.lines("session 1 initialize HEVC 320x184 ").collect();
    assert!(begun[0].ends_with("bits 10"), "{begun:?}");
    // Luma has whole tiles of 16 rows before the chroma begins.
    let surfaces = journal.lines("session 1 register YUV420_10BIT 320x192 rows").count();
    assert!((1..=8).contains(&surfaces), "each buffer once: {surfaces}");
    assert_eq!(scene.unpacked(), probed("hevc", "320x184", "bt709 tv", 8));
}

/// Of two GPUs the first is not the one that draws: the encoder goes there with the first picture.
pub(crate) fn elsewhere(scene: &Scene) {
    let mut command = scene.command("", &every(&[]), &["--frames", "12", "--size", "320x180"]);
    two_gpus(&mut command);
    let ended = scene.0.run(command).well();
    assert_eq!(scene.given_to(2, 12, "ARGB"), scene.drawn());
    assert_eq!((ended.number("/bytes_copied_by_cpu"), ended.number("/gpu_copies")), (0, 0));
    assert_eq!(scene.decoded().packets, 12);
    let journal = scene.journal();
    assert_eq!(journal.lines("session 1 picture ").count(), 0, "the first one was only asked");
    assert_eq!(journal.lines("session 2 picture ").count(), 12);
}

/// A GPU before the one that there is.
pub(crate) fn two_gpus(command: &mut Command) {
    let name = zerohop_testkit_cuda::plan::UUIDS;
    let known = command.get_envs().find(|(key, _)| *key == name);
    let known = known.and_then(|(_, value)| value).unwrap_or_default().to_owned();
    let both = format!("{},{}", "ab".repeat(16), known.to_string_lossy());
    command.env(name, both);
}

pub(crate) fn rates(scene: &Scene) {
    let options = ["--rc", "cbr", "--bitrate", "2M", "--preset", "p1", "--tune", "ull"];
    let options = every(&[&options[..], &["--intra-refresh", "30"]].concat());
    scene.run("", &options, &["--frames", "4"]).well();
    let journal = scene.journal();
    let begun: Vec<_> = journal.lines("session 1 initialize ").collect();
    let wanted = "rate cbr 2000000 most 2000000 buffer 33333 preset p1 tuning 3 refresh 30/29";
    assert!(begun[0].contains(wanted), "{begun:?}");
}

pub(crate) fn counted(scene: &Scene) {
    scene.run("", &every(&["--gop", "5"]), &["--frames", "12"]).well();
    let journal = scene.journal();
    let kinds: Vec<_> =
        journal.lines("session 1 picture ").map(|line| line.contains(" idr ")).collect();
    let keys: Vec<_> = (0..kinds.len()).filter(|index| kinds[*index]).collect();
    assert_eq!(keys, [0, 5, 10]);
}

/// A part of the pictures keeps changing: it is found, and encoded by itself from then on.
pub(crate) fn region(scene: &Scene) {
    let pattern = ["--frames", "90", "--size", "640x360", "--damage", "320x96+0+48"];
    let ended = scene.run("", &every(&["--to", "region:DIR/region.mp4"]), &pattern).well();
    let regions = ended.number("/verdicts/region");
    assert!(regions >= 40, "{regions} of 90");
    let journal = scene.journal();
    let sessions = ["session 1 picture ", "session 2 picture "];
    let pictures: Vec<_> = sessions.iter().flat_map(|begin| journal.lines(begin)).collect();
    let of = |size: &str| pictures.iter().filter(|line| line.contains(size)).count() as u64;
    assert_eq!(of(" 320x96 "), regions, "each by the second encoder");
    assert_eq!(of(" 640x360 "), 90 - regions, "the others by the first");
    assert_eq!(ended.number("/bytes_copied_by_cpu"), 0);
    assert_eq!(u64::from(scene.decoded().packets), 90 - regions);
    assert_eq!(u64::from(scene.decoded_of("region.mp4").packets), regions);
    assert_eq!(scene.decoded_of("region.mp4").size, "320x96");
    let place = &ended.report["regions"][0];
    let of = |key: &str| place[key].as_u64();
    let rect = ["x", "y", "width", "height"].map(|key| of(key).unwrap());
    assert_eq!(rect, [0, 48, 320, 96], "where it lies in the pictures");
    assert_eq!(of("pictures"), Some(regions), "one place for all");
}
