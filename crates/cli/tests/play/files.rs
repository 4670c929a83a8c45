//! Odd files, decoded on the CPU: what ffmpeg makes of them.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::stage::{Stage, X264, ffmpegs, hashes, ours, pictures, said, same, zerohop};
use crate::trial::named;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        named("a_clip_from_the_middle_is_ffmpegs_from_there", seeking),
        named("pictures_that_change_their_size_are_ffmpegs", resizing),
        named("a_clip_that_is_cut_off_gives_what_ffmpeg_gets_of_it", cut_off),
        named("a_clip_with_noise_in_it_gives_what_ffmpeg_gets_of_it", noisy),
        named("ten_hours_into_its_time_a_clip_is_the_same", late),
        named("a_clip_whose_sound_begins_first_is_ffmpegs", with_sound),
        named("pictures_without_a_steady_rate_have_ffmpegs_times", unsteady),
        named("a_clip_again_and_again_counts_on", again),
        named("in_real_time_a_clip_lasts_as_long_as_it_is", in_real_time),
        named("palettes_and_bits_become_what_ffmpeg_makes_of_them", expanded),
    ]
}

fn seeking() {
    let stage = Stage::new();
    let coded = ["-c:v", "libx264", "-bf", "3", "-g", "7"];
    for name in ["clip.mp4", "clip.mkv"] {
        let clip = stage.clip(name, &coded);
        for at in ["0.1", "0.33", "0.5", "0.9"] {
            same(&ffmpegs(&["-ss", at], &clip), &ours(&clip, &["--start", at]), 2);
        }
    }
    let output = zerohop("play", &stage.path("clip.mp4"), &["--start", "9", "--to", "null"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("not one picture"), "{}", said(&output));
}

fn resizing() {
    let stage = Stage::new();
    for (end, coder) in [("h264", "libx264"), ("m2v", "mpeg2video")] {
        let clip = stage.sizes(end, &["-c:v", coder]);
        let found = ours(&clip, &[]);
        same(&ffmpegs(&[], &clip), &found, 40);
        assert!(found.contains(" 115200, ") && found.contains(" 38016, "), "both sizes: {found}");
    }
}

fn cut_off() {
    let stage = Stage::new();
    for name in ["clip.ts", "clip.mkv"] {
        let whole = fs::read(stage.clip(name, &X264)).unwrap();
        fs::write(stage.path(name), &whole[..whole.len() * 2 / 3]).unwrap();
        same(&ffmpegs(&[], &stage.path(name)), &ours(&stage.path(name), &[]), 5);
    }
    // Its index is at its end.
    let whole = fs::read(stage.clip("clip.mp4", &X264)).unwrap();
    fs::write(stage.path("clip.mp4"), &whole[..whole.len() / 2]).unwrap();
    let output = zerohop("play", &stage.path("clip.mp4"), &["--to", "null"]);
    assert_eq!((output.status.code(), said(&output).lines().count()), (Some(125), 1));
}

fn noisy() {
    let stage = Stage::new();
    stage.clip("clip.ts", &X264);
    let noise = ["-i", "clip.ts", "-c", "copy", "-bsf:v", "noise=amount=800"];
    let clip = stage.ffmpeg("noisy.ts", &noise);
    // What several threads make of errors differs from run to run, in ffmpeg too.
    let one = ["--threads", "1"];
    same(&ffmpegs(&["-threads", "1"], &clip), &ours(&clip, &one), 5);
    let output = zerohop("play", &clip, &["--decode", "software", "--to", "null"]);
    let words = said(&output);
    assert!(output.status.success() && words.contains(" pictures are damaged: "), "{words}");
}

fn late() {
    let stage = Stage::new();
    let coded = [&X264[..], &["-output_ts_offset", "36000"]].concat();
    for name in ["clip.ts", "clip.mkv"] {
        let clip = stage.clip(name, &coded);
        same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 25);
    }
}

fn with_sound() {
    let stage = Stage::new();
    let sound = ["-f", "lavfi", "-i", "sine=duration=1", "-map", "1:a", "-map", "0:v"];
    for name in ["clip.ts", "clip.mp4", "clip.mkv"] {
        let clip = stage.clip(name, &[&sound[..], &X264, &["-c:a", "aac"]].concat());
        same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 25);
    }
}

fn unsteady() {
    let stage = Stage::new();
    let some = "select=not(mod(n\\,3))+not(mod(n\\,7))";
    let coded = [&["-vf", some, "-vsync", "vfr"], &X264[..]].concat();
    for name in ["clip.mkv", "clip.mp4"] {
        let clip = stage.clip(name, &coded);
        same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 10);
    }
}

fn again() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let once = ours(&clip, &[]);
    let three = ours(&clip, &["--loop", "--frames", "75"]);
    assert_eq!(pictures(&three), 75);
    let (one, all) = (hashes(&once), hashes(&three));
    assert!(all.chunks(25).all(|round| round == one), "each round is the clip");
    let last = three.lines().last().unwrap();
    assert!(last.starts_with("0,         74,         74,        1,"), "{last}");
    let bare = stage.path("bare.h264");
    stage.ffmpeg("bare.h264", &["-i", clip.to_str().unwrap(), "-c", "copy"]);
    assert_eq!(hashes(&ours(&bare, &["--loop", "--frames", "75"])), all, "what has no index too");
}

fn in_real_time() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let begin = Instant::now();
    let output = zerohop("play", &clip, &["--realtime", "--to", "null"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(begin.elapsed() >= Duration::from_millis(950), "{:?}", begin.elapsed());
}

fn expanded() {
    let stage = Stage::new();
    let palette = "split[a][b];[a]palettegen[p];[b][p]paletteuse";
    for (name, coded, into) in [
        ("palette.mov", &["-vf", palette, "-c:v", "png"][..], "bgra"),
        ("white.nut", &["-c:v", "rawvideo", "-pix_fmt", "monow"], "gray"),
        ("black.nut", &["-c:v", "rawvideo", "-pix_fmt", "monob"], "gray"),
    ] {
        let clip = stage.clip(name, coded);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "quiet", "-i"]).arg(&clip).args(["-pix_fmt", into, "-bitexact"]);
        let wanted = ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap().stdout;
        same(&String::from_utf8(wanted).unwrap(), &ours(&clip, &[]), 25);
    }
}
