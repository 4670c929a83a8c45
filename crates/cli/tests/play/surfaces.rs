//! Surfaces of VA-API, in every shape that drivers export them in.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;
use zerohop_needs::absent;

use crate::drivers::Vaapi;
use crate::stage::{BASELINE, Stage, hashes, interleaved, luma_of, said, same};
use crate::trial::{vaapi, vaapi_unless};

pub(crate) fn trials() -> Vec<Trial> {
    let no_dma_buf = |_: &Vaapi| {
        let there = Path::new("/dev/udmabuf").exists();
        (!there).then(|| absent("dma_buf", "there is no /dev/udmabuf"))
    };
    vec![
        vaapi("surfaces_of_every_shape_are_ffmpegs_pictures", surfaces),
        vaapi("pictures_that_begin_within_their_surface_are_ffmpegs", within),
        vaapi("a_surface_is_imported_once_and_never_copied", imports),
        vaapi_unless(no_dma_buf, "surfaces_in_dma_bufs_are_read_where_they_lie", in_dma_bufs),
        vaapi("surfaces_of_another_round_are_not_taken_for_the_old_ones", rounds),
        vaapi("rows_are_forced_by_a_copy_that_is_reported", forced),
        vaapi("a_driver_that_lies_is_refused_with_its_numbers", lies),
    ]
}

fn surfaces(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let wanted = interleaved(&clip);
    for objects in ["one", "planes"] {
        for layers in ["composed", "separate", "asked"] {
            for (stride, padding) in [("64", "0"), ("256", "16")] {
                let shape = [
                    ("ZEROHOP_VA_OBJECTS", objects),
                    ("ZEROHOP_VA_LAYERS", layers),
                    ("ZEROHOP_VA_STRIDE", stride),
                    ("ZEROHOP_VA_PADDING", padding),
                ];
                let output = vaapi.play(&clip, &shape, &["--to", "checksum"]);
                assert!(output.status.success(), "{shape:?} {}", said(&output));
                same(&wanted, &String::from_utf8(output.stdout).unwrap(), 25);
            }
        }
    }
}

/// FFmpeg cuts a device's pictures at the right and at the bottom only.
fn within(vaapi: &Vaapi) {
    let stage = Stage::new();
    let whole = stage.clip("whole.mp4", &BASELINE);
    let (input, clip) = (whole.to_str().unwrap(), stage.path("clip.mp4"));
    let cut = "h264_metadata=crop_left=64:crop_top=10:crop_right=20";
    stage.ffmpeg("clip.mp4", &["-i", input, "-c", "copy", "-bsf:v", cut]);
    let wanted = interleaved(&clip);
    for more in [&[][..], &["--force-linear"]] {
        let output = vaapi.play(&clip, &[], &[more, &["--to", "checksum"]].concat());
        assert!(output.status.success(), "{more:?} {}", said(&output));
        let ours = String::from_utf8(output.stdout).unwrap();
        assert!(ours.contains("#dimensions 0: 76x92"), "{ours}");
        same(&wanted, &ours, 25);
    }
}

/// The report of a clip played by it.
fn report_of(vaapi: &Vaapi, arguments: &[&str]) -> Value {
    let stage = Stage::new();
    let source = ["-f", "lavfi", "-i", "testsrc2=size=146x102:rate=25:duration=6"];
    let clip = stage.ffmpeg("clip.mp4", &[&source[..], &BASELINE].concat());
    let report = stage.path("report.json");
    let to = ["--report", report.to_str().unwrap()];
    let output = vaapi.play(&clip, &[], &[&to[..], arguments].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&fs::read(&report).unwrap()).unwrap()
}

fn imports(vaapi: &Vaapi) {
    let report = report_of(vaapi, &["--filter", "luma", "--to", "null"]);
    assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
    assert_eq!(report["frames_presented"], 150, "{report:#}");
    let imports = report["stages"]["import"]["count"].as_u64().unwrap();
    assert!((1..=40).contains(&imports), "surfaces, not pictures: {imports}");
    assert_eq!(report["fallbacks"].as_array().unwrap().len(), 0, "{report:#}");
}

/// What a kernel with real dma-bufs does with them, by FFmpeg's own export and Vulkan's import.
fn in_dma_bufs(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let wanted = luma_of(&clip);
    for objects in ["one", "planes"] {
        let report = stage.path("report.json");
        let shape = [("ZEROHOP_VA_OBJECTS", objects)];
        let to = ["--filter", "luma", "--to", "checksum", "--report", report.to_str().unwrap()];
        let output = vaapi.play(&clip, &shape, &to);
        assert!(output.status.success(), "{objects} {}", said(&output));
        let found = String::from_utf8(output.stdout).unwrap();
        assert_eq!(hashes(&found), hashes(&wanted), "{objects}");
        assert_eq!(hashes(&found).len(), 25);
        let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
        assert_eq!(report["handover"], "dma_buf", "{report:#}");
        assert_eq!(report["fallbacks"].as_array().unwrap().len(), 0, "{report:#}");
    }
}

/// After each round the decoder has new surfaces, perhaps under the same names.
fn rounds(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let wanted = interleaved(&clip);
    let output = vaapi.play(&clip, &[], &["--loop", "--frames", "125", "--to", "checksum"]);
    assert!(output.status.success(), "{}", said(&output));
    let ours = String::from_utf8(output.stdout).unwrap();
    assert!(hashes(&ours).chunks(25).all(|round| round == hashes(&wanted)));
}

fn forced(vaapi: &Vaapi) {
    let report = report_of(vaapi, &["--force-linear", "--to", "null"]);
    let fallbacks = report["fallbacks"].to_string();
    assert!(fallbacks.contains("--force-linear was asked for"), "{fallbacks}");
    assert!(report["bytes_copied_by_cpu"].as_f64().unwrap() > 0.0, "{report:#}");
}

fn lies(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let output = vaapi.play(&clip, &[("ZEROHOP_VA_LIE", "small")], &["--to", "null"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("ends at byte"), "{}", said(&output));
}
