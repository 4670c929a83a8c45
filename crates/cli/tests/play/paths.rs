//! Files that are odd, and formats, by every path that a picture can take: VA-API, and the memory of Vulkan and
//! of CUDA. (The decoder on the CPU has a test for each.)

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use zerohop_needs::absent;

use crate::drivers::{StandIn, Vaapi};
use crate::stage::{BASELINE, Stage, X264, ZEROHOP, ffmpegs, ours, said, same};
use crate::trial::{Lacks, cuda, named, vaapi, vaapi_unless};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        named("odd_files_through_memory_of_vulkan_are_ffmpegs", odd_in_vulkan),
        named("a_url_is_played_and_one_that_does_not_answer_is_given_up", url),
        vaapi("odd_files_by_vaapi_are_ffmpegs", odd_by_vaapi),
        vaapi("a_clip_with_noise_by_vaapi_is_what_ffmpeg_gets_of_it", noisy_by_vaapi),
        vaapi_unless(lacks_profiles, "profiles_by_vaapi_are_ffmpegs_in_order_and_depth", profiles),
        vaapi_unless(
            lacks_profiles,
            "surfaces_with_three_planes_are_what_ffmpeg_downloads",
            planar,
        ),
        cuda("odd_files_through_memory_of_cuda_are_ffmpegs", odd_in_cuda),
    ]
}

/// A file, what ffmpeg is told of it, what we are, and how many pictures there are at least.
struct Odd {
    clip: PathBuf,
    ffmpeg: &'static [&'static str],
    play: &'static [&'static str],
    least: usize,
}

/// From the middle, with other sizes in the middle, cut off, ten hours in.
fn odd(stage: &Stage, coded: &[&str]) -> [Odd; 4] {
    let seek = [coded, &["-g", "7"]].concat();
    let seek = stage.clip("seek.mkv", &seek);
    let sizes = stage.sizes("h264", coded);
    let cut = stage.clip("cut.ts", coded);
    let whole = fs::read(&cut).unwrap();
    fs::write(&cut, &whole[..whole.len() * 2 / 3]).unwrap();
    let late = stage.clip("late.ts", &[coded, &["-output_ts_offset", "36000"]].concat());
    let plain = |clip, least| Odd { clip, ffmpeg: &[], play: &[], least };
    [
        Odd { clip: seek, ffmpeg: &["-ss", "0.33"], play: &["--start", "0.33"], least: 10 },
        plain(sizes, 40),
        plain(cut, 5),
        plain(late, 25),
    ]
}

/// The decoder is FFmpeg's on the CPU, its pictures are in Vulkan's memory.
fn odd_in_vulkan() {
    let stage = Stage::new();
    for odd in odd(&stage, &X264) {
        let arguments = [odd.play, &["--upload", "vulkan"]].concat();
        same(&ffmpegs(odd.ffmpeg, &odd.clip), &ours(&odd.clip, &arguments), odd.least);
    }
}

fn odd_in_cuda(cuda: &StandIn) {
    let stage = Stage::new();
    for odd in odd(&stage, &X264) {
        let (sums, _) = cuda.play(&odd.clip, &[odd.play, &["--to", "checksum"]].concat());
        same(&ffmpegs(odd.ffmpeg, &odd.clip), &sums, odd.least);
    }
}

/// Checksums of each picture as the driver's surfaces have it.
fn in_format(before: &[&str], clip: &Path, format: &str) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet"]).args(before).arg("-i").arg(clip);
    ffmpeg.args(["-map", "0:v:0", "-autoscale", "0", "-pix_fmt", format, "-bitexact"]);
    String::from_utf8(ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap().stdout).unwrap()
}

/// The same from the same driver, by ffmpeg.
fn downloaded(vaapi: &Vaapi, clip: &Path, format: &str) -> String {
    let display = vaapi.xvfb.display();
    let mut ffmpeg = Command::new("ffmpeg");
    // What several threads make of errors differs from run to run.
    ffmpeg.args(["-v", "quiet", "-threads", "1"]);
    ffmpeg.args(["-init_hw_device", &format!("vaapi=va:{display}")]);
    ffmpeg.args(["-hwaccel", "vaapi", "-hwaccel_output_format", "vaapi", "-i"]).arg(clip);
    ffmpeg.args(["-map", "0:v:0", "-vf", &format!("hwdownload,format={format}"), "-bitexact"]);
    ffmpeg.env("LIBVA_DRIVERS_PATH", &vaapi.folder).env("LIBVA_DRIVER_NAME", "libzerohop");
    ffmpeg.env("DISPLAY", display);
    String::from_utf8(ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap().stdout).unwrap()
}

fn played(vaapi: &Vaapi, clip: &Path, shape: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = vaapi.play(clip, shape, &[arguments, &["--to", "checksum"]].concat());
    assert!(output.status.success(), "{} {shape:?}: {}", clip.display(), said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Each in an object of its own and a layer of its own, or all in one.
const SHAPES: [&[(&str, &str)]; 2] = [
    &[("ZEROHOP_VA_OBJECTS", "planes"), ("ZEROHOP_VA_LAYERS", "separate")],
    &[
        ("ZEROHOP_VA_LAYERS", "composed"),
        ("ZEROHOP_VA_STRIDE", "256"),
        ("ZEROHOP_VA_PADDING", "16"),
    ],
];

fn odd_by_vaapi(vaapi: &Vaapi) {
    let stage = Stage::new();
    for odd in odd(&stage, &BASELINE) {
        let wanted = in_format(odd.ffmpeg, &odd.clip, "nv12");
        same(&wanted, &played(vaapi, &odd.clip, &[], odd.play), odd.least);
        // The decoder has surfaces for those that the host may hold.
        for ring in ["1", "32"] {
            let arguments = [odd.play, &["--ring", ring]].concat();
            same(&wanted, &played(vaapi, &odd.clip, &[], &arguments), odd.least);
        }
    }
}

/// All but the pictures that begin anew are broken, and the driver refuses what it cannot decode.
fn noisy_by_vaapi(vaapi: &Vaapi) {
    let stage = Stage::new();
    stage.clip("clip.ts", &[&BASELINE[..], &["-g", "8"]].concat());
    let noise = ["-i", "clip.ts", "-c", "copy", "-bsf:v", "noise=amount='if(key,0,300)'"];
    let clip = stage.ffmpeg("noisy.ts", &noise);
    same(&downloaded(vaapi, &clip, "nv12"), &played(vaapi, &clip, &[], &["--threads", "1"]), 4);
}

/// Why the driver decodes the baseline only, if it does.
fn lacks_profiles(vaapi: &Vaapi) -> Option<Lacks> {
    let driver = fs::read(vaapi.folder.join("libzerohop_drv_video.so")).unwrap();
    let all = driver.windows(19).any(|name| name == b"avcodec_send_packet");
    (!all).then(|| absent("vaapi", "zerohop-testkit-va is built without its feature ffmpeg"))
}

/// Pictures that come in another order than they are shown in, fields, ten bits.
const PROFILES: [(&str, &str, &[&str]); 6] = [
    ("main.mp4", "nv12", &["-c:v", "libx264", "-profile:v", "main", "-bf", "3"]),
    ("high.mkv", "nv12", &["-c:v", "libx264", "-bf", "3", "-x264-params", "cqm=jvt:slices=4"]),
    ("cavlc.mp4", "nv12", &["-c:v", "libx264", "-bf", "2", "-x264-params", "cabac=0"]),
    ("fields.ts", "nv12", &["-vf", "pad=146:104", "-c:v", "libx264", "-flags", "+ilme+ildct"]),
    ("vp9.webm", "nv12", &["-c:v", "libvpx-vp9", "-cpu-used", "8", "-lag-in-frames", "10"]),
    ("vp9_10.webm", "p010le", &["-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"]),
];

fn profiles(vaapi: &Vaapi) {
    let stage = Stage::new();
    for (name, format, coded) in PROFILES {
        let pixels = if format == "nv12" { "yuv420p" } else { "yuv420p10le" };
        let clip = stage.clip(name, &[coded, &["-pix_fmt", pixels]].concat());
        let wanted = in_format(&[], &clip, format);
        for shape in SHAPES {
            same(&wanted, &played(vaapi, &clip, shape, &[]), 25);
        }
    }
}

/// Two decoders of JPEG round differently, so that ffmpeg has to decode by the same driver.
fn planar(vaapi: &Vaapi) {
    let stage = Stage::new();
    for (pixels, format) in [("yuvj422p", "yuv422p"), ("yuvj444p", "yuv444p"), ("yuvj420p", "nv12")]
    {
        let clip = stage.clip(&format!("{pixels}.avi"), &["-c:v", "mjpeg", "-pix_fmt", pixels]);
        let wanted = downloaded(vaapi, &clip, format);
        for shape in SHAPES {
            same(&wanted, &played(vaapi, &clip, shape, &[]), 25);
        }
    }
}

/// Answers one request with all of `bytes`, or never.
fn serve(bytes: Option<Vec<u8>>) -> (String, thread::JoinHandle<Option<TcpStream>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/clip.ts", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => return Some(stream),
        };
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
        stream.write_all(&[head.as_bytes(), &bytes].concat()).unwrap();
        None
    });
    (url, serving)
}

fn play_url(url: &str, arguments: &[&str]) -> Output {
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.args(["play", url, "--decode", "software"]).args(arguments);
    zerohop.env_remove("ZEROHOP_DECODER").env_remove("http_proxy").output().unwrap()
}

fn url() {
    let stage = Stage::new();
    let clip = stage.clip("clip.ts", &X264);
    let (url, serving) = serve(Some(fs::read(&clip).unwrap()));
    let output = play_url(&url, &["--to", "checksum"]);
    assert!(output.status.success(), "{}", said(&output));
    same(&ffmpegs(&[], &clip), &String::from_utf8(output.stdout).unwrap(), 25);
    serving.join().unwrap();
    let begin = Instant::now();
    let (url, serving) = serve(None);
    let output = play_url(&url, &["--timeout", "0.5", "--to", "null"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("no answer for 0.5 s while opening it"), "{}", said(&output));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    drop(serving.join().unwrap());
}
