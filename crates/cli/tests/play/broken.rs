//! What cannot be played, and decoders that hang, stop or crash.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::stage::{Stage, X264, ZEROHOP, said, zerohop};
use crate::trial::named;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        named("what_is_no_video_is_refused_in_one_line", refused),
        named("a_file_that_does_not_answer_is_given_up", silent),
        named("a_decoder_that_is_stopped_is_ended", stopped),
        named("a_decoder_that_crashes_is_named_and_nothing_else_ends", crash),
        named("a_probe_of_what_crashes_goes_on_with_the_other_ways", probe_crash),
    ]
}

fn refused() {
    let stage = Stage::new();
    fs::write(stage.path("text.mp4"), "this is no video").unwrap();
    fs::write(stage.path("empty.mp4"), "").unwrap();
    let sound = ["-f", "lavfi", "-i", "sine=duration=0.1"];
    stage.ffmpeg("sound.wav", &sound);
    for (name, why) in [
        ("missing.mp4", "No such file"),
        ("text.mp4", "no video that FFmpeg knows"),
        ("empty.mp4", "no video that FFmpeg knows"),
        ("sound.wav", "there is no video in it"),
    ] {
        let output = zerohop("play", &stage.path(name), &["--to", "null"]);
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(125), 1), "{said}");
        assert!(said.contains(why), "{said}");
        assert_eq!(said.contains("check the name"), name == "missing.mp4", "{said}");
        let output = zerohop("probe", &stage.path(name), &[]);
        assert_eq!(output.status.code(), Some(125));
        assert!(String::from_utf8_lossy(&output.stderr).contains(why));
    }
    let clip = stage.clip("clip.mp4", &X264);
    let output = zerohop("play", &clip, &["--decode", "cuda", "--device", "/none", "--to", "null"]);
    assert!(!output.status.success() && said(&output).contains("cuda: open the device"));
}

fn silent() {
    let stage = Stage::new();
    let pipe = stage.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Somebody has it open for writing, and writes nothing.
    let mut holder =
        Command::new("sh").args(["-c", "exec sleep 60 > \"$0\""]).arg(&pipe).spawn().unwrap();
    let begin = Instant::now();
    let output = zerohop("play", &pipe, &["--timeout", "0.5", "--to", "null"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("no answer for 0.5 s while opening it"), "{}", said(&output));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

/// By a signal, here; a process that is frozen or swapped out says as little.
fn stopped() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let sleepy = stage.path("sleepy");
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    let script = "#!/bin/sh\nexec 3<&0; \"$DECODER\" \"$@\" <&3 & sleep 2; kill -STOP $! $$\n";
    fs::write(&sleepy, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&sleepy, mode).unwrap();
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.args(["play", "--loop", "--realtime", "--timeout", "0.5", "--to", "null"]).arg(&clip);
    zerohop.env("ZEROHOP_DECODER", sleepy).env("DECODER", decoder);
    let begin = Instant::now();
    let output = zerohop.output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("no sign of life for"), "{}", said(&output));
    // It was alive for two seconds, which is longer than it may be silent for.
    let took = begin.elapsed().as_secs_f64();
    assert!((3.4..30.0).contains(&took), "{took} s");
}

fn crash() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let broken = stage.path("broken");
    fs::write(&broken, "#!/bin/sh\nkill -SEGV $$\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&broken, mode).unwrap();
    for (decoder, why) in [(&broken, "crashed with signal 11"), (&stage.path("no"), "not found")] {
        let mut zerohop = Command::new(ZEROHOP);
        zerohop.args(["play", "--to", "null"]).arg(&clip).env("ZEROHOP_DECODER", decoder);
        let output = zerohop.output().unwrap();
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(125), 1), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

fn probe_crash() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let broken = stage.path("broken");
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    let script =
        "#!/bin/sh\ncase $2 in vaapi) kill -SEGV $$;; *) exec \"$DECODER\" \"$@\";; esac\n";
    fs::write(&broken, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&broken, mode).unwrap();
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.arg("probe").arg(&clip).env("ZEROHOP_DECODER", broken).env("DECODER", decoder);
    let text = String::from_utf8(zerohop.output().unwrap().stdout).unwrap();
    assert!(text.contains("vaapi     no: the decoder crashed: signal: 11"), "{text}");
    assert!(text.contains("software  yes:"), "{text}");
}
