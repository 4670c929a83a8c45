//! What FFmpeg makes of the files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use zerohop_frame::Extent;
use zerohop_sinks::Mp4;

use crate::boxes::{boxes, samples};
use crate::picture::draw;
use crate::record::{SIZE, every, record, record_file};
use crate::{child, with_ffmpeg};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        with_ffmpeg("ffprobe_sees_true_times_colors_and_duration", probed),
        with_ffmpeg("ffmpeg_decodes_the_pictures_that_were_drawn", decoded),
        with_ffmpeg("a_file_cut_in_a_fragment_being_written_plays_up_to_it", cut),
        with_ffmpeg("a_file_that_lost_its_end_plays_up_to_there", cut_later),
        with_ffmpeg("a_size_may_change_in_the_middle", resized),
        with_ffmpeg("ffprobe_plays_the_standard_output", piped),
    ]
}

/// What `program` prints about `path`, which it must like.
fn ask(program: &str, arguments: &[&str], path: &Path) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(["-v", "error", "-i"]).arg(path).args(arguments);
    let said = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{program} complains");
    assert!(said.status.success());
    said.stdout
}

fn lines(entries: &str, path: &Path) -> Vec<String> {
    let show = ["-show_entries", entries, "-of", "csv=p=0"];
    let text = String::from_utf8(ask("ffprobe", &show, path)).unwrap();
    text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect()
}

fn probed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let times: Vec<_> = [0, 16, 33, 700, 701, 4000].map(Duration::from_millis).into();
    record(Mp4::create(&path).unwrap(), &times, Duration::from_millis(4500), |_| SIZE).unwrap();
    let wanted: Vec<String> =
        times.iter().map(|time| format!("{:.6}", time.as_secs_f64())).collect();
    assert_eq!(lines("frame=pts_time", &path), wanted);
    let facts = "stream=codec_name,profile,width,height,color_range,color_space,color_transfer,color_primaries,chroma_location,time_base,duration";
    let facts = lines(facts, &path);
    let colors = "tv,bt709,bt709,bt709,center";
    assert_eq!(facts, [format!("h264,Constrained Baseline,160,96,{colors},1/90000,4.500000")]);
    assert_eq!(lines("format=duration", &path), ["4.500000"]);
}

fn decoded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    record_file(&path, 100);
    let raw = ask(
        "ffmpeg",
        &["-vsync", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"],
        &path,
    );
    let size = (SIZE.width * SIZE.height * 3 / 2) as usize;
    assert_eq!(raw.len(), 100 * size);
    for (n, picture) in raw.chunks(size).enumerate() {
        let drawn = draw(SIZE, n as u64);
        let sum: u64 =
            picture.iter().zip(&drawn).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        let mean = sum as f64 / size as f64;
        assert!(mean < 6.0, "picture {n} is off by {mean:.1} squared codes (40 dB)");
    }
}

/// A recorder that is killed while it writes has written its last fragment in part and under the
/// name of `free` still.
fn cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    record_file(&path, 130);
    let file = fs::read(&path).unwrap();
    let ends = |kind: &[u8; 4]| kind == b"moof" || kind == b"mfra";
    let starts = boxes(&file).into_iter().filter(|(_, kind, _)| ends(kind));
    let starts: Vec<usize> = starts.map(|(start, _, _)| start).collect();
    for pair in starts.windows(2).skip(1) {
        let (start, end) = (pair[0], pair[1]);
        let mut part = file.clone();
        part[start + 4..start + 8].copy_from_slice(b"free");
        for length in (start..end).step_by(211).chain([end]) {
            fs::write(&path, &part[..length]).unwrap();
            let whole = samples(&file[..start]).len();
            let times: Vec<String> = (0..whole).map(|n| (n * 1500).to_string()).collect();
            assert_eq!(lines("frame=pts", &path), times, "cut at {length}, {} in", length - start);
        }
    }
}

/// Any other loss of the end, such as a copy that stopped.
fn cut_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    record_file(&path, 130);
    let file = fs::read(&path).unwrap();
    for (start, kind, body) in boxes(&file).into_iter().skip(2) {
        if kind != b"mdat" && kind != b"mfra" {
            continue;
        }
        let (whole, length) = (samples(&file[..start]).len(), start + body.len() / 2);
        fs::write(&path, &file[..length]).unwrap();
        let mut probe = Command::new("ffprobe");
        probe.args(["-v", "quiet", "-show_entries", "frame=pts", "-of", "csv=p=0"]).arg(&path);
        let said = String::from_utf8(probe.output().unwrap().stdout).unwrap();
        // It also shows what it finds of the fragment that was cut.
        let shown = said.lines().count();
        assert!(shown >= whole, "{shown} of {whole} pictures of {length} bytes");
    }
}

fn resized() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let sizes = [SIZE, Extent { width: 320, height: 180 }, Extent { width: 64, height: 48 }];
    let size = |n: usize| sizes[n / 20 % 3];
    record(Mp4::create(&path).unwrap(), &every(60, 120), Duration::from_secs(2), size).unwrap();
    let wanted: Vec<String> =
        (0..120).map(|n| format!("{},{},{}", n * 1500, size(n).width, size(n).height)).collect();
    assert_eq!(lines("frame=pts,width,height", &path), wanted);
}

fn piped() {
    let mut recorder = child::command("-".as_ref(), &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-show_entries", "frame=pts", "-of", "csv=p=0", "-"]);
    let said = probe.stdin(recorder.stdout.take().unwrap()).output().unwrap();
    assert!(recorder.wait().unwrap().success());
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    let times = String::from_utf8(said.stdout).unwrap();
    let times: Vec<&str> = times.lines().map(|line| line.trim_end_matches(',')).collect();
    let wanted: Vec<String> = (0..300).map(|n| (n * 1500).to_string()).collect();
    assert_eq!(times, wanted);
}
