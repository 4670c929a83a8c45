//! Several films in one process.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use libtest_mimic::Trial;

use crate::drivers::{StandIn, Vaapi, is_usual};
use crate::stage::{BASELINE, Stage, X264, ZEROHOP, ffmpegs, hashes, interleaved, pictures, said};
use crate::trial::{cuda, named, vaapi};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        named("several_films_are_each_ffmpegs_and_one_that_is_broken_is_named", together),
        named("what_each_of_several_films_has_for_itself_has_its_number", numbered),
        named("the_rate_of_each_of_several_films_is_that_of_its_own_time", rates),
        named("of_several_films_one_that_does_not_answer_is_given_up_alone", silent),
        named("several_films_whose_decoder_is_killed_are_each_named", killed),
        named("a_film_that_failed_is_named_also_when_a_limit_ends_the_others", limited),
        vaapi("surfaces_of_several_films_are_each_ffmpegs", by_vaapi),
        cuda("several_films_in_one_context_of_cuda_are_each_ffmpegs", in_cuda),
    ]
}

fn play(films: &[&PathBuf], arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.arg("play").args(films).args(arguments).env_remove("ZEROHOP_DECODER");
    zerohop.envs(environment.iter().copied()).output().unwrap()
}

/// The checksums of one film out of those of all, as if it were alone.
fn of(film: usize, sums: &str) -> Vec<String> {
    let number = format!("{film},");
    let lines: Vec<_> = sums.lines().filter(|line| line.starts_with(&number)).collect();
    hashes(&lines.join("\n"))
}

fn three(stage: &Stage) -> [PathBuf; 3] {
    let small = ["-f", "lavfi", "-i", "mandelbrot=size=98x54:rate=10", "-frames:v", "9"];
    [
        stage.clip("clip.mp4", &X264),
        stage.ffmpeg("short.mkv", &[&small[..], &["-c:v", "mpeg2video"]].concat()),
        stage.clip("deep.mp4", &[&X264[..], &["-pix_fmt", "yuv420p10le"]].concat()),
    ]
}

/// One is no video, one ends long before the others: each of the rest is ffmpeg's.
fn together() {
    let stage = Stage::new();
    let [clip, short, deep] = three(&stage);
    let broken = stage.path("broken.mp4");
    fs::write(&broken, "this is no video").unwrap();
    let report = stage.path("report.json");
    let arguments =
        ["--decode", "software", "--to", "checksum", "--report", report.to_str().unwrap()];
    let output = play(&[&clip, &short, &broken, &deep], &arguments, &[]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(125), "one of them failed: {words}");
    assert!(words.contains("broken.mp4: it is no video that FFmpeg knows"), "{words}");
    assert!(words.contains("4 films: 59 pictures in"), "{words}");
    assert!(!words.contains("changed"), "nobody looked: {words}");
    let sums = String::from_utf8(output.stdout).unwrap();
    for (film, path) in [(0, &clip), (1, &short), (3, &deep)] {
        assert_eq!(of(film, &sums), hashes(&ffmpegs(&[], path)), "film {film}");
    }
    assert!(sums.contains("#dimensions 1: 98x54\n") && of(2, &sums).is_empty(), "{sums}");
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let films = report["films"].as_array().unwrap();
    let ends = films.iter().map(|film| film["application"]["exit_code"].as_i64());
    assert_eq!(ends.collect::<Vec<_>>(), [Some(0), Some(0), Some(1), Some(0)]);
    let counts = films.iter().map(|film| film["frames_presented"].as_i64());
    assert_eq!(counts.collect::<Vec<_>>(), [Some(25), Some(9), Some(0), Some(25)]);
    assert_eq!(report["frames_presented"], 59);
}

/// What each film has for itself has its number in its name.
fn numbered() {
    let stage = Stage::new();
    let [clip, short, _] = three(&stage);
    let (films, folder) = ([&clip, &short], stage.path("film-{}"));
    let place = format!("png:{}", folder.display());
    let output =
        play(&films, &["--decode", "software", "--filter", "luma,diff", "--to", &place], &[]);
    assert!(output.status.success(), "{}", said(&output));
    let count = |film| fs::read_dir(stage.path(&format!("film-{film}"))).unwrap().count();
    assert_eq!((count(0), count(1)), (25, 9));
    for (place, why) in [("png:one", "2 films do not go into one one"), ("kms", "shows one film")] {
        let output = play(&films, &["--to", place], &[]);
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(125), 1), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let output = play(&films, &["--to", "null", "--loop", "--frames", "40"], &[]);
    assert!(said(&output).contains("2 films: 80 pictures in"), "{}", said(&output));
    assert!(output.status.success());
}

/// One ends two seconds before the other: so long its pictures do not count for its rate.
fn rates() {
    let stage = Stage::new();
    let source = ["-f", "lavfi", "-i", "mandelbrot=size=98x54:rate=10", "-c:v", "mpeg2video"];
    let film =
        |name: &str, count| stage.ffmpeg(name, &[&source[..], &["-frames:v", count]].concat());
    let films = [film("long.mkv", "30"), film("short.mkv", "9")];
    let path = stage.path("report.json");
    let arguments = ["--decode", "software", "--realtime", "--to", "null", "--report"];
    let output =
        play(&[&films[0], &films[1]], &[&arguments[..], &[path.to_str().unwrap()]].concat(), &[]);
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let of = |report: &Value, key: &str| report[key].as_f64().unwrap();
    let (long, short) = (&report["films"][0], &report["films"][1]);
    assert!(of(short, "duration_s") + 1.0 < of(long, "duration_s"), "{report}");
    assert_eq!(of(&report, "duration_s"), of(long, "duration_s"));
    for (film, pictures) in [(long, 30.0), (short, 9.0)] {
        assert!((of(film, "fps") * of(film, "duration_s") - pictures).abs() < 1e-6, "{film}");
    }
    assert!(of(&report, "fps") > of(long, "fps"), "{report}");
}

/// A film that does not answer is given up, and the others are played to their end.
fn silent() {
    let stage = Stage::new();
    let [clip, short, _] = three(&stage);
    let pipe = stage.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut holder =
        Command::new("sh").args(["-c", "exec sleep 60 > \"$0\""]).arg(&pipe).spawn().unwrap();
    let begin = Instant::now();
    let arguments = ["--decode", "software", "--timeout", "2", "--to", "checksum"];
    let output = play(&[&pipe, &clip, &short], &arguments, &[]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(125), "{words}");
    assert!(words.contains("pipe: no answer for 2 s while opening it"), "{words}");
    assert_eq!(words.matches("try zerohop probe").count(), 1, "{words}");
    assert_eq!(pictures(&String::from_utf8(output.stdout).unwrap()), 34);
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

/// The process that decodes all of them is killed: each that had not ended is named, and nothing hangs.
fn killed() {
    let stage = Stage::new();
    let [clip, short, _] = three(&stage);
    let script = stage.path("killed");
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    let text =
        "#!/bin/sh\nexec 3<&0; \"$DECODER\" \"$@\" <&3 & sleep 1; kill -KILL $!; kill -KILL $$\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let environment: [(&str, &Path); 2] = [("ZEROHOP_DECODER", &script), ("DECODER", &decoder)];
    let begin = Instant::now();
    let arguments = ["--decode", "software", "--loop", "--realtime", "--to", "null"];
    let output = play(&[&clip, &short], &arguments, &environment);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(125), "{words}");
    for film in ["clip.mp4", "short.mkv"] {
        assert!(words.contains(&format!("{film}: the decoder crashed with signal 9")), "{words}");
    }
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

/// One fails at once; the other goes on until the time is over, or until somebody ends it.
fn limited() {
    let stage = Stage::new();
    let [clip, ..] = three(&stage);
    let missing = stage.path("missing.mp4");
    let endless = ["--decode", "software", "--loop", "--realtime", "--to", "null"];
    let output = play(&[&clip, &missing], &[&endless[..], &["--seconds", "4"]].concat(), &[]);
    let why = "missing.mp4: No such file or directory: check the name";
    let words = said(&output);
    assert_eq!(output.status.code(), Some(125), "{words}");
    assert!(words.contains(why) && !words.contains("zerohop probe"), "{words}");
    let output = play(&[&clip, &clip], &[&endless[..], &["--seconds", "1"]].concat(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let mut ended = Command::new("timeout");
    ended.args(["--preserve-status", "--signal=INT", "4", ZEROHOP, "play"]);
    let output = ended.args([&clip, &missing]).args(endless).output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(128 + 2), "{words}");
    assert!(words.contains(why) && !words.contains("zerohop probe"), "{words}");
}

/// Each with a display of libva's of its own, whose surfaces have the same names.
fn by_vaapi(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let source = ["-f", "lavfi", "-i", "mandelbrot=size=98x54:rate=10", "-frames:v", "9"];
    let short = stage.ffmpeg("short.mp4", &[&source[..], &BASELINE].concat());
    let output = vaapi.play(&clip, &[], &[short.to_str().unwrap(), "--to", "checksum"]);
    assert!(output.status.success(), "{}", said(&output));
    let sums = String::from_utf8(output.stdout).unwrap();
    for (film, path) in [&clip, &short].into_iter().enumerate() {
        assert_eq!(of(film, &sums), hashes(&interleaved(path)), "film {film}");
    }
}

/// All of them in one context of CUDA and on one device of Vulkan, through a driver that checks every call.
fn in_cuda(cuda: &StandIn) {
    let stage = Stage::new();
    let [clip, short, _] = three(&stage);
    let more = [short.to_str().unwrap(), clip.to_str().unwrap(), "--to", "checksum"];
    let (sums, report) = cuda.play(&clip, &more);
    for (film, path) in [&clip, &short, &clip].into_iter().enumerate() {
        assert_eq!(of(film, &sums), hashes(&ffmpegs(&[], path)), "film {film}");
    }
    let odd: Vec<_> = report.lines().filter(|line| !is_usual(line)).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}
