//! What comes out of a clip: luma, differences, files, a report.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::stage::{Stage, X264, hashes, luma_of, ours, pictures, said, same, zerohop};
use crate::trial::named;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        named("every_surface_is_announced_once", once),
        named("the_luma_of_a_clip_is_ffmpegs", luma),
        named("a_clip_becomes_files_through_the_passes", files),
        named("a_film_whose_file_has_no_room_is_not_decoded_to_its_end", full),
    ]
}

fn once() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let report = stage.path("report.json");
    let arguments = ["--decode", "software", "--loop", "--frames", "200", "--to", "null"];
    let arguments = [&arguments[..], &["--report", report.to_str().unwrap()]].concat();
    assert!(zerohop("play", &clip, &arguments).status.success());
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
    assert_eq!((&report["frames_presented"], &report["handover"]), (&200.into(), &"shm".into()));
}

fn luma() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let luma = luma_of(&clip);
    same(&luma, &ours(&clip, &["--filter", "luma"]), 25);
    let changes = ours(&clip, &["--filter", "luma,diff"]);
    assert_eq!(hashes(&changes)[0], hashes(&luma)[0], "all of the first picture is new");
    assert_eq!(hashes(&changes), hashes(&ours(&clip, &["--filter", "diff"])));
}

fn files() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let pictures = stage.path("pictures");
    let to = format!("png:{}", pictures.display());
    let arguments = ["--filter", "luma,diff", "--every", "10", "--validation", "--to", &to];
    let output = zerohop("play", &clip, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(fs::read_dir(&pictures).unwrap().count(), 3);
    let video = stage.path("again.mp4");
    let to = format!("mp4:{}", video.display());
    let output = zerohop("play", &clip, &["--validation", "--to", &to]);
    assert!(output.status.success(), "{}", said(&output));
    let times = ours(&video, &[]);
    assert_eq!(self::pictures(&times), 25, "a picture for each: {times}");
    assert!(times.contains("#tb 0: 1/25\n"), "as long as it was: {times}");
}

/// It has no end.
fn full() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let video = stage.path("video.mp4");
    std::os::unix::fs::symlink("/dev/full", &video).unwrap();
    let to = format!("mp4:{}", video.display());
    let output = zerohop("play", &clip, &["--decode", "software", "--loop", "--to", &to]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(125), "{words}");
    let lines: Vec<_> = words.lines().filter(|line| line.contains("No space left")).collect();
    assert_eq!(lines.len(), 1, "{words}");
    assert!(lines[0].ends_with("what was recorded before is kept"), "{words}");
}
